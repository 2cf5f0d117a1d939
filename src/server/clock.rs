//! The clock thread of a server: it makes scheduled calls, and runs the periodic checks every two
//! milliseconds.
//!
//! Its calls must not block: work that could take long is passed to a thread of the pool.

use std::any::Any;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

/// The interval of the periodic checks.
const TICK: Duration = Duration::from_millis(2);

/// The number of calls below which calls for dropped objects are not removed.
const MANY: usize = 256;

/// The sleep without a scheduled call.
const LONG: Duration = Duration::from_secs(3600);

/// A periodic check. Returns whether it is to be repeated.
type Check = Box<dyn FnMut() -> bool + Send>;

#[derive(Default)]
pub(super) struct Clock {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    calls: BinaryHeap<Reverse<Call>>,
    /// When there are this many calls, those for dropped objects are removed.
    many: usize,
    checks: Vec<Check>,
    /// When it wakes by itself, while it sleeps.
    sleeps_until: Option<Instant>,
    is_closed: bool,
}

struct Call {
    at: Instant,
    owner: Weak<dyn Any + Send + Sync>,
    what: Box<dyn FnOnce(Instant) + Send>,
}

/// A running clock, whose thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Ticking {
    clock: Arc<Clock>,
    is_shared: bool,
}

impl Ticking {
    /// Marks it as shared by several engines, which keep it until the last one is gone.
    pub(super) fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Returns whether it belongs to engines of one connection each.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Called when an engine no longer needs it.
    pub(super) fn release(&self) {
        if !self.is_shared {
            self.clock.close();
        }
    }
}

impl Deref for Ticking {
    type Target = Clock;

    fn deref(&self) -> &Clock {
        &self.clock
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.clock.close();
    }
}

impl Clock {
    pub(super) fn start() -> Result<Ticking, Error> {
        let clock = Arc::new(Clock::default());
        let theirs = Arc::clone(&clock);
        let builder = thread::Builder::new().name("h2-sync-clock".to_owned()).stack_size(256 << 10);
        builder.spawn(move || theirs.run()).map_err(Error::thread)?;
        Ok(Ticking { clock, is_shared: false })
    }

    /// Schedules a call of `what` with `owner` and the current time. The call is skipped if `owner`
    /// has been dropped by then.
    pub(super) fn call<T: Send + Sync + 'static>(
        &self,
        at: Instant,
        owner: &Weak<T>,
        what: impl FnOnce(Arc<T>, Instant) + Send + 'static,
    ) {
        let weak = Weak::clone(owner);
        let call = move |now| {
            if let Some(owner) = weak.upgrade() {
                what(owner, now);
            }
        };
        let call = Call { at, owner: Weak::<T>::clone(owner), what: Box::new(call) };
        let mut state = self.lock();
        state.calls.push(Reverse(call));
        state.forget_the_gone();
        let oversleeps = state.sleeps_until.is_some_and(|until| at < until);
        drop(state);
        if oversleeps {
            self.wake.notify_one();
        }
    }

    /// The number of scheduled calls.
    #[cfg(test)]
    pub(super) fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// Adds a periodic check, repeated every two milliseconds until `check` returns false.
    pub(super) fn watch(&self, check: impl FnMut() -> bool + Send + 'static) {
        let mut state = self.lock();
        state.checks.push(Box::new(check));
        let oversleeps = state.sleeps_until.is_some_and(|until| Instant::now() + TICK < until);
        drop(state);
        if oversleeps {
            self.wake.notify_one();
        }
    }

    /// Ends the thread and drops the scheduled calls.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        drop(calls);
        self.wake.notify_one();
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            let now = Instant::now();
            let is_due = state.calls.peek().is_some_and(|Reverse(call)| call.at <= now);
            if is_due {
                let call = state.calls.pop();
                drop(state);
                if let Some(Reverse(call)) = call {
                    (call.what)(now);
                }
                state = self.lock();
                continue;
            }
            state = self.sleep(state, now);
            if !state.checks.is_empty() {
                let mut checks = std::mem::take(&mut state.checks);
                drop(state);
                checks.retain_mut(|check| check());
                state = self.lock();
                state.checks.append(&mut checks);
            }
        }
    }

    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        let next = state.calls.peek().map(|Reverse(call)| call.at);
        let tick = (!state.checks.is_empty()).then(|| now + TICK);
        let until = [next, tick].into_iter().flatten().min().unwrap_or(now + LONG);
        state.sleeps_until = Some(until);
        let wait = until.saturating_duration_since(now);
        let waited = self.wake.wait_timeout(state, wait);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.sleeps_until = None;
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes the calls for dropped connections, whose memory they would keep.
    fn forget_the_gone(&mut self) {
        if self.calls.len() > self.many {
            self.calls.retain(|Reverse(call)| call.owner.strong_count() > 0);
            self.many = MANY.max(2 * self.calls.len());
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Call {}

impl PartialOrd for Call {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Call {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
