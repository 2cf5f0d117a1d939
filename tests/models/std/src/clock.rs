//! Virtual time, and those who wait for it.
//!
//! The clock is a task of its own. When the scheduler lets it run, time leaps to the next timer, and
//! whoever set that is woken. [`model`](crate::model) says when it may run.

use ::std::cell::RefCell;
use ::std::future::poll_fn;
use ::std::task::{Poll, Waker};
use ::std::time::Duration;

/// When an execution begins: far enough from nothing for times before it.
const START: Duration = Duration::from_secs(1_000_000);

/// With each look at the clock, time goes on by so much: no two looks see the same time.
const LOOK: Duration = Duration::from_nanos(1);

/// No model takes so long: its threads wait for one another, and some look around now and then.
const DAY: Duration = Duration::from_secs(86_400);

::std::thread_local! {
    // All threads of an execution are run by one thread of the system's.
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

/// A timer that has been set. Dropping it unsets it.
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
    // Nobody waits for it: the execution ends without it.
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

/// How often time has leapt, since nothing else could happen or for no reason at all.
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
