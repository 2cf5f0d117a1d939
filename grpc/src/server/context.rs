//! The context of a call at the server.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use h2_sync::Headers;
use h2_sync::server::{Caller, Request, ShutdownHook};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use crate::metadata::{InvalidMetadata, Metadata};

/// The context of a call: deadline, metadata and peer of the request, and metadata of the response.
///
/// ```
/// use h2_sync_grpc::server::Context;
/// use h2_sync_grpc::Status;
///
/// fn primes(cx: &Context, below: u64) -> Result<Vec<u64>, Status> {
///     let mut primes: Vec<u64> = Vec::new();
///     for number in 2..below {
///         if cx.is_cancelled() {
///             return Err(Status::cancelled("the client has cancelled the call"));
///         }
///         if primes.iter().all(|prime| number % prime != 0) {
///             primes.push(number);
///         }
///     }
///     cx.add_trailer("count", primes.len().to_string())?;
///     Ok(primes)
/// }
/// ```
///
/// What it knows of the call, and what it sends beside the messages:
///
/// ```
/// use h2_sync_grpc::server::Context;
/// use h2_sync_grpc::InvalidMetadata;
///
/// fn note(cx: &Context) -> Result<(), InvalidMetadata> {
///     println!("{} from {:?}, {:?} left", cx.path(), cx.peer_addr(), cx.time_left());
///     println!("token: {}", cx.metadata().get("authorization").is_some());
///     cx.add_header("server-name", "a")?;
///     cx.add_header_bin("trace-bin", [1, 2, 3])?;
///     cx.add_trailer_bin("hash-bin", [4, 5, 6])?;
///     cx.disable_compression();
///     Ok(())
/// }
/// ```
pub struct Context {
    fields: Headers,
    metadata: OnceLock<Metadata>,
    caller: Caller,
    deadline: Option<Instant>,
    extensions: Extensions,
    answer: Mutex<Answer>,
}

/// The metadata and options of the response that the method sets.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) headers: Metadata,
    pub(super) trailers: Metadata,
    pub(super) is_plain: bool,
}

impl Context {
    pub(super) fn new(request: &Request, deadline: Option<Instant>) -> Self {
        Context {
            fields: request.fields().clone(),
            metadata: OnceLock::new(),
            caller: request.caller(),
            deadline,
            extensions: Extensions::new(),
            answer: Mutex::default(),
        }
    }

    /// Returns the path of the method: `/package.Service/Method`.
    pub fn path(&self) -> &str {
        self.fields.path().unwrap_or_default()
    }

    /// Returns the time at which the client stops waiting. `None` if the call has no deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the time until the deadline, zero if it has passed. `None` if there is no deadline.
    /// Use it as the timeout of further calls that the method makes.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the client no longer waits: it has cancelled the call, its connection has
    /// ended, or the deadline has passed. This costs an uncontended lock, so a method may check it
    /// in a loop.
    pub fn is_cancelled(&self) -> bool {
        self.is_late() || self.caller.is_cancelled()
    }

