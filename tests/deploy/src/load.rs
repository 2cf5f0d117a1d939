//! Load of several kinds, which counts requests, errors and the longest pause.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::websocket::{self, CloseCode, Message};
use h2_sync_grpc::client::{CallOptions, Channel, Stub};

use crate::echo::{Raw, TALK};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Messages of one gRPC stream, which lasts for half a second.
const STREAM_MESSAGES: usize = 25;

/// The time between two messages of a stream or a WebSocket.
const PACE: Duration = Duration::from_millis(20);

/// The octets of an upload.
const UPLOAD: usize = 100_000;

/// A kind of load. Each has two threads of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GET over HTTP/2.
    Http2,
    /// GET over HTTP/1.1.
    Http1,
    /// POST over HTTP/2, which a client must not repeat if it may have been processed.
    Upload,
    /// gRPC streams in both directions.
    Grpc,
    /// Messages over WebSockets, which are opened again when they are closed with 1001.
    WebSocket,
}

/// All kinds.
pub const KINDS: [Kind; 5] = [Kind::Http2, Kind::Http1, Kind::Upload, Kind::Grpc, Kind::WebSocket];

/// Threads of each kind, so the most requests of a kind that are open at once.
pub const THREADS: usize = 2;

/// Where the load goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host and port for requests.
    pub authority: String,
    /// Host and port for gRPC, if it passes.
    pub grpc: Option<String>,
    /// Whether `authority` speaks HTTP/2 in clear text, beside HTTP/1.1.
    pub is_http2: bool,
}

impl Target {
    /// One address for all kinds.
    pub fn all(address: SocketAddr) -> Self {
        let authority = address.to_string();
        Target { grpc: Some(authority.clone()), authority, is_http2: true }
    }

    fn takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Http2 => self.is_http2,
            Kind::Grpc => self.grpc.is_some(),
            Kind::Http1 | Kind::Upload | Kind::WebSocket => true,
        }
    }
}

/// What the load of one kind has seen.
#[derive(Debug, Clone)]
pub struct Report {
    /// The kind.
    pub kind: Kind,
    /// Requests that were answered, or messages that came back.
    pub requests: u64,
    /// What failed.
    pub errors: Vec<String>,
    /// The longest time between two answers to one thread.
    pub longest_pause: Duration,
}

/// Runs load of all kinds on a server while `act` runs.
pub fn under_load(target: &Target, act: impl FnOnce()) -> Vec<Report> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let is_over = &is_over;
        let kinds = KINDS.into_iter().filter(|&kind| target.takes(kind));
        let threads: Vec<_> = kinds
            .map(|kind| [(); THREADS].map(|()| scope.spawn(move || run(kind, target, is_over))))
            .collect();
        // Also when `act` panics, or the scope would wait forever.
        let ends = Ends(is_over);
        act();
        drop(ends);
        let joined = threads.into_iter().map(|threads| {
            let reports = threads.map(|thread| thread.join().expect("no load thread panics"));
            let [first, second] = reports;
            first.with(second)
        });
        joined.collect()
    })
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Report {
    fn with(mut self, other: Report) -> Report {
        self.requests += other.requests;
        self.errors.extend(other.errors);
        self.longest_pause = self.longest_pause.max(other.longest_pause);
        self
    }
}

/// A row of a table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kind, requests, errors, longest_pause } = self;
        let (kind, pause) = (format!("{kind:?}"), longest_pause.as_millis());
        write!(f, "| {kind:<9} | {requests:>9} | {:>6} | {pause:>10} ms |", errors.len())
    }
}

/// One thread of load.
struct Worker<'a> {
    is_over: &'a AtomicBool,
    report: Report,
    last: Instant,
}

