//! Programs with piped input and output.

use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use crate::peer::{Guard, PATIENCE, collect};

/// A program with piped input and output.
#[derive(Debug)]
pub(crate) struct Piped {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    guard: Guard,
}

impl Piped {
    /// Starts a program with pipes to its standard input and output.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = Guard(command.spawn().unwrap());
        let (stdin, stdout) = (guard.0.stdin.take().unwrap(), guard.0.stdout.take().unwrap());
        Self { stdin, stdout, guard }
    }

    /// Ends its input, and waits until it ends its output.
    ///
    /// # Panics
    ///
    /// If it does not in time.
    pub(crate) fn finish(self) {
        let Self { stdin, stdout, guard } = self;
        drop(stdin);
        let (sender, ended) = mpsc::channel();
        let reader = collect(stdout, sender);
        ended.recv_timeout(PATIENCE).expect("the program ends in time");
        reader.join().unwrap();
        drop(guard);
    }
}
