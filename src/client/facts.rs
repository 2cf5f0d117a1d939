//! What happened on the wire.

use std::time::Duration;

use crate::frame::StreamId;

/// What happened on the wire for one response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The stream that the response came on; `None` in HTTP/1.1.
    pub stream_id: Option<StreamId>,
    /// How long connecting took, looking up the host and asking a proxy included; `None` if a
    /// connection was there already.
    pub connect: Option<Duration>,
    /// How long the TLS handshake took, if there was one for this request.
    pub tls: Option<Duration>,
    /// From when there was a connection to when the response's header section was there.
    pub first_byte: Duration,
    /// How often the request was sent again, after the server had not processed it.
    pub retries: u32,
    /// How many redirects led here.
    pub redirects: u32,
}

impl Facts {
    /// Whether the request went over a connection that was there already.
    pub fn is_reused(&self) -> bool {
        self.connect.is_none()
    }
}
