//! Several services in one handler.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use h2_sync::server::{Request, Response};
use http::{Method, Version};

use super::call::{Call, Limits};
use super::context::Context;
use super::interceptor::{Interceptor, Next};
use super::receiver::late;
use super::reply::Reply;
use crate::code::Code;
use crate::compression::Compression;
use crate::metadata::too_large;
use crate::status::Status;
use crate::{MAX_MESSAGE, MAX_METADATA, content_type, timeout};

/// A service: a set of methods under one name. Generated code implements it.
///
/// ```
/// use h2_sync_grpc::server::{Call, Receiver, Sender, Service, Services};
/// use h2_sync_grpc::{Prost, Status};
///
/// struct Numbers;
///
/// impl Service for Numbers {
///     fn name(&self) -> &'static str {
///         "demo.Numbers"
///     }
///
///     fn call(&self, call: Call<'_>) -> Result<(), Status> {
///         type From<'a> = Receiver<'a, u32>;
///         type To<'a> = Sender<'a, u32>;
///         match call.method() {
///             "Double" => call.unary(Prost, |_, number: u32| Ok(2 * number)),
///             "Count" => call.server_streaming(Prost, |_, last: u32, to: &mut To<'_>| {
///                 (1..=last).try_for_each(|number| to.send(&number))
///             }),
///             "Sum" => call.client_streaming(Prost, |_, from: &mut From<'_>| {
///                 from.sum::<Result<u32, Status>>()
///             }),
///             "Echo" => call.bidirectional(Prost, |_, from: &mut From<'_>, to: &mut To<'_>| {
///                 from.try_for_each(|number| to.send(&number?))
///             }),
///             _ => call.unimplemented(),
///         }
///     }
/// }
///
/// let services = Services::new().service(Numbers);
/// assert_eq!(services.iter().next().map(Service::name), Some("demo.Numbers"));
/// ```
pub trait Service: Send + Sync + 'static {
    /// Returns the name with its package: `helloworld.Greeter`.
    fn name(&self) -> &'static str;

    /// Passes a call to its method.
    ///
    /// # Errors
    ///
    /// The status of the failed call.
    fn call(&self, call: Call<'_>) -> Result<(), Status>;

    /// Returns the encoded `google.protobuf.FileDescriptorSet` of the files that the service was
    /// generated from, for reflection. Empty if it is not known.
    fn descriptors(&self) -> &'static [u8] {
        &[]
    }
}

/// Several services in one handler.
///
/// [`into_handler`](Self::into_handler) is for a server that only serves gRPC. If other requests
/// share the port, [`takes`](Self::takes) recognises calls, and [`handle`](Self::handle) answers
/// one:
///
/// ```
/// use std::io::Write;
///
/// use h2_sync::server::{Request, Response, Server};
/// use h2_sync_grpc::server::Services;
///
/// let services = Services::new();
/// let handler = move |request: &mut Request, response: &mut Response| {
///     if services.takes(request) {
///         return services.handle(request, response);
///     }
///     response.write_all(b"a web page")?;
///     Ok::<(), h2_sync::Error>(())
/// };
/// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
/// # server.shutdown(std::time::Duration::from_secs(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With limits, compression and reflection, for a server of its own:
///
/// ```
/// use h2_sync::server::Server;
/// use h2_sync_grpc::health::Health;
/// use h2_sync_grpc::server::Services;
/// use h2_sync_grpc::Compression;
///
/// let services = Services::new()
///     .service(Health::new().service())
///     .max_message(1 << 20)
///     .max_reply(1 << 20)
///     .compression(Compression::Gzip)
///     .with_reflection();
/// let server = Server::bind("127.0.0.1:0")?.serve(services.into_handler())?;
/// # server.shutdown(std::time::Duration::from_secs(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Services {
    by_name: BTreeMap<&'static str, Arc<dyn Service>>,
    interceptors: Vec<Interceptor>,
    limits: Limits,
}

impl Services {
    /// Creates a handler without services.
    pub fn new() -> Self {
        let limits = Limits {
            max_request: MAX_MESSAGE,
            max_metadata: MAX_METADATA,
            max_reply: usize::MAX,
            compression: None,
        };
        Services { by_name: BTreeMap::new(), interceptors: Vec::new(), limits }
    }

    /// Adds a service. It replaces a service with the same name.
    #[must_use]
    pub fn service(mut self, service: impl Service) -> Self {
        self.by_name.insert(service.name(), Arc::new(service));
        self
    }

