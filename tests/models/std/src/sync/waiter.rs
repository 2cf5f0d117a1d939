//! A thread's wait for one event.

use ::std::future::poll_fn;
use ::std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ::std::task::{Poll, Waker};

/// A waiting thread, until it is woken or times out.
#[derive(Clone)]
pub(crate) struct Waiter {
    // std's own lock, which is never held at a scheduling point.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Woken,
    TimedOut,
}

impl Waiter {
    pub(crate) fn new() -> Self {
        Waiter { state: Arc::default() }
    }

    /// Waits. Returns whether it was woken.
    pub(crate) fn wait(&self) -> bool {
        let outcome = shuttle::future::block_on(poll_fn(|context| {
            let mut state = self.lock();
            state.waker = Some(context.waker().clone());
            state.outcome.map_or(Poll::Pending, Poll::Ready)
        }));
        outcome == Outcome::Woken
    }

    pub(crate) fn wake(&self) {
        self.end(Outcome::Woken);
    }

    pub(crate) fn time_out(&self) {
        self.end(Outcome::TimedOut);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.lock().outcome.is_none()
    }

    fn end(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.outcome.get_or_insert(outcome);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
