//! Details of an exchange on the wire.

use std::time::Duration;

use crate::frame::StreamId;

/// Details of the exchange that produced a response.
///
/// ```
/// use h2_sync::client::Response;
///
/// fn log(response: &Response) {
///     let facts = response.facts();
///     let connection = if facts.is_reused() { "reused" } else { "new" };
///     println!("{} after {:?}, {connection} connection", response.url(), facts.first_byte);
///     if let (Some(connect), Some(tls)) = (facts.connect, facts.tls) {
///         println!("connected in {connect:?}, TLS in {tls:?}");
///     }
///     println!("{} retries, {} redirects", facts.retries, facts.redirects);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The stream of the response; `None` in HTTP/1.1.
    pub stream_id: Option<StreamId>,
    /// How long connecting took, including the name lookup and a proxy's tunnel; `None` if the
    /// request used an existing connection.
    pub connect: Option<Duration>,
    /// How long the TLS handshake took, if this request needed one.
    pub tls: Option<Duration>,
    /// The time from when the request had a connection to when the response's header section
    /// arrived.
    pub first_byte: Duration,
    /// How often the request was retried because the server had not processed it.
    pub retries: u32,
    /// How many redirects were followed.
    pub redirects: u32,
}

impl Facts {
    /// Whether the request used an existing connection.
    pub fn is_reused(&self) -> bool {
        self.connect.is_none()
    }
}
