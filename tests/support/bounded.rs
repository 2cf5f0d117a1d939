//! Bounded waits.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A generous timeout for slow machines.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Runs code that could hang, and fails the test in that case.
pub(crate) fn within<T: Send + 'static>(
    time: Duration,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, is_done) = mpsc::channel();
    let running = thread::spawn(move || {
        let value = test();
        done.send(()).unwrap();
        value
    });
    match is_done.recv_timeout(time) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// Polls until the condition holds.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "the condition did not hold within the timeout");
        thread::park_timeout(Duration::from_millis(1));
    }
}
