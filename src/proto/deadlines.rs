//! The deadlines of a connection, and what they count from.
//!
//! [`Deadline`] names each; `timers` has the instant and the effect of each in one `match`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::frame::StreamId;

/// How long a client may go on with a request that is not read, after the response is complete.
const UNREAD_REQUEST: Duration = Duration::from_secs(1);

/// Octets that the transport has to take before that counts as progress: a peer that is gone takes
/// no more than the transport's buffers hold, and a trickle into these says nothing of it.
const WRITE_PROGRESS: u64 = 64 << 10;

/// Streams that were declined, for which an empty queue keeps room.
const KEPT: usize = 32;

/// Something that has to happen in time, in the order in which those that are due are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deadline {
    /// The peer's preface and first SETTINGS.
    Handshake,
    /// The acknowledgement of our SETTINGS.
    SettingsAck,
    /// The end of a field block.
    FieldBlock,
    /// The end of a frame.
    Frame,
    /// The answer to a PING.
    Ping,
    /// A new stream, at a server without any.
    Idle,
    /// A keepalive PING of ours.
    Keepalive,
    /// Window for DATA that waits for it.
    Stall,
    /// The use of an identifier that higher ones wait for.
    Reservation,
    /// The second GOAWAY of a graceful shutdown.
    Shutdown,
    /// The rest of a request that is not read.
    Declined,
    /// The peer's end of the connection, after its GOAWAY.
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

/// A PING of ours that waits for its answer.
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

/// A deadline that passed unnoticed, and when it is to have its consequences.
#[derive(Debug, Clone, Copy)]
struct Grace {
    deadline: Instant,
    until: Instant,
}

/// What the deadlines count from.
#[derive(Debug)]
pub(super) struct Deadlines {
    started: Instant,
    /// When the peer was last heard.
    heard: Instant,
    /// Octets that the transport has taken, as of `wrote`.
    written: u64,
    /// When writing last made progress.
    wrote: Instant,
    /// Since when there has been no stream.
    idle_since: Instant,
    /// Since when a field block has been arriving.
    block_since: Option<Instant>,
    /// Since when the frame that is next has been arriving, unless it is DATA.
    frame_since: Option<Instant>,
    pings: VecDeque<OwnPing>,
    next_ping: u64,
    /// Streams whose response is complete and whose request is not read, and since when.
    declined: VecDeque<(Instant, StreamId)>,
    /// What the peer has time for still, since we came too late.
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

    /// Octets of the peer's have arrived.
    pub(super) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The transport has taken so many octets since the start.
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

    /// A field block goes on arriving.
    pub(super) fn note_block(&mut self, now: Instant) {
        self.block_since.get_or_insert(now);
    }

    /// A field block is whole.
    pub(super) fn end_block(&mut self) {
        self.block_since = None;
    }

    /// Whether the frame that is next is there in part, and has to be whole in time.
    pub(super) fn note_frame(&mut self, is_awaited: bool, now: Instant) {
        self.frame_since = is_awaited.then(|| self.frame_since.unwrap_or(now));
    }

    /// The peer has a moment to end a request by itself.
    pub(super) fn note_declined(&mut self, id: StreamId, now: Instant) {
        self.declined.push_back((now, id));
    }

    /// A request that is not read and whose time is over.
    pub(super) fn next_declined(&mut self, now: Instant) -> Option<StreamId> {
        let is_due = self.declined().is_some_and(|deadline| deadline <= now);
        let (_, id) = is_due.then(|| self.declined.pop_front())??;
        if self.declined.is_empty() {
            self.declined.shrink_to(KEPT);
        }
        Some(id)
    }

    /// A new PING and its payload.
    pub(super) fn add_ping(&mut self, purpose: PingPurpose, now: Instant) -> [u8; 8] {
        let payload = self.next_ping.to_be_bytes();
        self.next_ping += 1;
        self.pings.push_back(OwnPing { payload, queued: now, purpose });
        payload
    }

    /// The PING with this payload has been answered.
    pub(super) fn take_ping(&mut self, payload: [u8; 8]) -> Option<OwnPing> {
        let index = self.pings.iter().position(|ping| ping.payload == payload)?;
        self.pings.remove(index)
    }

    /// PINGs that have not been answered.
    pub(super) fn unanswered_pings(&self) -> usize {
        self.pings.len()
    }

    /// Whether the peer gets another moment, since the driver comes more than `late` after the
    /// deadline. It gets one for each deadline, not one after the other.
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

    /// When a deadline has its consequences.
    pub(super) fn with_grace(&self, deadline: Instant) -> Instant {
        let grace = self.grace.filter(|grace| grace.deadline == deadline);
        grace.map_or(deadline, |grace| grace.until)
    }

    // The instants.

    pub(super) fn handshake(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.started.checked_add(timeout?)
    }

    pub(super) fn field_block(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.block_since?.checked_add(timeout?)
    }

    /// A peer that sends the head of a frame and not the rest, or its octets one by one, would have us
    /// wait for ever, and keep the read buffer for it.
    pub(super) fn frame(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.frame_since?.checked_add(timeout?)
    }

    /// Counted from when the PING was *queued*: a connection that cannot write times out too. The
    /// answer may wait behind megabytes that a slow peer has yet to read, so whatever arrives from
    /// it, and progress of our writes, extend it.
    /// When the acknowledgement of SETTINGS is overdue that were queued at `sent`: of a slow reader it
    /// waits behind what went out before them.
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
        self.declined.front()?.0.checked_add(UNREAD_REQUEST)
    }

    /// `timeout` after there was no stream any more, and after `since`.
    pub(super) fn drain(&self, since: Instant, timeout: Duration) -> Option<Instant> {
        self.idle_since.max(since).checked_add(timeout)
    }
}
