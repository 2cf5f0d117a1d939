//! From the core's events to the application's channel, and back: which events have been taken.
//!
//! The channel gives events out in the order in which they went in, so counting is enough: of the
//! events sent, all but those still in the channel have been taken. Credit for received data, and
//! the slot of a stream that is over, go back when the event they hang on has been taken; and that
//! holds for whoever takes events, through `take_evt` or through the receiver of `events()`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::Sender;

use super::evt::Evt;
use crate::frame::StreamId;
use crate::link::Link;
use crate::proto::{Connection, Event};

/// Events that may lie in the channel. What does not fit stays in the core, where small pieces of
/// data are joined.
const CAPACITY: usize = 1_024;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Something waits for events to be taken.
    pending: AtomicBool,
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
    /// The place of a stream of the peer's.
    Slot,
}

impl Outbox {
    pub(super) fn new(sender: Sender<Evt>, auto_release: bool) -> Self {
        Outbox {
            state: Mutex::new(State {
                sender: Some(sender),
                sent: 0,
                owed: VecDeque::new(),
                batch: Vec::new(),
            }),
            pending: AtomicBool::new(false),
            auto_release,
        }
    }

    /// Whether taking an event may make [`settle`](Self::settle) worth while.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed)
    }

    /// Gives back what is owed for events that have been taken, and delivers what has come up. The
    /// end of the connection is delivered last, and once.
    pub(super) fn settle(&self, link: &Link) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let Some(sender) = &state.sender else { return };
        let (closed, backlog) = loop {
            let taken = state.sent.saturating_sub(sender.len() as u64);
            let room = CAPACITY.saturating_sub(sender.len());
            let (owed, batch) = (&mut state.owed, &mut state.batch);
            let ((closed, backlog), _) = link.with(|core, _| {
                give_back(owed, taken, core);
                let closed = core.close_reason().is_some();
                // At the end there is no later: all goes out, and no more can come.
                let room = if closed { usize::MAX } else { room };
                batch.extend(std::iter::from_fn(|| core.poll_event()).take(room));
                (closed, core.has_events())
            });
            if state.batch.is_empty() {
                break (closed, backlog);
            }
            // Before the events go out: who takes one has to see that something may be owed.
            self.pending.store(true, Ordering::Relaxed);
            for event in state.batch.drain(..) {
                let owed = match &event {
                    Event::Data { stream_id, data, .. } if self.auto_release => {
                        Some(Owed::Window(*stream_id, data.len()))
                    }
                    Event::StreamClosed { held_slot: true, .. } => Some(Owed::Slot),
                    _ => None,
                };
                if let Some(evt) = Evt::from_core(event) {
                    state.sent += 1;
                    // The receiver lives as long as the Session; without it nobody listens.
                    let _ = sender.send(evt);
                }
                if let Some(owed) = owed {
                    state.owed.push_back((state.sent, owed));
                }
            }
        };
        self.pending.store(backlog || !state.owed.is_empty(), Ordering::Relaxed);
        if let Some(end) = link.end().filter(|_| closed) {
            let _ = sender.send(Evt::Closed { reason: end.into() });
            state.sender = None;
            state.owed.clear();
        }
    }
}

fn give_back(owed: &mut VecDeque<(u64, Owed)>, taken: u64, core: &mut Connection) {
    while let Some(&(_, what)) = owed.front().filter(|(due, _)| *due <= taken) {
        owed.pop_front();
        match what {
            // The stream, or the connection, may be over by now.
            Owed::Window(id, octets) => drop(core.release(id, octets)),
            Owed::Slot => core.release_slot(),
        }
    }
}
