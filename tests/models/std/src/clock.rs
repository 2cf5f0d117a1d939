//! Virtual time and its timers.
//!
//! The clock is a task of its own. When the scheduler runs it, time leaps to the next timer and
//! wakes its task. [`model`](crate::model) decides when it may run.

use ::std::cell::RefCell;
use ::std::future::poll_fn;
use ::std::task::{Poll, Waker};
use ::std::time::Duration;

/// The time at which an execution begins, large enough to subtract from.
const START: Duration = Duration::from_secs(1_000_000);

/// The time that passes with each reading of the clock, so that no two readings are equal.
const LOOK: Duration = Duration::from_nanos(1);

/// A virtual time that no model reaches unless its threads wait for one another.
const DAY: Duration = Duration::from_secs(86_400);

::std::thread_local! {
    // One system thread runs all threads of an execution.
    static CLOCK: RefCell<Clock> = RefCell::new(Clock::new());
}

struct Clock {
    now: Duration,
    timers: Vec<Timer>,
    next: u64,
    leaps: usize,
    /// The clock's own task, while there is no timer.
    sleeps: Option<Waker>,
}

struct Timer {
    number: u64,
    at: Duration,
    fire: Box<dyn FnOnce()>,
}

/// A running timer. Dropping it cancels it.
pub(crate) struct Set(u64);

impl Clock {
    fn new() -> Self {
        Clock { now: START, timers: Vec::new(), next: 0, leaps: 0, sleeps: None }
    }

    /// Leaps to the next timer, and takes out all that are due.
    fn leap(&mut self) -> Vec<Timer> {
        let Some(at) = self.timers.iter().map(|timer| timer.at).min() else { return Vec::new() };
        if self.now < at {
            let is_idle = at > START + DAY;
            assert!(!is_idle, "nothing happens any more, but for the passing of time");
            self.now = at;
            self.leaps += 1;
        }
        let timers = ::std::mem::take(&mut self.timers);
        let (due, left) = timers.into_iter().partition(|timer| timer.at <= at);
        self.timers = left;
        due
    }
}

/// Begins an execution: sets the clock back, and starts its task.
pub(crate) fn start() {
    CLOCK.with_borrow_mut(|clock| *clock = Clock::new());
    // Detached: the execution ends without it.
    drop(shuttle::future::spawn(poll_fn(|context| {
        let due = CLOCK.with_borrow_mut(|clock| {
            let due = clock.leap();
            if clock.timers.is_empty() {
                clock.sleeps = Some(context.waker().clone());
            } else {
                context.waker().wake_by_ref();
            }
            due
        });
        due.into_iter().for_each(|timer| (timer.fire)());
        Poll::<()>::Pending
    })));
}

pub(crate) fn forget() {
    ::std::mem::forget(CLOCK.replace(Clock::new()));
}

pub(crate) fn now() -> Duration {
    CLOCK.with_borrow_mut(|clock| {
        clock.now += LOOK;
        clock.now
    })
}

/// The number of leaps of time, forced or spontaneous.
pub(crate) fn leaps() -> usize {
    CLOCK.with_borrow(|clock| clock.leaps)
}

/// Whether the next timer is due within so much time from the beginning.
pub(crate) fn is_next_within(time: Duration) -> bool {
    CLOCK.with_borrow(|clock| clock.timers.iter().any(|timer| timer.at <= START + time))
}

/// Has `fire` called after that time. It must not look at the clock.
pub(crate) fn set(after: Duration, fire: impl FnOnce() + 'static) -> Set {
    let (number, sleeps) = CLOCK.with_borrow_mut(|clock| {
        let (number, at) = (clock.next, clock.now.saturating_add(after));
        clock.next += 1;
        clock.timers.push(Timer { number, at, fire: Box::new(fire) });
        (number, clock.sleeps.take())
    });
    if let Some(sleeps) = sleeps {
        sleeps.wake();
    }
    Set(number)
}

impl Drop for Set {
    fn drop(&mut self) {
        let unset = CLOCK.with_borrow_mut(|clock| {
            let place = clock.timers.iter().position(|timer| timer.number == self.0)?;
            Some(clock.timers.swap_remove(place))
        });
        // What it would have fired may look at the clock when it is dropped.
        drop(unset);
    }
}
