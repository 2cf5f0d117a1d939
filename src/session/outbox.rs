//! Delivers the core's events to the application's channel, and tracks which have been taken.
//!
//! The channel is first in, first out, so counting is enough: of the events sent, all but those
//! still in the channel have been taken. Credit for received data, and the slot of a reset stream,
//! are *owed*: they are given back to the core when their event has been taken, through `take_evt`
//! or through the receiver of `events()`.
//!
//! ```text
//!        core ── poll_event ──▶ batch ── send ──▶ channel ──▶ the application
//!         ▲                       │                  │
//!         └── give back ◀── owed: (number, what) ◀── sent - still there = taken
//! ```
//!
//! # No lost wake-up
//!
//! [`Outbox::deliver`] works in both directions under a lock. A thread that takes an event does not
//! lock: it checks whether `due` events have been taken, and delivers if so. A delivering thread
//! writes `due` and *then* counts the taken events; a taking thread takes and *then* reads `due`.
//! All accesses are sequentially consistent, so at least one of the two sees the other's change.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::Sender;

use super::driver::{SessionWire, State as WireState};
use super::evt::Evt;
use crate::frame::StreamId;
use crate::logging::Lock;
use crate::proto::{CloseReason, Connection, Event};
use crate::wire::End;

/// The capacity of the channel. Further events stay in the core, where small DATA is combined.
pub(super) const CAPACITY: usize = 1_024;

/// The most events polled under one lock, and the capacity that the buffers keep. The channel is
/// refilled from the core when it has room for a batch.
const BATCH: usize = 32;

/// A value of `due` that is never reached.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Lock<State>,
    /// The number of events sent, incremented before each send, so that a taken event is always
    /// counted.
    sent: AtomicU64,
    /// The number of taken events at which there is something to deliver.
    due: AtomicU64,
    auto_release: bool,
}

#[derive(Debug)]
struct State {
    /// `None` after the last event.
    sender: Option<Sender<Evt>>,
    /// The number of events sent.
    sent: u64,
    /// What is given back when this many events have been taken, in ascending order.
    owed: VecDeque<(u64, Owed)>,
    /// A buffer reused between deliveries.
    batch: Vec<Event>,
}

#[derive(Debug, Clone, Copy)]
enum Owed {
    /// Receive window of a stream.
    Window(StreamId, usize),
    /// The slot that a stream of the peer occupies.
    Slot(StreamId),
}

impl Outbox {
    pub(super) fn new(sender: Sender<Evt>, auto_release: bool) -> Self {
        Outbox {
            state: Lock::new(State {
                sender: Some(sender),
                sent: 0,
                owed: VecDeque::new(),
                batch: Vec::new(),
            }),
            sent: AtomicU64::new(0),
            due: AtomicU64::new(NEVER),
            auto_release,
        }
    }

    /// Returns whether anything depends on events being taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.due.load(Ordering::SeqCst) != NEVER
    }

    /// Returns whether there is something to [`deliver`](Self::deliver), given that `left` events
    /// are in the channel. May return true too early while another thread is delivering.
    pub(super) fn is_due(&self, left: usize) -> bool {
        let due = self.due.load(Ordering::SeqCst);
        due != NEVER && self.sent.load(Ordering::SeqCst).saturating_sub(left as u64) >= due
    }

    /// Gives back what is owed for taken events, and delivers new ones. The end of the connection
    /// is delivered last, and once. Returns the number of taken events.
    pub(super) fn deliver(&self, wire: &SessionWire) -> u64 {
        let mut state = self.state.lock();
        let mut taken = state.taken();
        while state.sender.is_some() {
            let (closed, backlog) = state.exchange(wire, taken);
            self.send(&mut state);
            if closed && !backlog {
                state.finish(wire);
            }
            let due = state.due(backlog);
            self.due.store(due, Ordering::SeqCst);
            taken = state.taken();
            if taken < due && !(closed && backlog) {
                break;
            }
        }
        taken
    }

    /// Sends the batch.
    fn send(&self, state: &mut State) {
        let State { sender: Some(sender), sent, owed, batch } = state else { return };
        for event in batch.drain(..) {
            let what = match &event {
                Event::Data { stream_id, data, .. } if self.auto_release && !data.is_empty() => {
                    Some(Owed::Window(*stream_id, data.len()))
                }
                Event::StreamClosed { stream_id, held_slot: true } => Some(Owed::Slot(*stream_id)),
                _ => None,
            };
            if let Some(evt) = Evt::from_core(event) {
                *sent += 1;
                self.sent.store(*sent, Ordering::SeqCst);
                // The receiver lives as long as the Session; an error means that it is being
                // dropped.
                let _ = sender.send(evt);
            }
            owed.extend(what.map(|what| (*sent, what)));
        }
    }
}

impl State {
    /// Gives the core what is owed, and fills the batch. Returns whether the connection has ended,
    /// and whether the core has more events.
    fn exchange(&mut self, wire: &SessionWire, taken: u64) -> (bool, bool) {
        let has_room = taken >= self.has_room_at();
        let exchange = |state: &mut WireState, now| {
            let closed = state.has_closed();
            let core = &mut *state.core;
            self.give_back(taken, core, now);
            // After the end, all events are delivered at once; no more can be added.
            if closed || has_room {
                self.batch.extend(std::iter::from_fn(|| core.poll_event()).take(BATCH));
            }
            (closed, core.has_events())
        };
        wire.with(exchange)
    }

    fn give_back(&mut self, taken: u64, core: &mut Connection, now: Instant) {
        while let Some(&(_, what)) = self.owed.front().filter(|(due, _)| *due <= taken) {
            self.owed.pop_front();
            match what {
                // The stream or the connection may have ended; the error is of no interest.
                Owed::Window(id, octets) => drop(core.release(id, octets, now)),
                Owed::Slot(id) => _ = core.release_slot(id),
            }
        }
        if self.owed.is_empty() {
            self.owed.shrink_to(BATCH);
        }
    }

    /// Returns the number of taken events at which there is something to do.
    fn due(&self, backlog: bool) -> u64 {
        if self.sender.is_none() {
            return NEVER;
        }
        let refill = if backlog { self.has_room_at() } else { NEVER };
        self.owed.front().map_or(refill, |&(due, _)| due.min(refill))
    }

    /// Returns the number of taken events at which the channel has room for a batch.
    fn has_room_at(&self) -> u64 {
        (self.sent + BATCH as u64).saturating_sub(CAPACITY as u64)
    }

    /// Returns the number of taken events. Exact, since events are only sent under this lock.
    fn taken(&self) -> u64 {
        self.sent - self.sender.as_ref().map_or(0, |sender| sender.len() as u64)
    }

    /// Delivers the end of the connection, and disconnects the channel.
    fn finish(&mut self, wire: &SessionWire) {
        // Without a reason in the core, the application has closed the Session.
        let end = wire.lock().end().unwrap_or(End::Core(CloseReason::Local));
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Evt::Closed { reason: end.into() });
            self.owed = VecDeque::new();
            self.batch = Vec::new();
        }
    }
}
