//! A server that hands its socket over to a successor, time after time.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::fleet::free_address;

/// A backend and its successors. The last one is killed when this is dropped.
#[derive(Debug)]
pub struct Chain {
    /// Where they listen.
    pub address: SocketAddr,
    /// The first of them, the parent of the second.
    first: Child,
    /// Shared by all of them.
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The process that serves.
    current: u32,
}

impl Chain {
    /// Starts the first backend, without a balancer.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not listen.
    pub fn start(program: &Path) -> io::Result<Self> {
        let address = free_address();
        let mut command = Command::new(program);
        command.arg(address.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut first = command.spawn()?;
        let stdin = first.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let stdout = BufReader::new(first.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let current = first.id();
        let mut chain = Chain { address, first, stdin, stdout, current };
        chain.line("listening on ")?;
        Ok(chain)
    }

    /// Has the process hand its socket over, and waits for its end. Returns whether it has cut no
    /// request.
    ///
    /// # Errors
    ///
    /// If the successor does not serve, or the process does not end.
    pub fn hand_over(&mut self) -> io::Result<bool> {
        self.stdin.write_all(b"hand over\n")?;
        let successor = self.line("successor ")?;
        self.current = successor.parse().map_err(io::Error::other)?;
        Ok(self.line("cut ")? == "0 requests, 0 connections")
    }

    /// Waits for the line that begins with these words, and returns its rest.
    fn line(&mut self, begin: &str) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                return Err(io::Error::other(format!("the backend has ended without {begin:?}")));
            }
            if let Some(rest) = line.strip_prefix(begin) {
                return Ok(rest.trim_end().to_owned());
            }
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Successors are no children of this process.
        let pid = self.current.to_string();
        let _ = Command::new("kill").args(["-s", "KILL", &pid]).stderr(Stdio::null()).status();
        let _ = self.first.kill();
        let _ = self.first.wait();
    }
}
