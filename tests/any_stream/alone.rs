//! A test in a process of its own.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;
use std::{env, fs, thread};

use crate::exchange::LONG;

/// Tells a process that it is the one for a single test.
const ALONE: &str = "H2_SYNC_ANY_STREAM_ALONE";

/// Starts this program again for the test of this name, and there runs `test`: when it returns,
/// there are as many threads and open descriptors as before.
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
        // Nobody waits any more if it took too long.
        let _ = sender.send(text);
    });
    let text = output.recv_timeout(2 * LONG);
    if text.is_err() {
        // It may end by itself just now.
        let _ = process.kill();
    }
    let status = process.wait().unwrap();
    reader.join().unwrap();
    let text = text.expect("it hangs");
    assert!(status.success() && text.contains("1 passed"), "{name}: {status}\n{text}");
}

/// This program, to run the one test.
pub(crate) fn this_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]);
    command
}

fn leaves_nothing_behind(test: impl FnOnce()) {
    let before = (count("task"), count("fd"));
    test();
    // The system may take a moment to clear a joined thread away, and a reader that nothing wakes
    // one to find the end of its stream.
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

/// How many threads or descriptors this process has; none where the system does not tell.
fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count)
}
