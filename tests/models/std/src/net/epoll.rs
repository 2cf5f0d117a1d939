//! `epoll`: sets of sockets, of which threads wait for those that are readable.
//!
//! The locks here are std's own, and are never held at a scheduling point: a report of the system is
//! atomic.

use ::std::sync::atomic::{AtomicBool, Ordering};
use ::std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use ::std::time::Duration;

use shuttle::rand::{Rng, thread_rng};

use crate::clock;
use crate::sync::Waiter;

/// What a set can contain: whether it is readable, and the sets that it is in.
#[derive(Default)]
pub struct Source {
    is_readable: AtomicBool,
    sets: Mutex<Vec<Weak<Epoll>>>,
}

/// A set.
#[derive(Default)]
pub struct Epoll {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watched: Vec<Watched>,
    waiters: Vec<Waiter>,
}

struct Watched {
    source: Arc<Source>,
    token: u64,
    /// Whether it is reported.
    is_armed: bool,
    /// Whether it is disarmed by its report.
    is_once: bool,
}

/// A source is in the set already, or is not.
#[derive(Debug)]
pub struct Conflict;

impl Source {
    pub fn is_readable(&self) -> bool {
        self.is_readable.load(Ordering::Relaxed)
    }

    /// Called under the lock of the source, for each of its changes.
    pub fn set_readable(&self, is_readable: bool) {
        self.is_readable.store(is_readable, Ordering::Relaxed);
        if is_readable {
            let sets: Vec<_> = lock(&self.sets).iter().filter_map(Weak::upgrade).collect();
            sets.iter().for_each(|set| set.wake_for(self));
        }
    }

    /// Called when its socket is closed, which removes it from all sets.
    pub fn close(&self) {
        let sets = ::std::mem::take(&mut *lock(&self.sets));
        for set in sets.iter().filter_map(Weak::upgrade) {
            lock(&set.state).watched.retain(|watched| !watched.is(self));
        }
    }
}

impl Watched {
    fn is(&self, source: &Source) -> bool {
        ::std::ptr::eq(&*self.source, source)
    }

    fn is_due(&self) -> bool {
        self.is_armed && self.source.is_readable()
    }
}

impl Epoll {
    /// Adds a source, which is reported with this token.
    pub fn add(
        self: &Arc<Self>,
        source: &Arc<Source>,
        token: u64,
        is_once: bool,
    ) -> Result<(), Conflict> {
        yield_now();
        let mut state = lock(&self.state);
        if state.watched.iter().any(|watched| watched.is(source)) {
            return Err(Conflict);
        }
        let source = Arc::clone(source);
        lock(&source.sets).push(Arc::downgrade(self));
        state.watched.push(Watched { source, token, is_armed: true, is_once });
        drop(state);
        self.wake_if_due();
        Ok(())
    }

    /// Changes the token of a source, and reports it again.
    pub fn modify(&self, source: &Source, token: u64, is_once: bool) -> Result<(), Conflict> {
        yield_now();
        let mut state = lock(&self.state);
        let watched = state.watched.iter_mut().find(|watched| watched.is(source));
        let watched = watched.ok_or(Conflict)?;
        (watched.token, watched.is_armed, watched.is_once) = (token, true, is_once);
        drop(state);
        self.wake_if_due();
        Ok(())
    }

    /// Waits until a source is readable, at most for `time`, if that is limited. Returns the tokens
    /// of some.
    pub fn wait(&self, most: usize, time: Option<Duration>) -> Vec<u64> {
        yield_now();
        let until = time.map(|time| clock::now().saturating_add(time));
        loop {
            let mut state = lock(&self.state);
            let due = state.take_due(most);
            if !due.is_empty() {
                drop(state);
                self.wake_if_due();
                return due;
            }
            let waiter = Waiter::new();
            state.waiters.push(waiter.clone());
            drop(state);
            let left = until.map(|until| until.saturating_sub(clock::now()));
            let late = waiter.clone();
            let _timer = left.map(|left| clock::set(left, move || late.time_out()));
            if !waiter.wait() {
                lock(&self.state).waiters.retain(Waiter::is_waiting);
                return Vec::new();
            }
        }
    }

    /// Wakes a waiting thread if there is more to report. Threads that are not needed find nothing,
    /// and wait again.
    fn wake_if_due(&self) {
        let waiter = lock(&self.state).take_waiter(Watched::is_due);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Wakes one of the waiting threads for a source that has changed.
    fn wake_for(&self, source: &Source) {
        let waiter = lock(&self.state).take_waiter(|it| it.is(source) && it.is_due());
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl State {
    fn take_due(&mut self, most: usize) -> Vec<u64> {
        let due = self.watched.iter_mut().filter(|watched| watched.is_due()).take(most);
        let report = |watched: &mut Watched| {
            watched.is_armed = !watched.is_once;
            watched.token
        };
        due.map(report).collect()
    }

    /// Takes a waiting thread, chosen at random, if a source fulfils the condition.
    fn take_waiter(&mut self, is_due: impl Fn(&Watched) -> bool) -> Option<Waiter> {
        if !self.watched.iter().any(is_due) {
            return None;
        }
        self.waiters.retain(Waiter::is_waiting);
        let count = self.waiters.len();
        (count > 0).then(|| self.waiters.swap_remove(thread_rng().gen_range(0..count)))
    }
}

/// Lets other threads run first.
fn yield_now() {
    shuttle::thread::sleep(Duration::ZERO);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
