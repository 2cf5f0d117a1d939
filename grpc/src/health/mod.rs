//! The health service, `grpc.health.v1`: whether a server, and each of its services, serves.
//!
//! It follows the [readiness](h2_sync::server#readiness-and-the-end) of the server: as soon as a
//! drain begins, services that serve are told to be NOT_SERVING, so that clients and balancers send
//! their calls elsewhere before connections end. This takes one line:
//!
//! ```
//! use h2_sync_grpc::health::Health;
//! use h2_sync_grpc::server::Services;
//!
//! let health = Health::new();
//! let services = Services::new().service(health.service());
//! // Later, from any thread:
//! health.set("helloworld.Greeter", false);
//! ```

mod messages;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::codec::Prost;
use crate::server::{Call, Context, Sender, Service};
use crate::status::Status;

pub use messages::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse, ServingStatus,
};

/// How often a watch looks at the readiness of the server, and whether its client has gone.
const LOOK: Duration = Duration::from_millis(100);

/// Statuses in the answer to `List`, as the service's own description bounds them.
const LIST_MAX: usize = 100;

/// The health of a server and of its services, as reported to clients. Clones share it.
///
/// The server as a whole has the empty name, and is serving at first. Other services are unknown until they
/// are [set](Self::set). While the server is not [ready](h2_sync::server::Handle::is_ready), all are
/// reported as not serving; a watch reports this within 100 ms. Each watch takes a thread of the server.
///
/// ```
/// use h2_sync_grpc::health::Health;
/// use h2_sync_grpc::server::Services;
///
/// let health = Health::new();
/// let services = Services::new().service(health.service());
/// health.set("helloworld.Greeter", true);
/// // … its database cannot be reached …
/// health.set("helloworld.Greeter", false);
/// health.remove("helloworld.Greeter");
/// ```
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    statuses: Mutex<BTreeMap<String, ServingStatus>>,
    changed: Condvar,
}

impl Health {
    /// Creates the health of a server that is serving, without further services.
    pub fn new() -> Self {
        let statuses = BTreeMap::from([(String::new(), ServingStatus::Serving)]);
        let shared = Shared { statuses: Mutex::new(statuses), changed: Condvar::new() };
        Health { shared: Arc::new(shared) }
    }

    /// Sets whether a service serves, and notifies the clients that watch it. The empty name is the
    /// server as a whole.
    pub fn set(&self, service: impl Into<String>, serves: bool) {
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.shared.lock().insert(service.into(), status);
        self.shared.changed.notify_all();
    }

    /// Removes a service, whose status is then unknown.
    pub fn remove(&self, service: &str) {
        self.shared.lock().remove(service);
        self.shared.changed.notify_all();
    }

    /// Returns the health service, for [`Services::service`](crate::server::Services::service).
    pub fn service(&self) -> impl Service {
        HealthService(Arc::clone(&self.shared))
    }
}

struct HealthService(Arc<Shared>);

impl Service for HealthService {
    fn name(&self) -> &'static str {
        "grpc.health.v1.Health"
    }

    fn call(&self, call: Call<'_>) -> Result<(), Status> {
        match call.method() {
            "Check" => call.unary(Prost, |cx, request| self.check(cx, &request)),
            "List" => call.unary(Prost, |cx, HealthListRequest {}| self.list(cx)),
            "Watch" => call
                .server_streaming(Prost, |cx, request, replies| self.watch(cx, &request, replies)),
            _ => call.unimplemented(),
        }
    }

    fn descriptors(&self) -> &'static [u8] {
        include_bytes!("descriptors.bin")
    }
}

impl HealthService {
    fn check(
        &self,
        cx: &Context,
        request: &HealthCheckRequest,
    ) -> Result<HealthCheckResponse, Status> {
        match self.0.lock().get(&request.service) {
            Some(&status) => Ok(HealthCheckResponse { status: if_ready(cx, status).into() }),
            None => Err(Status::not_found("unknown service")),
        }
    }

    fn list(&self, cx: &Context) -> Result<HealthListResponse, Status> {
        let all = self.0.lock();
        if all.len() > LIST_MAX {
            return Err(Status::resource_exhausted("there are too many services to list"));
        }
        let response =
            |&status: &ServingStatus| HealthCheckResponse { status: if_ready(cx, status).into() };
        let statuses = all.iter().map(|(name, status)| (name.clone(), response(status)));
        Ok(HealthListResponse { statuses: statuses.collect() })
    }

    /// Tells the status now, and each change.
    fn watch(
        &self,
        cx: &Context,
        request: &HealthCheckRequest,
        replies: &mut Sender<'_, HealthCheckResponse>,
    ) -> Result<(), Status> {
        let shared = &self.0;
        let is_ending = Arc::new(AtomicBool::new(false));
        let _hook = cx.on_shutdown({
            let (shared, is_ending) = (Arc::clone(shared), Arc::clone(&is_ending));
            move || {
                // Under the lock: no watch is between its look and its wait.
                let _statuses = shared.lock();
                is_ending.store(true, Ordering::SeqCst);
                shared.changed.notify_all();
            }
        });
        let mut last = None;
        loop {
            let mut statuses = shared.lock();
            let now = loop {
                if is_ending.load(Ordering::SeqCst) {
                    return Err(Status::unavailable("the server shuts down"));
                }
                let now = statuses.get(&request.service).copied();
                let now = if_ready(cx, now.unwrap_or(ServingStatus::ServiceUnknown));
                if last != Some(now) {
                    break now;
                }
                let waited = shared.changed.wait_timeout(statuses, LOOK);
                statuses = waited.unwrap_or_else(PoisonError::into_inner).0;
                if cx.is_cancelled() {
                    return Err(Status::cancelled("the client has gone"));
                }
            };
            drop(statuses);
            last = Some(now);
            replies.send(&HealthCheckResponse { status: now.into() })?;
        }
    }
}

/// The status of a service, while the server may not be ready.
fn if_ready(cx: &Context, status: ServingStatus) -> ServingStatus {
    match status {
        ServingStatus::Serving if !cx.is_server_ready() => ServingStatus::NotServing,
        _ => status,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ServingStatus>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Health {
    fn default() -> Self {
        Health::new()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("statuses", &self.shared.lock()).finish()
    }
}
