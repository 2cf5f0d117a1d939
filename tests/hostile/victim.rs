//! Live servers with counted handlers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded as channel};
use h2_sync::server::{Config, Handle, Request, Response, Server};

use crate::support::{LONG, Peer, eventually};
pub(crate) use crate::support::{get, post, request};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A server on loopback that counts its handlers.
pub(crate) struct Victim {
    pub(crate) handle: Handle,
    pub(crate) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Victim {
    /// With the default configuration.
    pub(crate) fn new<H>(handler: H) -> Victim
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        Victim::with(|_| {}, handler)
    }

    /// With a modified default configuration.
    pub(crate) fn with<H>(change: impl FnOnce(&mut Config), handler: H) -> Victim
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        let mut config = Config::default();
        change(&mut config);
        let counts = Arc::new(Counts::default());
        let at = Arc::clone(&counts);
        let handle = Server::bind("127.0.0.1:0")
            .unwrap()
            .config(config)
            .serve(move |request: &mut Request, response: &mut Response| {
                let _running = Running::new(&at);
                handler(request, response)
            })
            .unwrap();
        let url = format!("http://{}/", handle.local_addr().unwrap());
        Victim { handle, url, counts }
    }

    /// A server that answers `hello`.
    pub(crate) fn hello() -> Victim {
        Victim::new(hello)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.local_addr().unwrap()
    }

    /// An attacker that has sent its preface and SETTINGS.
    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(self.address())
    }

    /// The number of handlers that have begun, including those for the neighbour.
    pub(crate) fn begun(&self) -> usize {
        self.counts.begun.load(Ordering::SeqCst)
    }

    /// The largest number of concurrent handlers so far.
    pub(crate) fn most_at_once(&self) -> usize {
        self.counts.most.load(Ordering::SeqCst)
    }

    /// Waits until all handlers and connections have ended, according to `stats`.
    pub(crate) fn comes_to_rest(&self) {
        eventually(|| {
            let stats = self.handle.stats();
            stats.handlers_running == 0 && stats.connections == 0
        });
        assert_eq!(self.counts.running.load(Ordering::SeqCst), 0);
    }
}

/// A handler that answers `hello`.
pub(crate) fn hello(_: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    Ok(response.send("hello")?)
}

struct Running<'a>(&'a Counts);

impl<'a> Running<'a> {
    fn new(counts: &'a Counts) -> Self {
        counts.begun.fetch_add(1, Ordering::SeqCst);
        let running = counts.running.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(running, Ordering::SeqCst);
        Running(counts)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A gate at which handlers wait until the [`Bolt`] is dropped.
pub(crate) struct Gate {
    come: Sender<()>,
    gate: Receiver<()>,
}

/// Keeps a [`Gate`] shut while it exists.
pub(crate) struct Bolt {
    bolt: Sender<()>,
    come: Receiver<()>,
}

pub(crate) fn gate() -> (Gate, Bolt) {
    let (come_in, come) = crossbeam_channel::unbounded();
    let (bolt, gate) = channel(0);
    (Gate { come: come_in, gate }, Bolt { bolt, come })
}

impl Gate {
    /// Signals the arrival, and waits.
    pub(crate) fn wait(&self) {
        let _ = self.come.send(());
        let _ = self.gate.recv();
    }
}

impl Bolt {
    /// Waits until another handler has arrived at the gate.
    pub(crate) fn comes(&self) {
        self.come.recv_timeout(LONG).expect("a handler at the gate");
    }

    /// Lets one handler through.
    pub(crate) fn let_one(&self) {
        self.bolt.send_timeout((), LONG).expect("a waiting handler");
    }
}
