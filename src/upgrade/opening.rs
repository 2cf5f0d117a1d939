//! The upgrade request, as the first stream of a core.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::error::Error;
use crate::hpack::Headers;
use crate::proto::{Connection, Role};

/// A request that was sent over HTTP/1.1 and becomes stream 1 of the HTTP/2 connection.
///
/// Pass it to [`Session::with_opening`](crate::Session::with_opening), or apply it to a custom
/// core.
#[derive(Clone)]
pub struct Opening {
    request: Headers,
    side: Side,
}

#[derive(Clone)]
enum Side {
    Server { body: Bytes, settings: Vec<u8> },
    Client,
}

impl Opening {
    pub(super) fn of_server(request: Headers, body: Bytes, settings: Vec<u8>) -> Self {
        Opening { request, side: Side::Server { body, settings } }
    }

    pub(super) fn of_client(request: Headers) -> Self {
        Opening { request, side: Side::Client }
    }

    /// Returns the role of the side that it is for.
    pub fn role(&self) -> Role {
        match self.side {
            Side::Server { .. } => Role::Server,
            Side::Client => Role::Client,
        }
    }

    /// Returns the request in its HTTP/2 form.
    pub fn request(&self) -> &Headers {
        &self.request
    }

    /// Returns the body of the request, at a server.
    pub fn body(&self) -> &[u8] {
        match &self.side {
            Side::Server { body, .. } => body,
            Side::Client => &[],
        }
    }

    /// Makes the request stream 1 of a new connection of the same role. At a server it is delivered
    /// as events of that stream; at a client its response is.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::accept_upgrade`] and [`Connection::start_upgraded`].
    pub fn apply(self, core: &mut Connection, now: Instant) -> Result<(), Error> {
        match self.side {
            Side::Server { body, settings } => {
                core.accept_upgrade(&self.request, body, &settings, now)?;
            }
            Side::Client => {
                core.start_upgraded(&self.request, now)?;
            }
        }
        Ok(())
    }
}

/// Omits fields and body: HTTP/1.1 does not mark sensitive fields.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("role", &self.role())
            .field("method", &self.request.method())
            .field("path", &self.request.path())
            .field("body_len", &self.body().len())
            .finish()
    }
}
