//! A connection of the pool, whichever version of HTTP it speaks.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::connection::Connection;
use super::head::RequestHead;
use super::http1::Http1Connection;
use super::response_half::ResponseHalf;
use super::upload::send_whole;
use crate::error::Error;
use crate::exchange::Snapshot;
use crate::halves::SendHalf;

/// A connection to an origin.
#[derive(Debug, Clone)]
pub(super) enum AnyConnection {
    /// Takes as many requests at once as the server allows.
    Http2(Connection),
    /// Takes one request after the other.
    Http1(Http1Connection),
}

impl AnyConnection {
    /// Begins a request if there is room for it now. Does not flush.
    pub(super) fn open(
        &self,
        head: &RequestHead<'_>,
    ) -> Result<Option<(SendHalf, ResponseHalf)>, Error> {
        Ok(match self {
            AnyConnection::Http2(connection) => {
                let halves = connection.open_if_room(head.http2())?;
                halves.map(|(send, response)| (send.into(), response))
            }
            AnyConnection::Http1(connection) => {
                let halves = connection.open(head)?;
                halves.map(|(send, recv)| (send.into(), ResponseHalf::new(recv)))
            }
        })
    }

    /// Sends a request without a body, if there is room for it now.
    pub(super) fn send(&self, head: &RequestHead<'_>) -> Result<Option<ResponseHalf>, Error> {
        match self {
            AnyConnection::Http2(connection) => connection.send_if_room(head.http2()),
            AnyConnection::Http1(_) => {
                let Some((mut send, response)) = self.open(head)? else { return Ok(None) };
                send_whole(&mut send, Bytes::new())?;
                Ok(Some(response))
            }
        }
    }

    /// How it stands, for the pool.
    pub(super) fn snapshot(&self) -> Snapshot {
        match self {
            AnyConnection::Http2(connection) => connection.snapshot(),
            AnyConnection::Http1(connection) => connection.snapshot(),
        }
    }

    /// Finds out what the server has done while no request was under way. Does not wait for it.
    pub(super) fn maintain(&self) {
        match self {
            AnyConnection::Http2(connection) => connection.maintain(),
            AnyConnection::Http1(connection) => connection.look(),
        }
    }

    /// When the server was last heard of; `None` in HTTP/1.1, where each use begins with a look.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.http2().map(Connection::heard)
    }

    /// Whether it has ended, as far as is known.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            AnyConnection::Http2(connection) => connection.is_closed(),
            AnyConnection::Http1(connection) => connection.is_closed(),
        }
    }

    /// Whether it takes requests, now or when the one under way is over.
    pub(super) fn can_open(&self) -> bool {
        match self {
            AnyConnection::Http2(connection) => connection.can_open(),
            AnyConnection::Http1(connection) => connection.snapshot().can_open,
        }
    }

    /// Asks the server by PING whether it is there. HTTP/1.1 has no such question: there it is taken
    /// to be, and each use looks at the connection first.
    pub(super) fn verify(&self, timeout: Duration) -> Result<(), Error> {
        let AnyConnection::Http2(connection) = self else { return Ok(()) };
        let before = connection.heard();
        let answer = connection.ping(timeout);
        // The answer may stand behind a lot of DATA. A peer that sends that is alive.
        match answer {
            Err(_) if connection.heard() > before => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Closes it, if no request is under way.
    pub(super) fn close_if_unused(&self) {
        if let AnyConnection::Http2(connection) = self {
            if connection.open_streams() == 0 {
                connection.close();
            }
        }
    }

    /// Sets what is told when there may be room for another request, or there never will.
    pub(super) fn set_observer(&self, observer: impl Fn() + Send + Sync + 'static) {
        match self {
            AnyConnection::Http2(connection) => connection.set_observer(observer),
            AnyConnection::Http1(connection) => connection.set_observer(observer),
        }
    }

    /// The connection of HTTP/2, where it is one.
    pub(super) fn http2(&self) -> Option<&Connection> {
        match self {
            AnyConnection::Http2(connection) => Some(connection),
            AnyConnection::Http1(_) => None,
        }
    }
}
