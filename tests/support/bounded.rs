//! Waits that end.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing here takes so long, on however slow a machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Runs what could hang, and fails the test if it does.
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

/// Waits for what nobody tells.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "it does not come to pass");
        thread::park_timeout(Duration::from_millis(1));
    }
}
