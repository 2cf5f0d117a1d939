//! The messages of `grpc.health.v1`.

use std::collections::HashMap;

/// Asks about a service.
///
/// ```no_run
/// use h2_sync_grpc::client::{Channel, Stub};
/// use h2_sync_grpc::health::{HealthCheckRequest, HealthCheckResponse, ServingStatus};
/// use h2_sync_grpc::Prost;
///
/// let stub = Stub::new(&Channel::new("http://127.0.0.1:50051")?);
/// let request = HealthCheckRequest { service: "helloworld.Greeter".into() };
/// let response = stub.unary(Prost, "/grpc.health.v1.Health/Check", &request)?;
/// let response: HealthCheckResponse = response.into_message();
/// assert_eq!(response.status(), ServingStatus::Serving);
/// # Ok::<(), h2_sync_grpc::Status>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthCheckRequest {
    /// The name of the service; empty for the server as a whole.
    #[prost(string, tag = "1")]
    pub service: String,
}

/// The status of a service.
///
/// [`HealthCheckRequest`] has an example.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthCheckResponse {
    /// A [`ServingStatus`].
    #[prost(enumeration = "ServingStatus", tag = "1")]
    pub status: i32,
}

/// Whether a service serves.
///
/// [`HealthCheckRequest`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ServingStatus {
    /// Not known.
    Unknown = 0,
    /// It serves.
    Serving = 1,
    /// It does not serve now.
    NotServing = 2,
    /// There is no such service. In watches alone.
    ServiceUnknown = 3,
}

/// Asks about all services.
///
/// ```no_run
/// use h2_sync_grpc::client::{Channel, Stub};
/// use h2_sync_grpc::health::{HealthListRequest, HealthListResponse};
/// use h2_sync_grpc::Prost;
///
/// let stub = Stub::new(&Channel::new("http://127.0.0.1:50051")?);
/// let response = stub.unary(Prost, "/grpc.health.v1.Health/List", &HealthListRequest {})?;
/// let list: HealthListResponse = response.into_message();
/// for (service, health) in &list.statuses {
///     println!("{service}: {:?}", health.status());
/// }
/// # Ok::<(), h2_sync_grpc::Status>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthListRequest {}

/// The status of each service.
///
/// [`HealthListRequest`] has an example.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthListResponse {
    /// The statuses by name.
    #[prost(map = "string, message", tag = "1")]
    pub statuses: HashMap<String, HealthCheckResponse>,
}
