//! A server in a child process, which is killed and started again on the same port.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use h2_sync::client::Client;
use h2_sync::server::{Request, Response, Server};

use crate::log::Log;
use crate::{LONG, Tally, ask, ask_once};

/// The child's line when it listens, which may come after that of the first request.
const LISTENING: &str = "listening on ";

/// The port that the child listens on.
const PORT: &str = "H2_SYNC_FAULTS_PORT";

pub(crate) struct Killed {
    address: SocketAddr,
    log: Log,
    running: Running,
}

struct Running {
    child: Child,
    /// Copies the child's output to the log.
    reading: Option<JoinHandle<()>>,
    /// The child has processed a request.
    processed: Receiver<()>,
}

impl Killed {
    pub(crate) fn start(log: Log) -> Self {
        let (running, address) = start(0, &log);
        Killed { address, log, running }
    }

    /// Kills the server during requests, and starts another one.
    pub(crate) fn round(&mut self, client: &Client, round: usize) -> Tally {
        let name = &round.to_string();
        let url = format!("http://{}", self.address);
        let tally = thread::scope(|scope| {
            let asking = scope.spawn(|| ask(client, &url, name, 100, 100));
            let after = 7 * (1 + round % 20);
            for _ in 0..after {
                self.running.processed.recv_timeout(LONG).unwrap();
            }
            self.restart();
            asking.join().unwrap()
        });
        // The server is back. The client may not have noticed the end of the connection yet.
        let is_well = |n| ask_once(client, &url, &format!("{name}-after-{n}"), 0).is_ok();
        assert!(is_well(1) || is_well(2));
        tally
    }

    fn restart(&mut self) {
        self.running.kill();
        (self.running, _) = start(self.address.port(), &self.log);
    }
}

fn start(port: u16, log: &Log) -> (Running, SocketAddr) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["killed::serves", "--exact", "--ignored", "--nocapture"]);
    command.env(PORT, port.to_string()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (listening, ports) = mpsc::channel();
    let (sender, processed) = mpsc::channel();
    let log = log.clone();
    let reading = thread::spawn(move || {
        // The receivers are gone once it listens, and once it is killed.
        for line in lines.map_while(Result::ok) {
            if let Some(port) = line.strip_prefix(LISTENING) {
                let _ = listening.send(port.parse().unwrap());
            } else {
                log.add(&line);
                let _ = sender.send(());
            }
        }
    });
    let running = Running { child, reading: Some(reading), processed };
    let port: u16 = ports.recv_timeout(LONG).unwrap();
    (running, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

impl Running {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Prints its port, and each request before it answers.
#[test]
#[ignore = "run by another test, as a process that is killed"]
fn serves() {
    let port: u16 = env::var(PORT).unwrap().parse().unwrap();
    let echo = |request: &mut Request, response: &mut Response| {
        while request.next_chunk()?.is_some() {}
        let id = request.path().trim_start_matches('/').to_owned();
        // In one write, so that lines are not interleaved.
        io::stderr().write_all(format!("{id}\n").as_bytes())?;
        response.write_all(id.as_bytes())
    };
    let server = Server::bind((Ipv4Addr::LOCALHOST, port)).unwrap().serve(echo).unwrap();
    let port = server.local_addr().unwrap().port();
    io::stderr().write_all(format!("{LISTENING}{port}\n").as_bytes()).unwrap();
    server.wait();
}
