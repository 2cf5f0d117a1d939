//! Threads that write for a caller that must not block, such as one that sends to many streams.
//!
//! A thread per connection would mean thousands, started by the caller. Instead, connections are
//! queued, and a few threads write them one after the other. A connection whose transport accepts
//! nothing gets a separate thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The most threads that write at once.
const MAX_THREADS: usize = 16;

/// The queue length per writing thread above which another thread is started.
const MAX_LINE: usize = 64;

/// The longest time that a shared thread writes one connection before the next. A write that the
/// transport does not accept ends after [`WRITE_TICK`](crate::transport::WRITE_TICK).
pub(super) const SHARED_WRITE_MAX: Duration = Duration::from_millis(5);

/// The connections that wait to be written, and the number of threads that write.
pub(super) struct Writers {
    state: Mutex<State>,
}

struct State {
    /// Each is queued once, and not kept alive.
    line: VecDeque<Weak<dyn Writable>>,
    threads: usize,
}

/// A connection that can wait to be written.
pub(super) trait Writable: Send + Sync {
    /// Returns whether it is queued.
    fn waits_for_writer(&self) -> &AtomicBool;

    /// Writes for at most [`SHARED_WRITE_MAX`], and leaves what the peer does not accept to another
    /// thread.
    fn write_a_turn(&self);
}

impl Writers {
    pub(super) fn new() -> Self {
        Writers { state: Mutex::new(State { line: VecDeque::new(), threads: 0 }) }
    }

    /// Queues a connection. Returns whether another thread must be started, which is already
    /// counted.
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

    /// Called if a requested thread could not be started.
    pub(super) fn withdraw(&self) {
        self.lock().threads -= 1;
    }

    /// Takes the next connection. Returns `None` if the calling thread is no longer needed; it is
    /// not counted any more then.
    pub(super) fn next(&self) -> Option<Arc<dyn Writable>> {
        let mut state = self.lock();
        let next = std::iter::from_fn(|| state.line.pop_front()).find_map(|next| next.upgrade());
        match &next {
            // Before it is written, so that later data queues it again.
            Some(conn) => conn.waits_for_writer().store(false, Ordering::Relaxed),
            None => state.threads -= 1,
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
