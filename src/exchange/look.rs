//! What a pool of connections asks: how things stand, and a look at what has come while no thread
//! reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, Observer};
use super::leader::Leader;
use super::maintenance::MAINTENANCE_WRITE_TIMEOUT;
use crate::wire::Readable;

/// How long a look may wait on a transport that cannot tell whether it has something to read, and
/// for the rest of a TLS record.
const LOOK: Duration = Duration::from_millis(1);

/// Reads in one look at most: what a peer sends without end is left to the threads that wait for it.
const READS_PER_LOOK: usize = 16;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Streams that the peer's limit has room for.
    pub(crate) free: usize,
    /// Streams that are open, or whose halves are still held.
    pub(crate) open: usize,
    /// New streams can be opened: no GOAWAY, no end, identifiers left.
    pub(crate) can_open: bool,
    /// The connection has ended.
    pub(crate) has_ended: bool,
    /// The peer's SETTINGS have come: `free` is its word, and no assumption.
    pub(crate) has_settings: bool,
    /// When the peer was last heard of.
    pub(crate) heard: Instant,
}

impl Conn {
    /// How the connection stands now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot {
            free: state.core.free_streams(),
            open: state.streams.len(),
            can_open: state.core.can_open(),
            has_ended: state.has_ended(),
            has_settings: state.core.has_settings(),
            heard: self.heard(),
        }
    }

    /// Sets what is told when a stream has ended, the peer's limit has changed, or the connection
    /// takes no more streams.
    pub(crate) fn set_observer(&self, observer: Observer) {
        self.lock().observer = Some(observer);
    }

    /// Reads what has come, runs the deadlines and writes what is to be written, without waiting
    /// for anything; runs the deadlines alone if another thread leads.
    pub(crate) fn maintain(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.leader == Leader::None && !state.is_over() {
            state.leader = Leader::me();
            state = self.read_what_has_come(state);
            state.leader = Leader::None;
            state.offer_lead();
        }
        let now = Instant::now();
        state.run_deadlines(now);
        drop(self.flush(state, Some(now + MAINTENANCE_WRITE_TIMEOUT)));
    }

    /// For the thread that leads.
    fn read_what_has_come<'a>(self: &'a Arc<Self>, mut state: Guard<'a>) -> Guard<'a> {
        for _ in 0..READS_PER_LOOK {
            let (after, readable) = self.wire.poll_readable(state, LOOK);
            state = after;
            if readable == Readable::No {
                break;
            }
            state = self.read_once(state, Some(Instant::now() + LOOK));
            if readable == Readable::Unknown || state.is_over() {
                break;
            }
        }
        state
    }
}
