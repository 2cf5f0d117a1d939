//! Runs of one exchange, each with the fault one step later than in the run before.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A limit that no run reaches, even on a slow machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The number of parallel runs. Most of them wait for a timeout of the library, not for a
/// processor.
const AT_ONCE: usize = 16;

/// The number of further runs after the first whose fault came too late: the number of calls of an
/// exchange varies.
const MARGIN: usize = 6;

/// Whether the fault of a run has happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    Faulty,
    #[default]
    Through,
}

impl Went {
    pub(crate) fn by(has_fired: bool) -> Self {
        if has_fired { Went::Faulty } else { Went::Through }
    }
}

/// Serializes the tests of this program, which count its threads.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `run` for 0, 1, 2 … until its fault no longer happens. Returns the number of faults, and
/// asserts that no thread of the library is left.
#[track_caller]
pub(crate) fn sweep(run: impl Fn(usize) -> Went + Send + Sync + 'static) -> usize {
    let faults = sweep_beside_others(run);
    nothing_is_left();
    faults
}

/// The same while other threads of the library exist.
#[track_caller]
pub(crate) fn sweep_beside_others(run: impl Fn(usize) -> Went + Send + Sync + 'static) -> usize {
    let through = Arc::new(AtomicUsize::new(usize::MAX));
    let first = Arc::clone(&through);
    let all = move |n| {
        if run(n) == Went::Through {
            first.fetch_min(n, SeqCst);
        }
    };
    let last = Arc::clone(&through);
    each(move |n| n <= last.load(SeqCst).saturating_add(MARGIN), all);
    through.load(SeqCst)
}

/// Runs `run` for all numbers below `count`, and asserts that no thread of the library is left.
#[track_caller]
pub(crate) fn times(count: usize, run: impl Fn(usize) + Send + Sync + 'static) {
    each(move |n| n < count, run);
    nothing_is_left();
}

#[track_caller]
fn each(
    goes_on: impl Fn(usize) -> bool + Send + Sync + 'static,
    run: impl Fn(usize) + Send + Sync + 'static,
) {
    let next = AtomicUsize::new(0);
    let running = Arc::new(Mutex::new(BTreeSet::new()));
    let under_way = Arc::clone(&running);
    let work = Arc::new(move || {
        loop {
            let n = next.fetch_add(1, SeqCst);
            if !goes_on(n) {
                return Ok(());
            }
            under_way.lock().unwrap().insert(n);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(n))) {
                return Err((n, panic));
            }
            under_way.lock().unwrap().remove(&n);
        }
    });
    let (done, results) = mpsc::channel();
    for _ in 0..AT_ONCE {
        let (work, done) = (Arc::clone(&work), done.clone());
        // Not scoped, so that the test fails if a run hangs.
        thread::spawn(move || drop(done.send(work())));
    }
    drop(done);
    let deadline = Instant::now() + 4 * LONG;
    for _ in 0..AT_ONCE {
        match results.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(())) => {}
            Ok(Err((n, panic))) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                panic!("run {n}: {}", text.unwrap_or("it panicked"));
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("these hang: {:?}, {:?}", running.lock().unwrap(), threads())
            }
            Err(RecvTimeoutError::Disconnected) => panic!("a run was lost"),
        }
    }
}

/// Runs all jobs at once: most of the time they wait.
#[track_caller]
pub(crate) fn at_once<T: Send>(
    acts: impl IntoIterator<Item = impl FnOnce() -> T + Send>,
) -> Vec<T> {
    thread::scope(|scope| {
        let threads: Vec<_> = acts.into_iter().map(|act| scope.spawn(act)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Waits until no thread of the library is left.
#[track_caller]
pub(crate) fn nothing_is_left() {
    eventually("the threads end", || threads().is_empty());
}

/// Polls until a condition without a notification holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time; threads: {:?}", threads());
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// The names of the library's live threads; empty if the system cannot list them.
fn threads() -> Vec<String> {
    let mut names = crate::thread_names::all();
    names.retain(|name| name.starts_with("h2-sync"));
    names
}
