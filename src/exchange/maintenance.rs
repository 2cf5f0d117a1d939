//! Operations of a client's connection besides requests: opening streams, PINGs, and the end.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::conn::{Conn, Guard, Pong, State};
use super::inbox::{Half, Inbox};
use crate::error::{Error, ErrorKind};
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;
use crate::proto::CommandError;

/// The timeout for writes during maintenance.
pub(super) const MAINTENANCE_WRITE_TIMEOUT: Duration = Duration::from_millis(50);

impl State {
    /// Opens a stream. It has one half if the request is complete, otherwise two.
    pub(crate) fn open(
        &mut self,
        request: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<StreamId, Error> {
        let id = self.core.open(request, end_stream, now).map_err(|error| match error {
            CommandError::Closed => self.end_error().unwrap_or_else(|| error.into()),
            CommandError::GoingAway => self.core.peer_goaway().map_or(error.into(), Error::goaway),
            error => error.into(),
        });
        let id = id.map_err(|error: Error| match error.kind() {
            ErrorKind::Caller => error,
            _ => error.unsent(),
        })?;
        let mut inbox = Inbox::new(false);
        inbox.halves = if end_stream { 1 } else { 2 };
        self.streams.insert(id, inbox);
        Ok(id)
    }

    /// Opens a stream if the peer's limit has room for it now; returns `None` if not.
    pub(crate) fn open_if_room(
        &mut self,
        request: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<Option<StreamId>, Error> {
        if self.core.can_open() && self.core.free_streams() == 0 {
            return Ok(None);
        }
        self.open(request, end_stream, now).map(Some)
    }

    fn take_pong(&mut self, payload: [u8; 8]) -> Option<Duration> {
        let index = self.pongs.iter().position(|pong| pong.payload == payload)?;
        let round_trip_time = self.pongs[index].round_trip_time?;
        self.pongs.swap_remove(index);
        Some(round_trip_time)
    }
}

impl Conn {
    /// Sends a PING and waits for its answer until `deadline`.
    pub(crate) fn ping(self: &Arc<Self>, deadline: Instant) -> Result<Duration, Error> {
        let mut state = self.lock();
        let payload = match state.core.ping(Instant::now()) {
            Ok(payload) => payload,
            Err(error) => return Err(state.end_error().unwrap_or_else(|| error.into())),
        };
        let thread = thread::current();
        state.pongs.push(Pong { payload, thread, round_trip_time: None });
        let ready = |state: &mut State| match state.take_pong(payload) {
            Some(round_trip_time) => Some(Ok(round_trip_time)),
            None => state.end_error().map(Err),
        };
        let waiter = (StreamId::CONNECTION, Half::Recv);
        let (mut state, result) = self.wait(state, waiter, Some(deadline), ready);
        state.pongs.retain(|pong| pong.payload != payload);
        result.unwrap_or_else(|| Err(Error::timeout("PING was not acknowledged in time")))
    }

    /// Waits for the peer's SETTINGS, and returns whether they enable extended CONNECT (RFC 8441,
    /// Section 3).
    pub(crate) fn takes_extended_connect(
        self: &Arc<Self>,
        deadline: Option<Instant>,
    ) -> Result<bool, Error> {
        let mut state = self.lock();
        if !state.core.has_settings() {
            state.awaits_settings.push(thread::current());
        }
        let ready = |state: &mut State| match state.core.has_settings() {
            true => Some(Ok(state.core.remote_settings().enable_connect_protocol)),
            false => state.end_error().map(Err),
        };
        let waiter = (StreamId::CONNECTION, Half::Recv);
        let (mut state, result) = self.wait(state, waiter, deadline, ready);
        let me = thread::current().id();
        state.awaits_settings.retain(|thread| thread.id() != me);
        result
            .unwrap_or_else(|| Err(Error::timeout("the server's SETTINGS did not arrive in time")))
    }

    /// Reads once, or waits for the end of another thread's read, until `deadline`. For a thread that
    /// waits for a free stream: if all others are busy elsewhere, none reads the end of a stream.
    /// Returns `false` at once if the transport has no timeout for reads.
    pub(crate) fn read_in_turn(self: &Arc<Self>, deadline: Instant) -> bool {
        if !self.wire.can_limit_reads() {
            return false;
        }
        let state = self.lock();
        let before = state.steps;
        let ready = |state: &mut State| (state.steps != before || state.has_ended()).then_some(());
        let waiter = (StreamId::CONNECTION, Half::Recv);
        drop(self.wait(state, waiter, Some(deadline), ready));
        true
    }

    /// Ends the connection at once, with GOAWAY if the peer accepts it.
    pub(crate) fn end(self: &Arc<Self>) {
        let mut state = self.lock();
        let now = Instant::now();
        state.core.close(ErrorCode::NoError, Bytes::new());
        state.deliver(now);
        drop(self.flush(state, Some(now + MAINTENANCE_WRITE_TIMEOUT)));
        self.cut();
    }

    /// Begins a graceful shutdown: sends GOAWAY, while open streams are finished.
    pub(crate) fn go_away(self: &Arc<Self>) {
        let mut state: Guard<'_> = self.lock();
        let now = Instant::now();
        state.core.shutdown(now);
        state.deliver(now);
        drop(self.flush(state, Some(now + MAINTENANCE_WRITE_TIMEOUT)));
    }
}
