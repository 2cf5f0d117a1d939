//! Load from h2load, a client of another implementation.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::fleet::find;

/// A running h2load, which is killed when this is dropped.
#[derive(Debug)]
pub struct H2load(Child);

/// What it has counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Responses with a status of 2xx.
    pub succeeded: u64,
    /// Responses with another status.
    pub refused: u64,
    /// Requests without a response. h2load does not repeat those that a GOAWAY leaves out.
    pub failed: u64,
}

impl H2load {
    /// Sends requests over four connections for a number of seconds, ten at a time on each. `None` if
    /// it is not installed.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(address: SocketAddr, seconds: u64) -> io::Result<Option<Self>> {
        let Some(program) = find("h2load") else { return Ok(None) };
        let mut command = Command::new(program);
        command.args(["-c", "4", "-m", "10", "--rps", "50", "-D", &seconds.to_string()]);
        command.arg(format!("http://{address}/"));
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().map(H2load).map(Some)
    }

    /// Waits for its end, and returns what it has counted.
    ///
    /// # Errors
    ///
    /// If its output cannot be understood.
    pub fn finish(mut self) -> io::Result<Counts> {
        let mut text = String::new();
        self.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.read_to_string(&mut text)?;
        counts(&text).ok_or_else(|| io::Error::other(format!("h2load: {text}")))
    }
}

impl Drop for H2load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads `requests: 9 total, …, 0 failed, …` and `status codes: 9 2xx, 0 3xx, …`. `None` if they are
/// not in the text.
pub fn counts(text: &str) -> Option<Counts> {
    let number = |line: &str, what: &str| {
        let line = text.lines().find(|it| it.starts_with(line))?;
        let words: Vec<_> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let at = words.iter().position(|word| *word == what)?;
        words[at - 1].parse::<u64>().ok()
    };
    // Errors and timeouts are among those that failed.
    let failed = number("requests:", "failed")?;
    let [succeeded, others @ ..] =
        ["2xx", "3xx", "4xx", "5xx"].map(|it| number("status codes:", it));
    let others = others.into_iter().sum::<Option<u64>>()?;
    Some(Counts { succeeded: succeeded?, refused: others, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_h2load_is_understood() {
        let text = "requests: 12 total, 13 started, 12 done, 10 succeeded, 2 failed, 1 errored, \
                    0 timeout\nstatus codes: 9 2xx, 0 3xx, 0 4xx, 1 5xx\n";
        assert_eq!(counts(text), Some(Counts { succeeded: 9, refused: 1, failed: 2 }));
        assert_eq!(counts(""), None);
    }
}
