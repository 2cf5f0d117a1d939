//! Threads that write for a caller that must not wait: one that feeds many streams.
//!
//! A thread for each connection to be written would be thousands, started by the caller. Here
//! connections stand in line, and a few threads write them one after the other. One whose transport
//! takes nothing gets a thread of its own.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::engine::{Engine, Served};

/// Threads that write at once.
const MAX_THREADS: usize = 16;

/// The connections in line, for each thread that writes, over which another thread is started.
const MAX_LINE: usize = 64;

/// How long one connection is written before the next. A write that the transport does not take ends
/// after [`WRITE_TICK`](crate::transport::WRITE_TICK).
const WRITE_MAX: Duration = Duration::from_millis(5);

/// The connections that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Writers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Each is there once.
    line: VecDeque<Weak<Served>>,
    threads: usize,
}

impl State {
    /// Whether another thread is to be started.
    fn wants_thread(&self) -> bool {
        self.threads < MAX_THREADS && self.line.len() > self.threads * MAX_LINE
    }
}

impl Writers {
    /// Has a connection written soon. `false` if there is no thread for it.
    pub(super) fn write_soon(served: &Arc<Served>) -> bool {
        let engine = &served.engine;
        let mut state = engine.writers.lock();
        if !served.waits_for_writer.swap(true, Ordering::Relaxed) {
            state.line.push_back(Arc::downgrade(served));
        }
        if !state.wants_thread() {
            return true;
        }
        state.threads += 1;
        drop(state);
        let theirs = Arc::clone(engine);
        let has_begun = engine.pool.run(move |_| Writers::work(&theirs)).is_ok();
        if !has_begun {
            engine.writers.lock().threads -= 1;
        }
        has_begun
    }

    /// Writes connections until none is left in line.
    fn work(engine: &Arc<Engine>) {
        while let Some(served) = engine.writers.next() {
            served.conn.flush_until(Instant::now() + WRITE_MAX);
        }
    }

    /// `None` if this thread is not needed any more; it does not count then.
    fn next(&self) -> Option<Arc<Served>> {
        let mut state = self.lock();
        let next = std::iter::from_fn(|| state.line.pop_front()).find_map(|next| next.upgrade());
        match &next {
            // Before it is written: what comes meanwhile puts it in line again.
            Some(served) => served.waits_for_writer.store(false, Ordering::Relaxed),
            None => state.threads -= 1,
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
