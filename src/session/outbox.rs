//! From the core's events to the application's channel, and back: which events have been taken.
//!
//! The channel gives events out in the order in which they went in, so counting is enough: of the
//! events sent, all but those still in the channel have been taken. Credit for received data, and
//! the slot of a stream that was reset, are *owed*: they go back when the event they hang on has
//! been taken; and that holds for whoever takes events, through `take_evt` or through the receiver
//! of `events()`.
//!
//! ```text
//!        core ── poll_event ──▶ batch ── send ──▶ channel ──▶ the application
//!         ▲                       │                  │
//!         └── give back ◀── owed: (number, what) ◀── sent - still there = taken
//! ```
//!
//! # No event is forgotten
//!
//! [`Outbox::deliver`] moves both ways under a lock. Who takes an event does not lock, but looks
//! whether `due` events have been taken by now, and delivers if so. The last thing a delivering thread
//! does is to write `due` and *then* to count; a taker takes first and *then* reads `due`. All of it
//! is sequentially consistent, so either the one counts the event or the other sees what is due.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Sender;

use super::driver::{SessionWire, State as WireState};
use super::evt::Evt;
use crate::frame::StreamId;
use crate::logging::Lock;
use crate::proto::{CloseReason, Connection, Event};
use crate::wire::End;

/// Events that may lie in the channel. What does not fit stays in the core, where small pieces of
/// data are joined.
pub(super) const CAPACITY: usize = 1_024;

/// Events polled under one lock, and what the buffers keep room for between deliveries. With more
/// in the core, the channel is filled up when it has room for so many.
const BATCH: usize = 32;

/// Nothing is due, however many events are taken.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Lock<State>,
    /// Events sent, counted before they are in the channel: who takes one counts it.
    sent: AtomicU64,
    /// When so many have been taken, there is something to deliver.
    due: AtomicU64,
    auto_release: bool,
}

#[derive(Debug)]
struct State {
    /// Gone after the last event.
    sender: Option<Sender<Evt>>,
    /// Events sent so far.
    sent: u64,
    /// What goes back once so many events have been taken, in ascending order.
    owed: VecDeque<(u64, Owed)>,
    /// Reused from one delivery to the next.
    batch: Vec<Event>,
}

#[derive(Debug, Clone, Copy)]
enum Owed {
    /// Receive window of a stream.
    Window(StreamId, usize),
    /// The slot that a stream of the peer's has left.
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

    /// Whether something waits for events to be taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.due.load(Ordering::SeqCst) != NEVER
    }

    /// After an event has been taken: whether there is something to [`deliver`](Self::deliver) now
    /// that `left` are in the channel. While a thread delivers, it may say so too early.
    pub(super) fn is_due(&self, left: usize) -> bool {
        let due = self.due.load(Ordering::SeqCst);
        due != NEVER && self.sent.load(Ordering::SeqCst).saturating_sub(left as u64) >= due
    }

    /// Gives back what is owed for events that have been taken, and delivers what has come up. The
    /// end of the connection is delivered last, and once. Returns how many events have been taken.
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
                // The receiver lives as long as the Session; without it nobody listens.
                let _ = sender.send(evt);
            }
            owed.extend(what.map(|what| (*sent, what)));
        }
    }
}

impl State {
    /// Gives the core what is owed, and fills the batch. Returns whether the connection has ended,
    /// and whether the core has events left.
    fn exchange(&mut self, wire: &SessionWire, taken: u64) -> (bool, bool) {
        let has_room = taken >= self.has_room_at();
        let exchange = |state: &mut WireState, _| {
            let closed = state.has_closed();
            let core = &mut *state.core;
            self.give_back(taken, core);
            // At the end there is no later: all goes out, and no more can come.
            if closed || has_room {
                self.batch.extend(std::iter::from_fn(|| core.poll_event()).take(BATCH));
            }
            (closed, core.has_events())
        };
        wire.with(exchange)
    }

    fn give_back(&mut self, taken: u64, core: &mut Connection) {
        while let Some(&(_, what)) = self.owed.front().filter(|(due, _)| *due <= taken) {
            self.owed.pop_front();
            match what {
                // The stream, or the connection, may be over by now.
                Owed::Window(id, octets) => drop(core.release(id, octets)),
                Owed::Slot(id) => _ = core.release_slot(id),
            }
        }
        if self.owed.is_empty() {
            self.owed.shrink_to(BATCH);
        }
    }

    /// How many events have to be taken before there is something to do.
    fn due(&self, backlog: bool) -> u64 {
        if self.sender.is_none() {
            return NEVER;
        }
        let refill = if backlog { self.has_room_at() } else { NEVER };
        self.owed.front().map_or(refill, |&(due, _)| due.min(refill))
    }

    /// How many events have to be taken for a whole batch to find room in the channel.
    fn has_room_at(&self) -> u64 {
        (self.sent + BATCH as u64).saturating_sub(CAPACITY as u64)
    }

    /// How many events have been taken. Exact, since nobody else sends while this is locked.
    fn taken(&self) -> u64 {
        self.sent - self.sender.as_ref().map_or(0, |sender| sender.len() as u64)
    }

    /// Delivers the end of the connection, and leaves the channel disconnected behind it.
    fn finish(&mut self, wire: &SessionWire) {
        // Without a reason in the core, it is the application that has closed the Session.
        let end = wire.lock().end().unwrap_or(End::Core(CloseReason::Local));
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Evt::Closed { reason: end.into() });
            self.owed = VecDeque::new();
            self.batch = Vec::new();
        }
    }
}