    /// Waits up to `timeout` until [`is_cancelled`](Self::is_cancelled) is true, and returns its
    /// value.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync_grpc::server::{Context, Sender};
    /// use h2_sync_grpc::Status;
    ///
    /// /// Sends a number each second, until the client has enough.
    /// fn ticks(cx: &Context, numbers: &mut Sender<'_, u32>) -> Result<(), Status> {
    ///     let mut number = 0;
    ///     while cx.is_server_ready() && !cx.wait_cancelled(Duration::from_secs(1)) {
    ///         number += 1;
    ///         numbers.send(&number)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        let timeout = self.time_left().map_or(timeout, |left| left.min(timeout));
        self.caller.wait_cancelled(timeout) || self.is_late()
    }

    /// Returns whether the server accepts new calls; `false` as soon as it drains. See
    /// [`Handle::is_ready`](h2_sync::server::Handle::is_ready). The health service follows it.
    pub fn is_server_ready(&self) -> bool {
        self.caller.is_server_ready()
    }

    /// Calls `act` once when the server shuts down, unless the hook is dropped before. For methods
    /// whose response has no end. See
    /// [`Caller::on_shutdown`](h2_sync::server::Caller::on_shutdown).
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use h2_sync_grpc::server::{Context, Sender};
    /// use h2_sync_grpc::Status;
    ///
    /// fn ticks(cx: &Context, numbers: &mut Sender<'_, u32>) -> Result<(), Status> {
    ///     let (stop, stopped) = mpsc::channel();
    ///     let _hook = cx.on_shutdown(move || drop(stop.send(())));
    ///     while stopped.recv_timeout(Duration::from_secs(1)).is_err() {
    ///         numbers.send(&1)?;
    ///     }
    ///     Err(Status::unavailable("the server is shutting down"))
    /// }
    /// ```
    pub fn on_shutdown(&self, act: impl FnOnce() + Send + 'static) -> ShutdownHook {
        self.caller.on_shutdown(act)
    }

    /// Returns the metadata of the request.
    pub fn metadata(&self) -> &Metadata {
        self.metadata.get_or_init(|| {
            let mut map = HeaderMap::with_capacity(self.fields.len());
            for field in self.fields.iter().filter(|field| !field.name.starts_with(b":")) {
                let name = HeaderName::from_bytes(field.name);
                let value = HeaderValue::from_bytes(field.value);
                if let (Ok(name), Ok(mut value)) = (name, value) {
                    value.set_sensitive(field.sensitive || name == http::header::AUTHORIZATION);
                    map.append(name, value);
                }
            }
            Metadata::of_fields(map)
        })
    }

    /// Returns the IP address and port of the client. `None` on a Unix socket.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.caller.peer().address()
    }

    /// Returns the results of the TLS handshake, including the client's certificates.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&h2_sync::tls::Facts> {
        self.caller.peer().tls()
    }

    /// Adds a text value to the metadata that is sent before the first message. After the first
    /// message it has no effect.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn add_header(&self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        self.answer().headers.append(key, value)
    }

    /// Adds a binary value to the metadata that is sent before the first message. The key ends with
    /// `-bin`.
    ///
    /// # Errors
    ///
    /// The key is not valid.
    pub fn add_header_bin(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        self.answer().headers.append_bin(key, value)
    }

    /// Adds a text value to the metadata that is sent with the status.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn add_trailer(&self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        self.answer().trailers.append(key, value)
    }

    /// Adds a binary value to the metadata that is sent with the status. The key ends with `-bin`.
    ///
    /// # Errors
    ///
    /// The key is not valid.
    pub fn add_trailer_bin(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        self.answer().trailers.append_bin(key, value)
    }

    /// Sends the messages of this call without compression, regardless of
    /// [`Services::compression`](super::Services::compression). For secrets, since the compressed
    /// size can reveal them. Call this before the first message.
    pub fn disable_compression(&self) {
        self.answer().is_plain = true;
    }

    /// Returns values that interceptors stored for the method, such as the caller's identity.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the extensions mutably, so that an interceptor can store values.
    ///
    /// ```
    /// use h2_sync_grpc::server::{Context, Services};
    /// use h2_sync_grpc::Status;
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// let services = Services::new().intercept(|cx, next| {
    ///     let user = cx.metadata().get("x-user").map(str::to_owned);
    ///     let user = user.ok_or_else(|| Status::unauthenticated("x-user is missing"))?;
    ///     cx.extensions_mut().insert(User(user));
    ///     next.run(cx)
    /// });
    ///
    /// /// In a method of a service:
    /// fn greeting(cx: &Context) -> Option<String> {
    ///     cx.extensions().get::<User>().map(|User(name)| format!("hello, {name}"))
    /// }
    /// ```
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Returns a field of the request, including fields of the protocol.
    pub(super) fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get_bytes(name)
    }

    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    pub(super) fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("path", &self.path())
            .field("deadline", &self.deadline)
            .field("peer", self.caller.peer())
            .finish_non_exhaustive()
    }
}
