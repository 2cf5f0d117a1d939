//! Threads that write for a caller that must not wait: one that feeds many streams.
//!
//! A thread for each connection to be written would be thousands, started by the caller. Here
//! connections stand in line, and a few threads write them one after the other. One whose transport
//! takes nothing gets a thread of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Threads that write at once.
const MAX_THREADS: usize = 16;

/// The connections in line, for each thread that writes, over which another thread is started.
const MAX_LINE: usize = 64;

/// How long a thread that writes for others writes one connection before the next. A write that the
/// transport does not take ends after [`WRITE_TICK`](crate::transport::WRITE_TICK).
pub(super) const SHARED_WRITE_MAX: Duration = Duration::from_millis(5);

/// The connections that wait to be written, and how many threads write them.
pub(super) struct Writers {
    state: Mutex<State>,
}

struct State {
    /// Each is there once, and is not kept alive.
    line: VecDeque<Weak<dyn Writable>>,
    threads: usize,
}

/// What can wait to be written: a connection.
pub(super) trait Writable: Send + Sync {
    /// Whether it stands in line.
    fn waits_for_writer(&self) -> &AtomicBool;

    /// Writes for [`SHARED_WRITE_MAX`] at most, and has another thread write what the peer does not
    /// take.
    fn write_a_turn(&self);
}

impl Writers {
    pub(super) fn new() -> Self {
        Writers { state: Mutex::new(State { line: VecDeque::new(), threads: 0 }) }
    }

    /// Puts a connection in line. Returns whether another thread is to write; it counts already.
    pub(super) fn push<T: Writable + 'static>(&self, conn: &Arc<T>) -> bool {
        let mut state = self.lock();
        if !conn.waits_for_writer().swap(true, Ordering::Relaxed) {
            let weak: Weak<T> = Arc::downgrade(conn);
            state.line.push_back(weak);
        }
        let is_wanted = state.threads < MAX_THREADS && state.line.len() > state.threads * MAX_LINE;
        state.threads += usize::from(is_wanted);
        is_wanted
    }

    /// A thread that was wanted could not be started.
    pub(super) fn withdraw(&self) {
        self.lock().threads -= 1;
    }

    /// The next connection. `None` if the calling thread is not needed any more; it does not count then.
    pub(super) fn next(&self) -> Option<Arc<dyn Writable>> {
        let mut state = self.lock();
        let next = std::iter::from_fn(|| state.line.pop_front()).find_map(|next| next.upgrade());
        match &next {
            // Before it is written: what comes meanwhile puts it in line again.
            Some(conn) => conn.waits_for_writer().store(false, Ordering::Relaxed),
            None => state.threads -= 1,
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
