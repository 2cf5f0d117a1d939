//! Bounded waits.
#![allow(unreachable_pub, reason = "a library, that of `grpc/interop`, exports them")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A timeout for one wait. It is generous, since the machine may be busy.
pub const LONG: Duration = Duration::from_secs(60);

/// A test that takes longer hangs.
const HANG: Duration = Duration::from_secs(300);

/// Runs a test, and fails it if it hangs.
pub fn bounded<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    bounded_by(HANG, test)
}

/// Runs a test, and fails it if it takes longer than `time`.
pub fn bounded_by<T: Send + 'static>(
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
pub fn eventually(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "the condition did not hold within the timeout");
        thread::park_timeout(Duration::from_millis(1));
    }
}
