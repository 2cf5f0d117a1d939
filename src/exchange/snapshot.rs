//! Queries and maintenance for a pool of connections: their state, and reading while no thread
//! waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, Observer};
use super::leader::Leader;
use super::maintenance::MAINTENANCE_WRITE_TIMEOUT;
use crate::wire::Readable;

/// The longest read on a transport that cannot tell whether it has input, and for the rest of a TLS
/// record.
const READ_TIMEOUT: Duration = Duration::from_millis(1);

/// The most reads per check. More input is left to the threads that wait for it.
const READS_MAX: usize = 16;

/// The state of a connection for the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The number of streams that the peer's limit has room for.
    pub(crate) free: usize,
    /// The number of streams that are open, or whose halves are still held.
    pub(crate) open: usize,
    /// Whether new streams can be opened: no GOAWAY, no end, identifiers left.
    pub(crate) can_open: bool,
    /// Whether the connection has ended.
    pub(crate) has_ended: bool,
    /// Whether the peer's SETTINGS have arrived. Without them, `free` is an assumption.
    pub(crate) has_settings: bool,
    /// When the peer was last heard from.
    pub(crate) heard: Instant,
}

impl Conn {
    /// Returns the current state.
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

    /// Sets the callback for the end of a stream, for changes of the peer's limit, and for the end
    /// of new streams.
    pub(crate) fn set_observer(&self, observer: Observer) {
        self.lock().observer = Some(observer);
    }

    /// Reads available input, handles deadlines and writes, without waiting for input. If another
    /// thread leads, it only handles deadlines and writes.
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

    /// Reads available input. The calling thread must lead.
    fn read_what_has_come<'a>(self: &'a Arc<Self>, mut state: Guard<'a>) -> Guard<'a> {
        for _ in 0..READS_MAX {
            let (after, readable) = self.wire.poll_readable(state, READ_TIMEOUT);
            state = after;
            if readable == Readable::No {
                break;
            }
            state = self.read_once(state, Some(Instant::now() + READ_TIMEOUT));
            if readable == Readable::Unknown || state.is_over() {
                break;
            }
        }
        state
    }
}
