//! The steps of a request.

use std::fmt;

/// The step of a client's request in which an [`Error`](crate::Error) occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the addresses of the host or the proxy.
    Lookup,
    /// Connecting to one of the addresses, or requesting a tunnel from a proxy.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// Waiting for a connection with a free slot.
    Slot,
    /// Sending the request.
    Request,
    /// Waiting for the header section of the response.
    Response,
    /// Reading the body of the response.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Lookup => "look-up",
            Phase::Connect => "connecting",
            Phase::Handshake => "TLS handshake",
            Phase::Slot => "waiting for a free connection",
            Phase::Request => "sending the request",
            Phase::Response => "waiting for the response",
            Phase::Body => "reading the response body",
        })
    }
}
