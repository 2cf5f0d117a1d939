//! The one thread of a server that keeps time: it calls what is due, and looks every two milliseconds
//! after those who are to be looked after.
//!
//! What it calls must not block: what could take long is done by a thread of the pool.

use std::any::Any;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

/// How often it looks.
const TICK: Duration = Duration::from_millis(2);

/// So many calls are never too many.
const MANY: usize = 256;

/// With nothing to do, so long is as good as for ever.
const LONG: Duration = Duration::from_secs(3600);

/// Looks after something, and says whether it is to go on doing so.
type Look = Box<dyn FnMut() -> bool + Send>;

#[derive(Default)]
pub(super) struct Clock {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    calls: BinaryHeap<Reverse<Call>>,
    /// With so many of them, those are dropped whose time would come for nobody.
    many: usize,
    looks: Vec<Look>,
    /// When it wakes by itself, while it sleeps.
    sleeps_until: Option<Instant>,
    is_closed: bool,
}

struct Call {
    at: Instant,
    whom: Weak<dyn Any + Send + Sync>,
    what: Box<dyn FnOnce(Instant) + Send>,
}

/// A clock whose thread runs until this is dropped.
#[derive(Debug)]
pub(super) struct Ticking {
    clock: Arc<Clock>,
    is_shared: bool,
}

impl Ticking {
    /// Lets it be used by several engines, until the last of them is gone.
    pub(super) fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// An engine needs it no more.
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

    /// Calls `what` at that time, with `whom` and the time that it is then; not at all if `whom` is
    /// gone by then.
    pub(super) fn call<T: Send + Sync + 'static>(
        &self,
        at: Instant,
        whom: &Weak<T>,
        what: impl FnOnce(Arc<T>, Instant) + Send + 'static,
    ) {
        let weak = Weak::clone(whom);
        let call = move |now| {
            if let Some(whom) = weak.upgrade() {
                what(whom, now);
            }
        };
        let call = Call { at, whom: Weak::<T>::clone(whom), what: Box::new(call) };
        let mut state = self.lock();
        state.calls.push(Reverse(call));
        state.forget_the_gone();
        let oversleeps = state.sleeps_until.is_some_and(|until| at < until);
        drop(state);
        if oversleeps {
            self.wake.notify_one();
        }
    }

    /// How many calls wait for their time.
    #[cfg(test)]
    pub(super) fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// Looks every two milliseconds, until `look` says that there is nothing to look after any more.
    pub(super) fn watch(&self, look: impl FnMut() -> bool + Send + 'static) {
        let mut state = self.lock();
        state.looks.push(Box::new(look));
        let oversleeps = state.sleeps_until.is_some_and(|until| Instant::now() + TICK < until);
        drop(state);
        if oversleeps {
            self.wake.notify_one();
        }
    }

    /// Ends the thread. What was to be called is dropped.
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
            if !state.looks.is_empty() {
                let mut looks = std::mem::take(&mut state.looks);
                drop(state);
                looks.retain_mut(|look| look());
                state = self.lock();
                state.looks.append(&mut looks);
            }
        }
    }

    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        let next = state.calls.peek().map(|Reverse(call)| call.at);
        let tick = (!state.looks.is_empty()).then(|| now + TICK);
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
    /// A connection may be gone long before its time comes, and would leave its memory behind.
    fn forget_the_gone(&mut self) {
        if self.calls.len() > self.many {
            self.calls.retain(|Reverse(call)| call.whom.strong_count() > 0);
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
