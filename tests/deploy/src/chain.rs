//! A server that hands its socket over to a successor, time after time.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::fleet::free_address;

/// A backend and its successors. The last one is killed when this is dropped.
#[derive(Debug)]
pub struct Chain {
    /// Where they listen.
    pub address: SocketAddr,
    /// The first of them, the parent of the second.
    first: Child,
    /// Shared by all of them.
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
        command.arg(address.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut first = command.spawn()?;
        let stdout = BufReader::new(first.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let current = first.id();
        let mut chain = Chain { address, first, stdout, current };
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
        self.signal("HUP")?;
        let successor = self.line("process ")?;
        let successor = successor.strip_suffix(" takes over").ok_or(io::ErrorKind::InvalidData)?;
        self.current = successor.parse().map_err(io::Error::other)?;
        Ok(self.line("served ")?.ends_with("; aborted 0 requests, 0 connections"))
    }

    /// Sends a signal to the process that serves, which need not be a child of this one.
    fn signal(&self, signal: &str) -> io::Result<()> {
        let pid = self.current.to_string();
        let kill = Command::new("kill").args(["-s", signal, &pid]).stderr(Stdio::null()).status();
        match kill?.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("no process {pid}"))),
        }
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
        let _ = self.signal("KILL");
        let _ = self.first.kill();
        let _ = self.first.wait();
    }
}
