//! The deadlines of a connection, and the times they start from.
//!
//! [`Deadline`] names each; one `match` in `timers` has the time and effect of each.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::frame::StreamId;

/// How long a client may pause within an unread request after the response is complete, and how long it
/// may go on with a tunnel that is not read.
const UNREAD_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long a client may continue another unread request after the response is complete.
const UNREAD_REQUEST_MAX: Duration = Duration::from_secs(10);

/// Octets that the transport must accept to count as progress: less may only have filled the
/// transport's buffers, which says nothing about the peer.
const WRITE_PROGRESS: u64 = 64 << 10;

/// Capacity kept in an empty queue of declined streams.
const KEPT: usize = 32;

/// A stream with a complete response and an unread request.
#[derive(Debug)]
pub(super) struct Declined {
    pub(super) id: StreamId,
    /// When the response was complete.
    since: Instant,
    /// When the last check was, and the number of the event with the last DATA then.
    checked: Instant,
    last_data: Option<u64>,
}

/// The deadlines, in the order in which expired ones are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deadline {
    /// The peer's preface and first SETTINGS.
    Handshake,
    /// The acknowledgment of our SETTINGS.
    SettingsAck,
    /// The end of a field block.
    FieldBlock,
    /// The end of a frame.
    Frame,
    /// The acknowledgment of a PING.
    Ping,
    /// A new stream, on a server without streams.
    Idle,
    /// A keepalive PING of ours.
    Keepalive,
    /// Window for queued DATA.
    Stall,
    /// The use of a reserved identifier that higher ones wait for.
    Reservation,
    /// The second GOAWAY of a graceful shutdown.
    Shutdown,
    /// The rest of an unread request.
    Declined,
    /// The peer's end of the connection after its GOAWAY.
    Drain,
}

impl Deadline {
    pub(super) const ALL: [Deadline; 12] = [
        Deadline::Handshake,
        Deadline::SettingsAck,
        Deadline::FieldBlock,
        Deadline::Frame,
        Deadline::Ping,
        Deadline::Idle,
        Deadline::Keepalive,
        Deadline::Stall,
        Deadline::Reservation,
        Deadline::Shutdown,
        Deadline::Declined,
        Deadline::Drain,
    ];
}

/// An unacknowledged PING of this side.
#[derive(Debug)]
pub(super) struct OwnPing {
    pub(super) payload: [u8; 8],
    pub(super) queued: Instant,
    pub(super) purpose: PingPurpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PingPurpose {
    Application,
    Keepalive,
    Shutdown,
}

/// An expired deadline that the driver handled late, and its extension.
#[derive(Debug, Clone, Copy)]
struct Grace {
    deadline: Instant,
    until: Instant,
}

/// The times that the deadlines start from.
#[derive(Debug)]
pub(super) struct Deadlines {
    started: Instant,
    /// When octets last arrived from the peer.
    heard: Instant,
    /// Octets that the transport had accepted at `wrote`.
    written: u64,
    /// When writing last made progress.
    wrote: Instant,
    /// When the last stream ended.
    idle_since: Instant,
    /// When the current field block began to arrive.
    block_since: Option<Instant>,
    /// When the next frame began to arrive, unless it is DATA.
    frame_since: Option<Instant>,
    pings: VecDeque<OwnPing>,
    next_ping: u64,
    /// Streams with a complete response and an unread request, by the time of the next check.
    declined: VecDeque<Declined>,
    /// The extension of a deadline handled late.
    grace: Option<Grace>,
}

impl Deadlines {
    pub(super) fn new(now: Instant) -> Self {
        Deadlines {
            started: now,
            heard: now,
            written: 0,
            wrote: now,
            idle_since: now,
            block_since: None,
            frame_since: None,
            pings: VecDeque::new(),
            next_ping: 0,
            declined: VecDeque::new(),
            grace: None,
        }
    }

    /// Octets have arrived from the peer.
    pub(super) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The transport has accepted this many octets since the start.
    pub(super) fn note_written(&mut self, octets: u64, now: Instant) {
        if octets >= self.written.saturating_add(WRITE_PROGRESS) {
            self.written = octets;
            self.wrote = now;
        }
    }

    /// The last stream has ended.
    pub(super) fn note_idle(&mut self, now: Instant) {
        self.idle_since = now;
    }

    /// Part of a field block has arrived.
    pub(super) fn note_block(&mut self, now: Instant) {
        self.block_since.get_or_insert(now);
    }

    /// The field block is complete.
    pub(super) fn end_block(&mut self) {
        self.block_since = None;
    }

