//! Runs a test in a separate process.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;
use std::{env, fs, thread};

use crate::exchange::LONG;

/// The environment variable that selects the child process.
const ALONE: &str = "H2_SYNC_ANY_STREAM_ALONE";

/// Runs this program again for the test of this name, and calls `test` there. Afterwards the
/// process must have as many threads and open descriptors as before.
#[track_caller]
pub(crate) fn alone(name: &str, test: impl FnOnce()) {
    if env::var_os(ALONE).is_some() {
        leaves_nothing_behind(test);
        return;
    }
    let mut command = this_test(name);
    let mut process = command.env(ALONE, "1").stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = process.stdout.take().unwrap();
    let (sender, output) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let _ = pipe.read_to_string(&mut text);
        // The parent may have stopped waiting after a timeout.
        let _ = sender.send(text);
    });
    let text = output.recv_timeout(2 * LONG);
    if text.is_err() {
        // The process may have exited in the meantime.
        let _ = process.kill();
    }
    let status = process.wait().unwrap();
    reader.join().unwrap();
    let text = text.expect("it hangs");
    assert!(status.success() && text.contains("1 passed"), "{name}: {status}\n{text}");
}

/// A command that runs this program for a single test.
pub(crate) fn this_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]);
    command
}

fn leaves_nothing_behind(test: impl FnOnce()) {
    let before = (count("task"), count("fd"));
    test();
    // The system may need a moment to clean up a joined thread, and a reader that cannot be woken
    // needs one to find the end of its stream.
    let deadline = Instant::now() + LONG;
    while (count("task"), count("fd")) != before {
        assert!(
            Instant::now() < deadline,
            "{} threads and {} descriptors, which were {before:?}",
            count("task"),
            count("fd"),
        );
        thread::yield_now();
    }
}

/// The number of threads or descriptors of this process; 0 if the system does not provide it.
fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count)
}
