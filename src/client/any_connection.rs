//! A pooled connection, of either version.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::connection::Connection;
use super::head::RequestHead;
use super::http1::Http1Connection;
use super::opening::Started;
use super::response_half::ResponseHalf;
use super::upload::send_whole;
use crate::error::Error;
use crate::exchange::Snapshot;
use crate::halves::SendHalf;

/// A connection to an origin.
#[derive(Debug, Clone)]
pub(super) enum AnyConnection {
    /// Carries as many concurrent requests as the server allows.
    Http2(Connection),
    /// Carries one request at a time.
    Http1(Http1Connection),
}

impl AnyConnection {
    /// Starts a request if the connection has a free slot. Does not flush.
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

    /// Starts a request with a small body if the connection has a free slot. What is left of the body
    /// is returned with the half to send it on. In HTTP/2 that is seldom anything.
    pub(super) fn send_octets(
        &self,
        head: &RequestHead<'_>,
        octets: Bytes,
    ) -> Result<Option<Started>, Error> {
        if let AnyConnection::Http2(connection) = self {
            return connection.send_octets_if_room(head.http2(), octets);
        }
        Ok(self.open(head)?.map(|(send, response)| (response, Some((send, octets)))))
    }

    /// Sends a request without a body if the connection has a free slot.
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

    /// Returns the connection's state for the pool.
    pub(super) fn snapshot(&self) -> Snapshot {
        match self {
            AnyConnection::Http2(connection) => connection.snapshot(),
            AnyConnection::Http1(connection) => connection.snapshot(),
        }
    }

    /// Processes what has arrived while no request was open. Does not block.
    pub(super) fn maintain(&self) {
        match self {
            AnyConnection::Http2(connection) => connection.maintain(),
            AnyConnection::Http1(connection) => connection.maintain(),
        }
    }

    /// Reads once if no other thread does, for a request that waits for a free stream: until `until`,
    /// for at most `time`. Returns `false` at once if the connection cannot be read like that.
    pub(super) fn read_in_turn(&self, until: Option<Instant>, time: Duration) -> bool {
        let turn = Instant::now() + time;
        let until = until.map_or(turn, |until| until.min(turn));
        self.http2().is_some_and(|connection| connection.conn().read_in_turn(until))
    }

    /// Returns when octets last arrived from the server; `None` in HTTP/1.1, which is checked
    /// before each use.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.http2().map(Connection::heard)
    }

    /// Whether the connection is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            AnyConnection::Http2(connection) => connection.is_closed(),
            AnyConnection::Http1(connection) => connection.is_closed(),
        }
    }

    /// Whether it accepts requests, now or after the current one.
    pub(super) fn can_open(&self) -> bool {
        match self {
            AnyConnection::Http2(connection) => connection.can_open(),
            AnyConnection::Http1(connection) => connection.snapshot().can_open,
        }
    }

    /// Checks with a PING that the server responds. HTTP/1.1 has no equivalent: its connections
    /// pass, and are checked locally before each use.
    pub(super) fn verify(&self, timeout: Duration) -> Result<(), Error> {
        let AnyConnection::Http2(connection) = self else { return Ok(()) };
        let before = connection.heard();
        let answer = connection.ping(timeout);
        // The acknowledgment may be queued behind a lot of DATA, which proves that the server is
        // alive.
        match answer {
            Err(_) if connection.heard() > before => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Closes it if no request is open.
    pub(super) fn close_if_unused(&self) {
        if let AnyConnection::Http2(connection) = self {
            if connection.open_streams() == 0 {
                connection.close();
            }
        }
    }

    /// Sets the function called when a slot may have become free, or never will be again.
    pub(super) fn set_observer(&self, observer: impl Fn() + Send + Sync + 'static) {
        match self {
            AnyConnection::Http2(connection) => connection.set_observer(observer),
            AnyConnection::Http1(connection) => connection.set_observer(observer),
        }
    }

    /// Returns the HTTP/2 connection, if it is one.
    pub(super) fn http2(&self) -> Option<&Connection> {
        match self {
            AnyConnection::Http2(connection) => Some(connection),
            AnyConnection::Http1(_) => None,
        }
    }
}
