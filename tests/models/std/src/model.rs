//! How a model is checked: its body is run again and again, each time with another order of what its
//! threads do.

use ::std::cell::RefCell;
use ::std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use ::std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};

use crate::{clock, net, thread};

/// Enough for the deepest calls of unoptimized code.
const STACK: usize = 512 << 10;

/// An execution that takes more steps goes round in circles.
const STEPS: usize = 200_000;

/// The task of the clock: the first that the main thread starts.
const CLOCK: usize = 1;

/// When time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// When nothing else can happen.
    Waits,
    /// And now and then while threads are at work, as if they were slow: deadlines pass that are
    /// never reached on a quick machine. Only until so much has passed, or all that begins would end
    /// in the longest of its timeouts.
    RunsFor(Duration),
}

::std::thread_local! {
    static BROKEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `body` so many times, in orders of all kinds. It panics if `body` does, if what has been
/// [asserted](assert) does not hold, if threads wait for one another, and if one does not end.
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
        body();
        let broken = BROKEN.take();
        ::std::assert!(broken.is_none(), "{}", broken.unwrap_or_default());
    };
    // Each finds what the other is slow to find: any order at all, and few switches at bad moments.
    let (seed, half) = (0x6832_7379_6e63, times.div_ceil(2));
    let random = RandomScheduler::new_from_seed(seed, half);
    let pct = PctScheduler::new_from_seed(seed, 3, half);
    let runs = || {
        Runner::new(Timed::new(random, time), config()).run(begin.clone());
        Runner::new(Timed::new(pct, time), config()).run(begin);
    };
    if let Err(failure) = catch_unwind(AssertUnwindSafe(runs)) {
        // What a failed execution has left cannot be dropped outside of it.
        clock::forget();
        net::forget();
        thread::forget();
        resume_unwind(failure);
    }
}

/// For code whose panics are caught: what does not hold fails the execution when it ends.
pub fn assert(holds: bool, what: &str) {
    if !holds {
        BROKEN.with_borrow_mut(|broken| broken.get_or_insert_with(|| what.to_owned()).clone());
        panic!("{what}");
    }
}

/// How often time has leapt so far. Where a model has no deadline to wait for, that says that a
/// wake-up was lost, and a deadline made up for it.
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

/// A scheduler that knows when the clock may run.
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
