//! Checks a model: runs its body many times, each with another interleaving of its threads.

use ::std::cell::RefCell;
use ::std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use ::std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};

use crate::{clock, fs, net, thread};

/// Enough for the deepest calls of unoptimized code.
const STACK: usize = 512 << 10;

/// The steps after which an execution counts as a livelock.
const STEPS: usize = 200_000;

/// The task of the clock: the first that the main thread starts.
const CLOCK: usize = 1;

/// When virtual time may advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// When no thread can run.
    Waits,
    /// Also at random while threads run, as if they were slow, so that timeouts expire which a
    /// quick machine never reaches. Only up to this total, or each call would end in a timeout.
    RunsFor(Duration),
}

::std::thread_local! {
    static BROKEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `body` `iterations` times, in random orders of several kinds. Panics if `body` does, if an
/// [assertion](assert) fails, on a deadlock, and if a thread does not end.
pub fn check(times: usize, time: Time, body: impl Fn() + Send + Sync + 'static) {
    let times = match ::std::env::var("H2_SYNC_MODEL_TIMES") {
        Ok(factor) => (times as f64 * factor.parse::<f64>().expect("a factor")) as usize,
        Err(_) => times,
    };
    let body = ::std::sync::Arc::new(body);
    let begin = move || {
        BROKEN.set(None);
        clock::start();
        net::start();
        thread::start();
        fs::start();
        body();
        let broken = BROKEN.take();
        ::std::assert!(broken.is_none(), "{}", broken.unwrap_or_default());
    };
    // Each finds faults that the other rarely finds: uniform orders, and few switches at bad
    // moments.
    let (seed, half) = (0x6832_7379_6e63, times.div_ceil(2));
    let random = RandomScheduler::new_from_seed(seed, half);
    let pct = PctScheduler::new_from_seed(seed, 3, half);
    let runs = || {
        Runner::new(Timed::new(random, time), config()).run(begin.clone());
        Runner::new(Timed::new(pct, time), config()).run(begin);
    };
    if let Err(failure) = catch_unwind(AssertUnwindSafe(runs)) {
        // Values of a failed execution cannot be dropped outside it.
        clock::forget();
        net::forget();
        thread::forget();
        resume_unwind(failure);
    }
}

/// An assertion for code whose panics are caught: a failure is reported when the execution ends.
pub fn assert(holds: bool, what: &str) {
    if !holds {
        BROKEN.with_borrow_mut(|broken| broken.get_or_insert_with(|| what.to_owned()).clone());
        panic!("{what}");
    }
}

/// Panics as code under test may, for `catch_unwind` to catch. Nothing is printed.
pub fn unwind() -> ! {
    thread::begin_unwinding();
    resume_unwind(Box::new("a panic of a model"))
}

/// The number of leaps of time so far. In a model without timeouts of its own, a leap means that a
/// wake-up was lost and a timeout made up for it.
pub fn leaps() -> usize {
    clock::leaps()
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config
}

/// A scheduler that decides when the clock may run.
struct Timed<S> {
    inner: S,
    time: Time,
    random: u64,
}

impl<S> Timed<S> {
    fn new(inner: S, time: Time) -> Self {
        Timed { inner, time, random: 0x9e37_79b9_7f4a_7c15 }
    }

    /// One time in a hundred, where that may be.
    fn leaps(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        match self.time {
            Time::Waits => false,
            Time::RunsFor(time) => self.random % 100 == 0 && clock::is_next_within(time),
        }
    }
}

impl<S: Scheduler> Scheduler for Timed<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.inner.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let is_clock = |task: &TaskId| usize::from(*task) == CLOCK;
        let clock = runnable.iter().map(|task| task.id()).find(is_clock);
        let others: Vec<&Task> =
            runnable.iter().copied().filter(|task| !is_clock(&task.id())).collect();
        match clock {
            Some(clock) if others.is_empty() || self.leaps() => Some(clock),
            _ => self.inner.next_task(&others, current, is_yielding),
        }
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}
