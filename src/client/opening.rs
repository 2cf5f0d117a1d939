//! Opening streams on an HTTP/2 connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::connection::Connection;
use super::response_half::ResponseHalf;
use crate::error::Error;
use crate::exchange::{self, RecvHalf, State};
use crate::frame::StreamId;
use crate::halves::SendHalf;
use crate::hpack::Headers;

/// The response of a request with a small body; and the part of the body that could not be sent yet,
/// with the half to send it.
pub(super) type Started = (ResponseHalf, Option<(SendHalf, Bytes)>);

/// How long sending a request waits for a blocked transport: 1 s.
const FLUSH: Duration = Duration::from_secs(1);

impl Connection {
    /// Sends a request without a body. Flushes.
    pub(super) fn send_fields(&self, fields: &Headers) -> Result<ResponseHalf, Error> {
        let id = self.put(|state, now| state.open(fields, true, now))?;
        Ok(self.response(id))
    }

    /// Sends the header section of a request. Flushes.
    pub(super) fn open_fields(
        &self,
        fields: &Headers,
    ) -> Result<(exchange::SendHalf, ResponseHalf), Error> {
        let conn = self.conn();
        let id = conn.with(|state, now| state.open(fields, false, now))?;
        let (send, response) = self.halves(id);
        response.make_interruptible();
        conn.flush_with_others(conn.lock(), Instant::now().checked_add(FLUSH));
        Ok((send, response))
    }

    /// Sends the header section of a request if the server has a free slot. Does not flush.
    pub(super) fn open_if_room(
        &self,
        fields: &Headers,
    ) -> Result<Option<(exchange::SendHalf, ResponseHalf)>, Error> {
        let id = self.conn().with(|state, now| state.open_if_room(fields, false, now))?;
        Ok(id.map(|id| self.halves(id)))
    }

    /// Sends a request without a body if the server has a free slot. Flushes.
    pub(super) fn send_if_room(&self, fields: &Headers) -> Result<Option<ResponseHalf>, Error> {
        let id = self.put(|state, now| state.open_if_room(fields, true, now))?;
        Ok(id.map(|id| self.response(id)))
    }

    /// Sends a request with a small body if the server has a free slot. Flushes. Returns the part of the
    /// body that does not fit the windows, with the half to send it.
    pub(super) fn send_octets_if_room(
        &self,
        fields: &Headers,
        mut octets: Bytes,
    ) -> Result<Option<Started>, Error> {
        let opened = self.put(|state, now| {
            // Under one lock: a handler that starts without its body has to wait for it.
            let id = state.open_if_room(fields, false, now)?;
            Ok(id.map(|id| (id, state.put_whole(id, &mut octets, now))))
        })?;
        Ok(opened.map(|(id, is_put)| match is_put {
            true => (self.response(id), None),
            false => {
                let (send, response) = self.halves(id);
                (response, Some((send.into(), octets)))
            }
        }))
    }

    fn response(&self, id: StreamId) -> ResponseHalf {
        ResponseHalf::new(RecvHalf::new(Arc::clone(self.conn()), id, None))
    }

    fn halves(&self, id: StreamId) -> (exchange::SendHalf, ResponseHalf) {
        let conn = self.conn();
        let send = exchange::SendHalf::new(Arc::clone(conn), id, BytesMut::new());
        (send, self.response(id))
    }

    /// Queues a request with `open`, and writes it.
    fn put<T>(
        &self,
        open: impl FnOnce(&mut State, Instant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let conn = self.conn();
        let (mut state, now) = (conn.lock(), Instant::now());
        let opened = open(&mut state, now);
        state.deliver(now);
        let opened = opened?;
        // A thread that waits writes what could not be written in this time.
        conn.flush_with_others(state, now.checked_add(FLUSH));
        Ok(opened)
    }
}
