//! Which request a line of the log is about.

use std::fmt;
use std::net::SocketAddr;

use super::context::Context;
use super::request::Request;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// A request, shown as `GET /path from 192.0.2.1:50000, stream 1`. The query is left out, since it may
/// hold secrets.
pub(super) struct Which<'a> {
    stream_id: StreamId,
    fields: &'a Headers,
    peer: Option<SocketAddr>,
}

impl<'a> Which<'a> {
    pub(super) fn new(stream_id: StreamId, fields: &'a Headers, context: &Context) -> Self {
        Which { stream_id, fields, peer: context.peer.address }
    }

    pub(super) fn of(request: &'a Request) -> Self {
        Which {
            stream_id: request.stream_id(),
            fields: request.fields(),
            peer: request.peer_addr(),
        }
    }
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.fields.path().or_else(|| self.fields.authority()).unwrap_or_default();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        write!(f, "{} {}", self.fields.method().unwrap_or_default(), path.escape_debug())?;
        if let Some(address) = self.peer {
            write!(f, " from {address}")?;
        }
        write!(f, ", stream {}", self.stream_id)
    }
}
