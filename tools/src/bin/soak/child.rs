//! The server process, as seen by the load generator.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::figures::Figures;

/// The server's statistics.
#[derive(Debug)]
#[allow(dead_code, reason = "most fields are only printed")]
pub(crate) struct Reply {
    pub(crate) connections: usize,
    pub(crate) handlers: usize,
    pub(crate) threads: usize,
    pub(crate) accepted: u64,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// Allocated memory in octets.
    pub(crate) allocated: u64,
}

impl Reply {
    pub(crate) fn to_line(&self) -> String {
        let Reply { connections, handlers, threads, accepted, requests, refused, allocated } = self;
        format!("{connections} {handlers} {threads} {accepted} {requests} {refused} {allocated}")
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(|word| word.parse().ok());
        let mut next = || words.next().flatten();
        Some(Reply {
            connections: usize::try_from(next()?).ok()?,
            handlers: usize::try_from(next()?).ok()?,
            threads: usize::try_from(next()?).ok()?,
            accepted: next()?,
            requests: next()?,
            refused: next()?,
            allocated: next()?,
        })
    }
}

/// The server's addresses, and its certificate.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) plain: SocketAddr,
    pub(crate) secure: SocketAddr,
    pub(crate) certificate: String,
}

pub(crate) struct Child {
    process: process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    about: About,
}

impl Child {
    pub(crate) fn start() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let certificate = made.cert.pem();
        let mut process = Command::new(env::current_exe()?)
            .arg("server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = process.stdin.take().ok_or("no pipe")?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        for pem in [&certificate, &made.signing_key.serialize_pem()] {
            writeln!(input, "{}", pem.trim_end())?;
        }
        let plain = line(&mut output)?.parse()?;
        let secure = line(&mut output)?.parse()?;
        let about = About { plain, secure, certificate };
        Ok(Child { process, input, output, about })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn about(&self) -> About {
        self.about.clone()
    }

    /// Returns the server's statistics and the system's figures for it.
    pub(crate) fn figures(&mut self) -> Result<(Reply, Figures)> {
        let reply = self.ask()?;
        let allocated = usize::try_from(reply.allocated)?;
        Ok((reply, Figures::of(self.id(), allocated)?))
    }

    /// Waits until only these connections are left, idle, with a thread each at most.
    pub(crate) fn settle(&mut self, connections: usize, timeout: Duration) -> Result {
        let until = Instant::now() + timeout;
        loop {
            let reply = self.ask()?;
            let is_idle = reply.handlers == 0 && reply.threads <= connections;
            if reply.connections == connections && is_idle {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!(
                    "expected only {connections} idle connections, found {reply:?}"
                )
                .into());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Shuts the server down.
    pub(crate) fn stop(self) -> Result {
        let Child { mut process, input, .. } = self;
        drop(input);
        let status = process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server: {status}").into()) }
    }

    fn ask(&mut self) -> Result<Reply> {
        writeln!(self.input, "figures")?;
        let line = line(&mut self.output)?;
        Ok(Reply::from_line(&line).ok_or("invalid reply from the server")?)
    }
}

fn line(output: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if output.read_line(&mut line)? == 0 {
        return Err("the server has ended".into());
    }
    Ok(line.trim_end().to_owned())
}