    /// Adds a function that runs around each call of these services, on the thread of the call. The
    /// first one added is the outermost.
    ///
    /// ```
    /// use h2_sync_grpc::server::{Context, Next, Services};
    /// use h2_sync_grpc::Status;
    ///
    /// let services = Services::new().intercept(|cx: &mut Context, next: Next<'_>| {
    ///     if cx.metadata().get("authorization") != Some("Bearer secret") {
    ///         return Err(Status::unauthenticated("invalid token"));
    ///     }
    ///     let outcome = next.run(cx);
    ///     println!("{} {outcome:?}", cx.path());
    ///     outcome
    /// });
    /// ```
    #[must_use]
    pub fn intercept(
        mut self,
        interceptor: impl Fn(&mut Context, Next<'_>) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Sets the size limit of a request message in octets, both compressed and inflated. Default 4
    /// MiB. A larger message ends the call with
    /// [`ResourceExhausted`](crate::Code::ResourceExhausted) before memory is allocated for it.
    #[must_use]
    pub fn max_message(mut self, octets: usize) -> Self {
        self.limits.max_request = octets;
        self
    }

    /// Sets the size limit of a request's metadata: the octets of names and values in its header section,
    /// and 32 for each field. Default 8 KiB. A larger section ends the call with
    /// [`ResourceExhausted`](crate::Code::ResourceExhausted).
    ///
    /// A server accepts sections of up to 64 KiB and answers larger ones with 431. For more, raise
    /// [`max_header_list_size`](h2_sync::Config::max_header_list_size) as well:
    ///
    /// ```
    /// use h2_sync::server::{Config, Server};
    /// use h2_sync_grpc::server::Services;
    ///
    /// let services = Services::new().max_metadata(256 << 10);
    /// let mut config = Config::default();
    /// config.http2.max_header_list_size = 256 << 10;
    /// let server = Server::bind("127.0.0.1:0")?.config(config).serve(services.into_handler())?;
    /// # server.shutdown(std::time::Duration::from_secs(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn max_metadata(mut self, octets: usize) -> Self {
        self.limits.max_metadata = octets;
        self
    }

    /// Sets the size limit of a response message on the wire, in octets. Default: no limit.
    #[must_use]
    pub fn max_reply(mut self, octets: usize) -> Self {
        self.limits.max_reply = octets;
        self
    }

    /// Sets the compression of responses, used for clients that accept it. Default `None`.
    /// Compressed requests are always accepted.
    #[must_use]
    pub fn compression(mut self, compression: impl Into<Option<Compression>>) -> Self {
        self.limits.compression = compression.into();
        self
    }

    /// Adds server reflection (`grpc.reflection.v1`, and `v1alpha` for older tools) for itself and
    /// the services added before. Their descriptors come from the build script.
    #[cfg(feature = "prost")]
    #[must_use]
    pub fn with_reflection(self) -> Self {
        let reflection = crate::reflection::Reflection::of(self.iter());
        reflection.into_iter().fold(self, Services::service)
    }

    /// Returns the services, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Service> {
        self.by_name.values().map(|service| &**service)
    }

    /// Returns whether a request is a gRPC call, judging by its `content-type`.
    pub fn takes(&self, request: &Request) -> bool {
        request.field("content-type").is_some_and(|kind| content_type::is_grpc(kind.as_bytes()))
    }

    /// Answers a call. A request that is not gRPC is answered with 405, 415 or 505.
    ///
    /// # Errors
    ///
    /// The response cannot be sent. The failure of a method is not an error here: it is sent as a
    /// status.
    pub fn handle(
        &self,
        request: &mut Request,
        response: &mut Response,
    ) -> Result<(), h2_sync::Error> {
        if request.version() != Version::HTTP_2 {
            return response.set_status(505);
        }
        if *request.method() != Method::POST {
            response.set_header("allow", "POST")?;
            return response.set_status(405);
        }
        if !self.takes(request) {
            return response.set_status(415);
        }
        let mut is_started = false;
        let (size, limit) = (request.fields().section_size(), self.limits.max_metadata);
        if size > limit {
            let refusal = Err(too_large(size, limit));
            return Reply::new(response, &mut is_started).finish(None, refusal);
        }
        let deadline = match deadline(request) {
            Ok(deadline) => deadline,
            Err(status) => {
                return Reply::new(response, &mut is_started).finish(None, Err(status));
            }
        };
        if deadline.is_some() {
            request.set_deadline(deadline);
            response.set_deadline(deadline);
        }
        let mut cx = Context::new(request, deadline);
        // Methods are responsible for the consistency of their shared state.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut method =
                |cx: &Context| self.dispatch(cx, request, Reply::new(response, &mut is_started));
            Next::new(&self.interceptors, &mut method).run(&mut cx)
        }));
        let outcome = match outcome {
            Ok(outcome) if cx.is_late() => Err(outcome.map_or_else(of_late_call, |()| late())),
            Ok(outcome) => outcome,
            Err(_) => {
                log::error!("{}: the method panicked", cx.path());
                Err(Status::internal("the method panicked"))
            }
        };
        Reply::new(response, &mut is_started).finish(Some(&cx), outcome)
    }

    /// Converts the services into a handler for [`Server::serve`](h2_sync::server::Server::serve).
    pub fn into_handler(
        self,
    ) -> impl Fn(&mut Request, &mut Response) -> Result<(), h2_sync::Error> + Send + Sync + 'static
    {
        move |request, response| self.handle(request, response)
    }

    /// Passes a call to its service.
    fn dispatch(
        &self,
        cx: &Context,
        request: &mut Request,
        reply: Reply<'_>,
    ) -> Result<(), Status> {
        if cx.is_late() {
            return Err(late());
        }
        let name = cx.path().strip_prefix('/').and_then(|path| path.rsplit_once('/'));
        let service = name.and_then(|(service, _)| self.by_name.get(service));
        let Some(service) = service else {
            let path = cx.path();
            return Err(Status::unimplemented(format!("unknown service in {path}")));
        };
        service.call(Call { cx, request, reply, limits: self.limits })
    }
}

/// Returns the status of a call that failed after its deadline.
fn of_late_call(status: Status) -> Status {
    match status.code() {
        Code::Cancelled => late(),
        _ => status,
    }
}

/// Returns the deadline that the client set.
fn deadline(request: &Request) -> Result<Option<Instant>, Status> {
    let Some(value) = request.field("grpc-timeout") else { return Ok(None) };
    let timeout = timeout::parse(value.as_bytes())
        .ok_or_else(|| Status::internal(format!("malformed grpc-timeout: {value:?}")))?;
    // A deadline that overflows the clock is no deadline.
    Ok(Instant::now().checked_add(timeout))
}

impl Default for Services {
    fn default() -> Self {
        Services::new()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("names", &self.by_name.keys())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
