//! A server in another process.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use h2_sync::server::{Listener, Request, Response, Server};

/// Longer than anything takes, also on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Set for the process that serves.
const SERVES: &str = "H2_SYNC_TEST_SERVES";

/// Answers with the process and the name of the listener.
pub(crate) fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    let name = request.listener_name().unwrap_or("none");
    write!(response, "{} {name}", std::process::id())
}

/// The command that runs the server on inherited sockets, until its standard input ends.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "process::serves", "--nocapture"]).env(SERVES, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The other process; nothing in this one.
#[test]
fn serves() {
    if env::var_os(SERVES).is_none() {
        return;
    }
    let listeners = Listener::inherited().unwrap();
    let names = listeners.iter().map(|listener| listener.name().unwrap_or("none").to_owned());
    println!("\ninherited {}", names.collect::<Vec<_>>().join(","));
    assert!(Listener::inherited().unwrap().is_empty(), "they are taken once");
    if listeners.is_empty() {
        return;
    }
    let server = Server::on(listeners).serve(handler).unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let cut = server.shutdown(LONG);
    println!("\naborted {}", cut.connections);
}

/// The running process, which is killed if a test fails.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<Box<dyn Read>>,
}

impl From<Child> for Process {
    fn from(mut child: Child) -> Self {
        let lines = BufReader::new(Box::new(child.stdout.take().unwrap()) as Box<dyn Read>);
        Process { child, lines }
    }
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the line that begins with a word, and returns the rest of it.
    pub(crate) fn line(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "no line {word}");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Shuts the server down and returns how many connections it has aborted.
    pub(crate) fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let aborted = self.line("aborted");
        assert!(self.child.wait().unwrap().success());
        aborted
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that has sent a request.
pub(crate) fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    send(&mut stream);
    stream
}

pub(crate) fn send(stream: &mut impl Write) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
}

/// The body of the response.
pub(crate) fn answer(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("cut: {text:?}"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    body.to_owned()
}

/// Waits until something is the case.
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "not in time");
        std::thread::sleep(Duration::from_millis(1));
    }
}
