//! A condition variable whose waits can time out, which shuttle's do not.

use ::std::fmt;
use ::std::sync::{self, LockResult, PoisonError};
use ::std::time::Duration;

use shuttle::rand::{Rng, thread_rng};

use super::{MutexGuard, Waiter};
use crate::clock;

#[derive(Default)]
pub struct Condvar {
    // std's own lock, which is never held at a scheduling point.
    waiters: sync::Mutex<Vec<Waiter>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub fn new() -> Self {
        Condvar::default()
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_for(guard, None).0
    }

    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (result, was_woken) = self.wait_for(guard, Some(timeout));
        let late = WaitTimeoutResult(!was_woken);
        match result {
            Ok(guard) => Ok((guard, late)),
            Err(error) => Err(PoisonError::new((error.into_inner(), late))),
        }
    }

    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let until = clock::now().saturating_add(timeout);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let left = until.saturating_sub(clock::now());
            if left.is_zero() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_timeout(guard, left)?.0;
        }
    }

    /// Wakes one of the waiting threads, chosen at random.
    pub fn notify_one(&self) {
        // Lets other threads run first.
        shuttle::thread::sleep(Duration::ZERO);
        let mut waiters = self.lock();
        if waiters.is_empty() {
            return;
        }
        let chosen = thread_rng().gen_range(0..waiters.len());
        let waiter = waiters.swap_remove(chosen);
        drop(waiters);
        waiter.wake();
    }

    pub fn notify_all(&self) {
        shuttle::thread::sleep(Duration::ZERO);
        let waiters = ::std::mem::take(&mut *self.lock());
        waiters.iter().for_each(Waiter::wake);
    }

    /// Also returns whether it was woken.
    fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Option<Duration>,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let waiter = Waiter::new();
        self.lock().push(waiter.clone());
        let late = waiter.clone();
        let timer = timeout.map(|timeout| clock::set(timeout, move || late.time_out()));
        let mutex = guard.unlock();
        let was_woken = waiter.wait();
        drop(timer);
        if !was_woken {
            self.lock().retain(Waiter::is_waiting);
        }
        (mutex.lock(), was_woken)
    }

    fn lock(&self) -> sync::MutexGuard<'_, Vec<Waiter>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
