//! Runs the server examples as programs, for other clients.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

use crate::peer::{self, Guard, Output};

/// Starts an example on a free port, with these arguments after the address. Returns `None` if it
/// has not been built.
pub(crate) fn start(name: &str, args: &[&str]) -> Option<Example> {
    start_command(Command::new(peer::example(name)?), args)
}

/// The same with its log of frames in a file.
pub(crate) fn start_logged(name: &str, args: &[&str], log: &std::path::Path) -> Option<Example> {
    let mut command = Command::new(peer::example(name)?);
    let log = std::fs::File::create(log).unwrap();
    command.env("RUST_LOG", "h2_sync::frames=trace").stderr(log);
    start_command(command, args)
}

/// The same with a command, for its environment.
pub(crate) fn start_command(mut command: Command, args: &[&str]) -> Option<Example> {
    // The expected panic of a handler needs no backtrace.
    let command = command.arg("127.0.0.1:0").args(args).env("RUST_BACKTRACE", "0");
    let mut guard = Guard(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut stdout = BufReader::new(guard.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("listening on ").expect("its first line");
    Some(Example { url: url.to_owned(), stdout, guard })
}

/// A running server, which is killed when dropped.
pub(crate) struct Example {
    /// Its URL, without a trailing slash.
    pub(crate) url: String,
    stdout: BufReader<ChildStdout>,
    guard: Guard,
}

impl Example {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        self.url.rsplit('/').next().unwrap()
    }

    /// Sends it SIGTERM.
    pub(crate) fn terminate(&self) {
        let output = peer::run(Command::new("kill").arg(self.guard.0.id().to_string()));
        assert!(output.success, "{output:?}");
    }

    /// Waits for another line of its output.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until it has ended by itself, and returns its output.
    pub(crate) fn last_words(mut self) -> String {
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        text
    }
}

/// Runs curl with prior knowledge of HTTP/2 and without certificate checks. Its output is the body,
/// the version and the status.
pub(crate) fn curl(args: &[&str], url: &str) -> Option<Output> {
    let program = peer::find("curl")?;
    let mut command = Command::new(program);
    command.args(["--silent", "--show-error", "--max-time", "240", "--insecure", "--path-as-is"]);
    command.args(["--http2-prior-knowledge", "--write-out", "HTTP/%{http_version} %{http_code}"]);
    Some(peer::run(command.args(args).arg(url)))
}