    /// Sets whether the next frame has arrived in part and is subject to a timeout.
    pub(super) fn note_frame(&mut self, is_awaited: bool, now: Instant) {
        self.frame_since = is_awaited.then(|| self.frame_since.unwrap_or(now));
    }

    /// Lets the peer end an unread request itself.
    pub(super) fn note_declined(&mut self, id: StreamId, last_data: Option<u64>, now: Instant) {
        self.declined.push_back(Declined { id, since: now, checked: now, last_data });
    }

    /// Returns an unread request that is due for a check.
    pub(super) fn next_declined(&mut self, now: Instant) -> Option<Declined> {
        let is_due = self.declined().is_some_and(|deadline| deadline <= now);
        let declined = is_due.then(|| self.declined.pop_front())??;
        if self.declined.is_empty() {
            self.declined.shrink_to(KEPT);
        }
        Some(declined)
    }

    /// Lets the peer continue an unread request if DATA has arrived since the last check. Returns
    /// whether it may.
    pub(super) fn continue_declined(
        &mut self,
        declined: Declined,
        last_data: Option<u64>,
        now: Instant,
    ) -> bool {
        let is_late = now.saturating_duration_since(declined.since) >= UNREAD_REQUEST_MAX;
        if is_late || declined.last_data == last_data {
            return false;
        }
        self.declined.push_back(Declined { checked: now, last_data, ..declined });
        true
    }

    /// Registers a new PING and returns its payload.
    pub(super) fn add_ping(&mut self, purpose: PingPurpose, now: Instant) -> [u8; 8] {
        let payload = self.next_ping.to_be_bytes();
        self.next_ping += 1;
        self.pings.push_back(OwnPing { payload, queued: now, purpose });
        payload
    }

    /// Removes and returns the acknowledged PING.
    pub(super) fn take_ping(&mut self, payload: [u8; 8]) -> Option<OwnPing> {
        let index = self.pings.iter().position(|ping| ping.payload == payload)?;
        self.pings.remove(index)
    }

    /// Returns the number of unacknowledged PINGs.
    pub(super) fn unanswered_pings(&self) -> usize {
        self.pings.len()
    }

    /// Whether the peer gets an extension because the driver is more than `late` behind the
    /// deadline. Each deadline is extended once.
    pub(super) fn is_grace(
        &mut self,
        deadline: Instant,
        late: Duration,
        grace: Duration,
        now: Instant,
    ) -> bool {
        if let Some(grace) = self.grace.filter(|grace| grace.deadline == deadline) {
            return now < grace.until;
        }
        let is_late = now.saturating_duration_since(deadline) > late;
        let until = now.checked_add(grace).filter(|_| is_late);
        self.grace = until.map(|until| Grace { deadline, until });
        self.grace.is_some()
    }

    /// Returns when an expired deadline takes effect.
    pub(super) fn with_grace(&self, deadline: Instant) -> Instant {
        let grace = self.grace.filter(|grace| grace.deadline == deadline);
        grace.map_or(deadline, |grace| grace.until)
    }

    // The times.

    pub(super) fn handshake(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.started.checked_add(timeout?)
    }

    pub(super) fn field_block(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.block_since?.checked_add(timeout?)
    }

    /// Bounds a peer that sends a partial frame, or single octets, which would occupy the read
    /// buffer indefinitely.
    pub(super) fn frame(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.frame_since?.checked_add(timeout?)
    }

    /// Returns when the acknowledgment of SETTINGS queued at `sent` is overdue. For a slow reader
    /// the SETTINGS are queued behind other output, so progress of our writes extends it.
    pub(super) fn settings_ack(&self, sent: Instant, timeout: Option<Duration>) -> Option<Instant> {
        sent.max(self.wrote).checked_add(timeout?)
    }

    pub(super) fn ping(&self, timeout: Duration) -> Option<Instant> {
        let oldest = self.pings.iter().find(|ping| ping.purpose != PingPurpose::Shutdown)?;
        oldest.queued.max(self.heard).max(self.wrote).checked_add(timeout)
    }

    pub(super) fn keepalive(&self, interval: Duration) -> Option<Instant> {
        let waiting = self.pings.iter().any(|ping| ping.purpose == PingPurpose::Keepalive);
        (!waiting).then(|| self.heard.checked_add(interval))?
    }

    pub(super) fn idle(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.idle_since.checked_add(timeout?)
    }

    pub(super) fn declined(&self) -> Option<Instant> {
        self.declined.front()?.checked.checked_add(UNREAD_PAUSE_MAX)
    }

    /// Returns `timeout` after the later of `since` and the end of the last stream.
    pub(super) fn drain(&self, since: Instant, timeout: Duration) -> Option<Instant> {
        self.idle_since.max(since).checked_add(timeout)
    }
}
