//! What a method is told about its call.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use h2_sync::server::{Caller, Request, ShutdownHook};
use h2_sync::Headers;
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
pub struct Context {
    fields: Headers,
    metadata: OnceLock<Metadata>,
    caller: Caller,
    deadline: Option<Instant>,
    extensions: Extensions,
    answer: Mutex<Answer>,
}

/// What the method says beside its messages.
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

    /// The path of the method: `/package.Service/Method`.
    pub fn path(&self) -> &str {
        self.fields.path().unwrap_or_default()
    }

    /// When the client gives the call up; `None` if it waits for ever.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time until the deadline, zero if it has passed; `None` if there is no deadline. For calls
    /// that this one makes.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether the client has gone: it has cancelled the call, its connection has ended, or the
    /// deadline has passed. Costs an uncontended lock: a method may ask in each turn of a loop.
    pub fn is_cancelled(&self) -> bool {
        self.is_late() || self.caller.is_cancelled()
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        let timeout = self.time_left().map_or(timeout, |left| left.min(timeout));
        self.caller.wait_cancelled(timeout) || self.is_late()
    }

    /// Whether the server wants new calls; `false` as soon as it drains. See
    /// [`Handle::is_ready`](h2_sync::server::Handle::is_ready). The health service follows it.
    pub fn is_server_ready(&self) -> bool {
        self.caller.is_server_ready()
    }

    /// Has `act` called once when the server shuts down, unless the hook is dropped before: for a
    /// method whose response has no end of its own. See
    /// [`Caller::on_shutdown`](h2_sync::server::Caller::on_shutdown).
    pub fn on_shutdown(&self, act: impl FnOnce() + Send + 'static) -> ShutdownHook {
        self.caller.on_shutdown(act)
    }

    /// The metadata of the request.
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

    /// The address of the client, where it is one of IP.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.caller.peer().address()
    }

    /// What was agreed on in the TLS handshake, the client's certificates among it.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&h2_sync::tls::Facts> {
        self.caller.peer().tls()
    }

    /// Adds a text to the metadata that goes out before the first message.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid. Once the first message has been sent, it goes nowhere.
    pub fn add_header(&self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        self.answer().headers.append(key, value)
    }

    /// Adds octets to the metadata that goes out before the first message; the key ends with `-bin`.
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

    /// Adds a text to the metadata that goes out with the status.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn add_trailer(&self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        self.answer().trailers.append(key, value)
    }

    /// Adds octets to the metadata that goes out with the status; the key ends with `-bin`.
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

    /// Sends the messages of this call without compression, whatever
    /// [`Services::compression`](super::Services::compression) says. For secrets, whose compressed
    /// size may give them away. To be called before the first message.
    pub fn disable_compression(&self) {
        self.answer().is_plain = true;
    }

    /// Room for what interceptors have to tell the method: who the caller is, for instance.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the extensions, for an interceptor to put something in.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// A field of the request, of the protocol as well.
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
