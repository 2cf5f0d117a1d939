//! The request that a log line refers to.

use std::fmt;
use std::net::SocketAddr;

use super::context::Context;
use super::request::Request;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// A request, printed as `GET /path from 192.0.2.1:50000, stream 1`. The query is omitted, since it
/// may contain secrets.
pub(super) struct Which<'a> {
    /// `None` in HTTP/1.x.
    stream_id: Option<StreamId>,
    method: &'a str,
    path: &'a str,
    peer: Option<SocketAddr>,
}

impl<'a> Which<'a> {
    pub(super) fn new(stream_id: StreamId, fields: &'a Headers, context: &Context) -> Self {
        let target = fields.path().or_else(|| fields.authority()).unwrap_or_default();
        Which {
            stream_id: Some(stream_id),
            method: fields.method().unwrap_or_default(),
            path: target.split_once('?').map_or(target, |(path, _)| path),
            peer: context.peer.address,
        }
    }

    pub(super) fn of(request: &'a Request) -> Self {
        let authority = || request.authority().unwrap_or_default();
        Which {
            stream_id: request.stream_id(),
            method: request.method().as_str(),
            path: Some(request.path()).filter(|path| !path.is_empty()).unwrap_or_else(authority),
            peer: request.peer_addr(),
        }
    }
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path.escape_debug())?;
        if let Some(address) = self.peer {
            write!(f, " from {address}")?;
        }
        match self.stream_id {
            Some(id) => write!(f, ", stream {id}"),
            None => f.write_str(", HTTP/1.x"),
        }
    }
}
