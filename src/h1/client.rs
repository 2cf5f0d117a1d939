//! What a client does: it begins an exchange, waits for responses, and asks whether the connection can
//! be used again.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{HeaderMap, Method, Response, Uri};

use super::link::{Link, State};
use super::recv::RecvHalf;
use super::send::SendHalf;
use crate::error::Error;
use crate::http1::{BodySize, SendError};

/// How long a connection that is to be used again may take to give out what has arrived.
const LOOK_TIMEOUT: Duration = Duration::from_millis(1);

impl Link {
    /// Puts the head of a request, and gives out the halves of its exchange. Does not flush.
    pub(crate) fn open(
        self: &Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        size: BodySize,
    ) -> Result<(SendHalf, RecvHalf), Error> {
        let mut state = self.lock();
        state.check()?;
        let State { codec, outgoing, .. } = &mut *state;
        let Some(client) = codec.client() else { return Err(SendError::Busy.into()) };
        client.send_request(method, uri, headers, size, outgoing.buffer())?;
        drop(state);
        let send = SendHalf::new(Arc::clone(self), BytesMut::new()).begun();
        Ok((send, RecvHalf::new(Arc::clone(self), None)))
    }

    /// Whether a request may be sent: no exchange is under way, the server has not closed, and it has
    /// sent nothing that answers no request.
    pub(crate) fn can_be_used(&self) -> bool {
        let mut state = self.lock();
        let is_free = state.send_error().is_none()
            && state.input_ended.is_none()
            && state.codec.is_idle()
            && state.reading.is_some()
            && state.input_len() == 0
            && self.halves.load(Ordering::SeqCst) == 0;
        if !is_free {
            return false;
        }
        drop(state);
        if !self.may_be_readable() {
            return true;
        }
        // TLS may have tickets to read, which are no octets of HTTP.
        let until = Instant::now().checked_add(LOOK_TIMEOUT);
        let (state, came) = self.read_once(self.lock(), until);
        !came && state.input_ended.is_none() && state.cut.is_none()
    }

    /// Whether the server is to say 100 before content is sent, and has not.
    pub(crate) fn awaits_continue(&self) -> bool {
        self.lock().codec.client().is_some_and(|client| client.awaits_continue())
    }

    /// Whether a read may find something: a response, or the end. For a thread that sends a body and may
    /// be answered early.
    pub(crate) fn may_have_response(&self) -> bool {
        let is_idle = {
            let mut state = self.lock();
            if state.input_len() > 0 || state.input_ended.is_some() {
                return true;
            }
            state.reading.is_some()
        };
        is_idle && self.may_be_readable()
    }
}

impl RecvHalf {
    /// Waits for the next response, interim or final, within the timeout and the deadline of this half.
    pub(crate) fn next_response(&mut self) -> Result<Response<()>, Error> {
        let response = self.next_response_until(self.until())?;
        response.ok_or_else(|| Error::timeout("no response came in time"))
    }

    /// The same until then; `None` when the time is over.
    pub(crate) fn next_response_until(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Option<Response<()>>, Error> {
        self.wait(until, |state| {
            if let Some(error) = &state.cut {
                return Err(error.clone());
            }
            let State { codec, reading, .. } = state;
            let (Some(reading), Some(client)) = (reading, codec.client()) else { return Ok(None) };
            Ok(client.receive_response(reading.buffer.octets())?)
        })
    }
}
