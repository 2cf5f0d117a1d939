//! Servers, bounded waits, and handlers that wait to be let go.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded as channel, Receiver, Sender};
use h2_sync::server::{Config, Handle, Request, Response, Server};
use h2_sync::{headers, Headers};

/// Nothing here takes so long, on however slow a machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Runs a test that could hang, and fails it if it does.
pub(crate) fn bounded(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let running = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(2 * LONG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// Waits for what nobody tells.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "it does not come to pass");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// A server on loopback.
pub(crate) fn serve<H>(handler: H) -> Handle
where
    H: Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync + 'static,
{
    serve_with(Config::default(), handler)
}

pub(crate) fn serve_with<H>(config: Config, handler: H) -> Handle
where
    H: Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync + 'static,
{
    Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap()
}

/// The default configuration, with something changed.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

/// Where handlers wait until they are let go: each with [`wait`](Gate::wait), all at once when it
/// is [opened](Gate::open).
pub(crate) struct Gate {
    come: (Sender<String>, Receiver<String>),
    gate: Receiver<()>,
}

/// Holds a [`Gate`] shut.
pub(crate) struct Bolt {
    bolt: Sender<()>,
    come: Receiver<String>,
}

pub(crate) fn gate() -> (Gate, Bolt) {
    let come = crossbeam_channel::unbounded();
    let (bolt, gate) = channel(0);
    let bolt = Bolt { bolt, come: come.1.clone() };
    (Gate { come, gate }, bolt)
}

impl Gate {
    /// Says that it has come, and waits.
    pub(crate) fn wait(&self, who: &str) {
        self.come.0.send(who.to_owned()).unwrap();
        let _ = self.gate.recv();
    }
}

impl Bolt {
    /// Waits until one more has come to the gate.
    pub(crate) fn comes(&self) -> String {
        self.come.recv_timeout(LONG).expect("a handler comes to the gate")
    }

    pub(crate) fn has_come(&self) -> Option<String> {
        self.come.try_recv().ok()
    }

    /// Lets one through.
    pub(crate) fn let_one(&self) {
        self.bolt.send_timeout((), LONG).expect("somebody waits at the gate");
    }

    /// Lets all through, now and later.
    pub(crate) fn open(self) {}
}

pub(crate) fn get(path: &str) -> Headers {
    request("GET", path)
}

pub(crate) fn post(path: &str) -> Headers {
    request("POST", path)
}

pub(crate) fn request(method: &str, path: &str) -> Headers {
    headers!(":method" => method, ":scheme" => "http", ":authority" => "test", ":path" => path)
}
