//! The threads of a server. Each leads a connection, runs a handler, or waits for a task.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// The number of idle threads that are kept for the whole `idle_thread_timeout`; more of them end
/// after [`SURPLUS_TIMEOUT`].
const IDLE_KEPT: usize = 32;
const SURPLUS_TIMEOUT: Duration = Duration::from_millis(250);

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
    stack_size: usize,
    idle_timeout: Duration,
}

#[derive(Default)]
struct State {
    /// The threads that wait for a task. The last one gets the next: its stack is still in the
    /// processor's cache, and the first ones end when they are not needed.
    idle: Vec<Arc<Seat>>,
    threads: usize,
    shortage: Shortage,
    is_closed: bool,
}

/// What a thread waits for: a task, or the end of the pool.
#[derive(Default)]
struct Seat {
    given: Mutex<Given>,
    wake: Condvar,
}

#[derive(Default)]
enum Given {
    #[default]
    Nothing,
    Task(Task),
    End,
}

impl Seat {
    fn give(&self, what: Given) {
        *self.lock() = what;
        self.wake.notify_one();
    }

    /// Waits until something is given, at most for `time`, if that is limited.
    fn wait(&self, time: Option<Duration>) -> Given {
        let is_empty = |given: &mut Given| matches!(given, Given::Nothing);
        let given = match time {
            Some(time) => {
                let waited = self.wake.wait_timeout_while(self.lock(), time, is_empty);
                waited.map(|(given, _)| given).map_err(|error| error.into_inner().0)
            }
            None => {
                let waited = self.wake.wait_while(self.lock(), is_empty);
                waited.map_err(PoisonError::into_inner)
            }
        };
        std::mem::take(&mut given.unwrap_or_else(|given| given))
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    pub(super) fn new(stack_size: usize, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Pool { state: Mutex::default(), stack_size, idle_timeout })
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
        if let Some(seat) = state.idle.pop() {
            drop(state);
            seat.give(Given::Task(task));
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

    /// Makes the system refuse threads, or end that.
    #[cfg(test)]
    pub(super) fn set_short(&self, is_short: bool) {
        self.lock().shortage.set(is_short);
    }

    /// The number of threads.
    pub(super) fn threads(&self) -> usize {
        self.lock().threads
    }

    /// Makes threads end when there is nothing to do, without waiting for more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.iter().for_each(|seat| seat.give(Given::End));
    }

    fn work(&self, first: Option<Task>) {
        let mut scratch = Scratch::default();
        let seat = Arc::default();
        let mut next = first;
        while let Some(task) = next.take().or_else(|| self.next_task(&seat)) {
            // Handlers and transports are caught where they run. This is for our own errors, which
            // should only affect one connection.
            if catch_unwind(AssertUnwindSafe(|| task(&mut scratch))).is_err() {
                logging::error!("a thread of the server panicked outside of a handler");
            }
            scratch.shrink();
        }
        self.lock().threads -= 1;
    }

    /// Waits for the next task. Returns `None` when the thread must end.
    fn next_task(&self, seat: &Arc<Seat>) -> Option<Task> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        let is_surplus = state.idle.len() >= IDLE_KEPT;
        state.idle.push(Arc::clone(seat));
        drop(state);
        let time =
            if is_surplus { self.idle_timeout.min(SURPLUS_TIMEOUT) } else { self.idle_timeout };
        let mut given = seat.wait(Some(time));
        if matches!(given, Given::Nothing) && !self.lock().leave(seat) {
            // It has been taken for a task, which is about to be given.
            given = seat.wait(None);
        }
        match given {
            Given::Task(task) => Some(task),
            Given::Nothing | Given::End => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes an idle thread. Returns `false` if it is not there.
    fn leave(&mut self, seat: &Arc<Seat>) -> bool {
        let place = self.idle.iter().position(|idle| Arc::ptr_eq(idle, seat));
        place.map(|place| self.idle.remove(place)).is_some()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stack_size", &self.stack_size).finish_non_exhaustive()
    }
}
