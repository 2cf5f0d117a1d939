//! The threads of a server. Each leads a connection, runs a handler, or waits for something to do.

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

/// Something for a thread to do.
pub(super) type Task = Box<dyn FnOnce(&mut Scratch) + Send>;

/// Memory that a thread keeps from one response to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Small bodies are gathered here.
    pub(super) body: BytesMut,
    /// Header fields, while they are set.
    pub(super) fields: Fields,
    /// Header sections, as they go out.
    pub(super) section: Option<Headers>,
}

/// What a thread that waits for a connection may keep.
const KEPT: usize = 4 << 10;

impl Scratch {
    /// Gives back what one large response has left behind.
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
    /// Threads that wait for a task.
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

    /// Has a thread do it at once: one that waits, or a new one.
    ///
    /// # Errors
    ///
    /// If no thread waits and the system gives no new one, the task comes back. The system is not
    /// asked again for a while then.
    pub(super) fn run(
        self: &Arc<Self>,
        task: impl FnOnce(&mut Scratch) + Send + 'static,
    ) -> Result<(), Task> {
        self.run_task(Box::new(task))
    }

    /// Like [`run`](Self::run), for a task that may have come back before.
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

    /// Has a new thread do it in any case.
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
        // From here the task can be taken back if there is no thread to take it.
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
                // It is there, since no thread has begun to take it.
                take(&first).map_or(Ok(()), Err)
            }
        }
    }

    /// Threads that live now.
    pub(super) fn threads(&self) -> usize {
        self.lock().threads
    }

    /// Threads end when there is nothing to do, without waiting for more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_all();
    }

    fn work(&self, first: Option<Task>) {
        let mut scratch = Scratch::default();
        let mut next = first;
        while let Some(task) = next.take().or_else(|| self.next_task()) {
            // Handlers and transports are caught where they run; this would be a fault of ours, and
            // is to cost one connection only.
            if catch_unwind(AssertUnwindSafe(|| task(&mut scratch))).is_err() {
                logging::error!("a thread of the server panicked outside of a handler");
            }
            scratch.shrink();
        }
    }

    /// `None` when the thread is to end; it is not counted any more then.
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
