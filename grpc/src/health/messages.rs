//! The messages of `grpc.health.v1`.

use std::collections::HashMap;

/// Asks about a service.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthCheckRequest {
    /// The name of the service; empty for the server as a whole.
    #[prost(string, tag = "1")]
    pub service: String,
}

/// The status of a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthCheckResponse {
    /// A [`ServingStatus`].
    #[prost(enumeration = "ServingStatus", tag = "1")]
    pub status: i32,
}

/// Whether a service serves.
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct HealthListRequest {}

/// The status of each service.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthListResponse {
    /// The statuses by name.
    #[prost(map = "string, message", tag = "1")]
    pub statuses: HashMap<String, HealthCheckResponse>,
}
