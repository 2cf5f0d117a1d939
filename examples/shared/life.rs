//! The life of a server process after its start: signals, the drain, and a successor that takes its
//! sockets. Needs Unix signals and the feature `handover`.

use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, thread};

use h2_sync::server::{Aborted, Handle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The time that open requests have to finish, and that a successor has to start.
const GRACE: Duration = Duration::from_secs(30);

/// The exit status after a second SIGINT or SIGTERM, which aborts what is open.
const ABORTED: i32 = 130;

/// The signals of a process.
pub(crate) struct Life {
    signals: Signals,
}

impl Life {
    /// Takes over the signals. Do so before the server starts: until then, SIGHUP ends the process.
    pub(crate) fn begin() -> io::Result<Self> {
        Ok(Life { signals: Signals::new([SIGINT, SIGTERM, SIGHUP])? })
    }

    /// Serves until SIGINT or SIGTERM, then drains: `Handle::drain` with this notice. SIGHUP starts
    /// this program anew, with the listening sockets, and ends this process when the new one serves.
    ///
    /// The exit status tells whether anything was aborted.
    pub(crate) fn run(mut self, handle: &Handle, notice: Duration) -> ExitCode {
        let has_successor = self.wait(handle);
        let connections = handle.stats().connections;
        say(&format!("finishing requests on {connections} connections; a second signal aborts"));
        thread::spawn(move || {
            if self.signals.forever().any(|signal| signal != SIGHUP) {
                process::exit(ABORTED);
            }
        });
        // The sockets of the successor are the same: no balancer has to notice.
        let aborted =
            if has_successor { handle.shutdown(GRACE) } else { handle.drain(notice, GRACE) };
        let served = handle.stats().requests;
        let Aborted { requests, connections, .. } = aborted;
        say(&format!(
            "served {served} requests; aborted {requests} requests, {connections} connections"
        ));
        if aborted == Aborted::default() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Waits for the end. Returns whether another process serves the sockets.
    fn wait(&mut self, handle: &Handle) -> bool {
        for signal in self.signals.forever() {
            if signal != SIGHUP {
                break;
            }
            match hand_over(handle) {
                Ok(successor) => {
                    say(&format!("process {successor} takes over"));
                    return true;
                }
                Err(error) => say(&format!("no successor: {error}")),
            }
        }
        false
    }
}

/// Starts this program anew, with the listening sockets. Returns the number of its process.
fn hand_over(handle: &Handle) -> io::Result<u32> {
    let mut command = process::Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    Ok(handle.hand_over(command, GRACE)?.id())
}

/// Prints a line. `println` would panic if stdout is closed.
fn say(text: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}
