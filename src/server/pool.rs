//! The threads of a server. Each leads a connection, runs a handler, or waits for a task.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::fields::Fields;
use super::shortage::Shortage;
use crate::hpack::Headers;
use crate::logging;

/// A task for a thread.
pub(super) type Task = Box<dyn FnOnce(&mut Scratch) + Send>;

/// Buffers that a thread reuses for the next response.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// A buffer for small bodies.
    pub(super) body: BytesMut,
    /// Header fields under construction.
    pub(super) fields: Fields,
    /// An outgoing header section.
    pub(super) section: Option<Headers>,
}

/// The largest buffer that an idle thread keeps, in octets.
const KEPT: usize = 4 << 10;

impl Scratch {
    /// Frees the memory that a large response has left behind.
    pub(super) fn shrink(&mut self) {
        if self.body.capacity() > KEPT {
            self.body = BytesMut::new();
        }
        self.section = self.section.take().filter(|section| section.section_size() <= KEPT);
        self.fields.shrink(KEPT / 64);
    }
}

pub(super) struct Pool {
    state: Mutex<State>,
    wake: Condvar,
    stack_size: usize,
    idle_timeout: Duration,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// The number of threads that wait for a task.
    idle: usize,
    threads: usize,
    shortage: Shortage,
    is_closed: bool,
}

impl Pool {
    pub(super) fn new(stack_size: usize, idle_timeout: Duration) -> Arc<Self> {
        let (state, wake) = Default::default();
        Arc::new(Pool { state, wake, stack_size, idle_timeout })
    }

    /// Runs a task at once, on a waiting thread or a new one.
    ///
    /// # Errors
    ///
    /// If no thread waits and the system does not start another, the task is returned. The system
    /// is not asked again for a while then.
    pub(super) fn run(
        self: &Arc<Self>,
        task: impl FnOnce(&mut Scratch) + Send + 'static,
    ) -> Result<(), Task> {
        self.run_task(Box::new(task))
    }

    /// Like [`run`](Self::run), for a task that may have been returned before.
    pub(super) fn run_task(self: &Arc<Self>, task: Task) -> Result<(), Task> {
        let mut state = self.lock();
        if state.idle > state.tasks.len() {
            state.tasks.push_back(task);
            drop(state);
            self.wake.notify_one();
            return Ok(());
        }
        self.spawn(state, task)
    }

    /// Runs a task on a new thread in any case.
    pub(super) fn run_afresh(
        self: &Arc<Self>,
        task: impl FnOnce(&mut Scratch) + Send + 'static,
    ) -> Result<(), Task> {
        self.spawn(self.lock(), Box::new(task))
    }

    fn spawn(self: &Arc<Self>, mut state: MutexGuard<'_, State>, task: Task) -> Result<(), Task> {
        if !state.shortage.may_try(Instant::now) {
            return Err(task);
        }
        state.threads += 1;
        drop(state);
        // From here on the task can be reclaimed if no thread takes it.
        let first = Arc::new(Mutex::new(Some(task)));
        let take = |first: &Mutex<Option<Task>>| {
            first.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let (pool, theirs) = (Arc::clone(self), Arc::clone(&first));
        let builder =
            thread::Builder::new().name("h2-sync-server".to_owned()).stack_size(self.stack_size);
        match builder.spawn(move || pool.work(take(&theirs))) {
            Ok(_) => {
                self.lock().shortage.ended();
                Ok(())
            }
            Err(error) => {
                let mut state = self.lock();
                state.threads -= 1;
                let line = state.shortage.failed(Instant::now(), &error);
                drop(state);
                if let Some(line) = line {
                    logging::warn!("{line}");
                }
                // It is still there, since no thread has started to take it.
                take(&first).map_or(Ok(()), Err)
            }
        }
    }

    /// The number of threads.
    pub(super) fn threads(&self) -> usize {
        self.lock().threads
    }

    /// Makes threads end when there is nothing to do, without waiting for more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_all();
    }

    fn work(&self, first: Option<Task>) {
        let mut scratch = Scratch::default();
        let mut next = first;
        while let Some(task) = next.take().or_else(|| self.next_task()) {
            // Handlers and transports are caught where they run. This is for our own errors, which
            // should only affect one connection.
            if catch_unwind(AssertUnwindSafe(|| task(&mut scratch))).is_err() {
                logging::error!("a thread of the server panicked outside of a handler");
            }
            scratch.shrink();
        }
    }

    /// Waits for the next task. Returns `None` when the thread must end; it is not counted any more
    /// then.
    fn next_task(&self) -> Option<Task> {
        let mut state = self.lock();
        if state.tasks.is_empty() && !state.is_closed {
            state.idle += 1;
            let idles = |state: &mut State| state.tasks.is_empty() && !state.is_closed;
            let waited = self.wake.wait_timeout_while(state, self.idle_timeout, idles);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let task = state.tasks.pop_front();
        state.threads -= usize::from(task.is_none());
        task
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stack_size", &self.stack_size).finish_non_exhaustive()
    }
}