fn run(kind: Kind, target: &Target, is_over: &AtomicBool) -> Report {
    let authority = target.authority.as_str();
    let report = Report { kind, requests: 0, errors: Vec::new(), longest_pause: Duration::ZERO };
    let mut worker = Worker { is_over, report, last: Instant::now() };
    let client = client(kind == Kind::Http1 || !target.is_http2);
    let grpc = target.grpc.as_deref().unwrap_or(authority);
    let channel = Channel::new(&format!("http://{grpc}")).expect("a URL of an address");
    while !worker.is_over() {
        let result = match kind {
            Kind::Http2 | Kind::Http1 => worker.get(&client, authority),
            Kind::Upload => worker.upload(&client, authority),
            Kind::Grpc => worker.talk(&channel),
            Kind::WebSocket => worker.chat(&client, authority),
        };
        if let Err(error) = result {
            worker.report.errors.push(format!("{kind:?}: {error}"));
            // A server that is down is not asked in a loop.
            thread::sleep(PACE);
        }
    }
    worker.report
}

fn client(is_http1: bool) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = if is_http1 { Versions::Http1 } else { Versions::Http2 };
    Client::with_config(config).expect("a valid configuration")
}

impl Worker<'_> {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Counts an answer.
    fn count(&mut self) {
        let now = Instant::now();
        self.report.requests += 1;
        let pause = now - self.last;
        self.report.longest_pause = self.report.longest_pause.max(pause);
        self.last = now;
    }

    fn get(&mut self, client: &Client, authority: &str) -> Result<(), BoxError> {
        let path = if self.report.requests % 8 == 0 { "slow" } else { "" };
        let response = client.get(format!("http://{authority}/{path}")).send()?;
        let status = response.status();
        let text = response.text()?;
        match (status.as_u16(), text.as_str()) {
            (200, "hello" | "slow") => {
                self.count();
                Ok(())
            }
            _ => Err(format!("status {status}, {text:?}").into()),
        }
    }

    fn upload(&mut self, client: &Client, authority: &str) -> Result<(), BoxError> {
        let response =
            client.post(format!("http://{authority}/upload")).body(vec![b'x'; UPLOAD]).send()?;
        let status = response.status();
        let mut text = String::new();
        response.into_body().read_to_string(&mut text)?;
        if status != 200 || text != UPLOAD.to_string() {
            return Err(format!("status {status}, {text:?}").into());
        }
        self.count();
        Ok(())
    }

    /// One stream, whose messages each come back.
    fn talk(&mut self, channel: &Channel) -> Result<(), BoxError> {
        let stub = Stub::new(channel).with(CallOptions::new().timeout(Duration::from_secs(60)));
        let (mut sender, mut receiver) = stub.bidirectional(Raw, TALK)?;
        for number in 0..STREAM_MESSAGES {
            let message = Bytes::from(number.to_string());
            sender.send(&message)?;
            if receiver.receive()? != Some(message) {
                return Err("another message, or none, came back".into());
            }
            self.count();
            thread::sleep(PACE);
        }
        sender.finish()?;
        match receiver.receive()? {
            None => Ok(()),
            Some(_) => Err("a message too many".into()),
        }
    }

    /// One WebSocket, until it is closed.
    fn chat(&mut self, client: &Client, authority: &str) -> Result<(), BoxError> {
        let mut socket = websocket::connect(client, format!("ws://{authority}/ws"))?;
        while !self.is_over() {
            // A message that crosses the Close frame is sent again on the next WebSocket.
            if socket.send("hello").is_err() && socket.closed().is_none() {
                while socket.read()?.is_some() {}
            }
            match socket.read()? {
                Some(Message::Text(text)) if text == "hello" => self.count(),
                Some(other) => return Err(format!("{other:?} came back").into()),
                None => {
                    let close = socket.closed().ok_or("no Close frame")?;
                    return match close.code {
                        Some(CloseCode::GOING_AWAY) => Ok(()),
                        _ => Err(format!("closed: {close}").into()),
                    };
                }
            }
            thread::sleep(PACE);
        }
        socket.close(CloseCode::NORMAL, "")?;
        Ok(())
    }
}
