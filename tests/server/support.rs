//! Servers, bounded waits, and handlers that block at a gate.

use std::io::Write;

use crossbeam_channel::{Receiver, Sender, bounded as channel};
use h2_sync::server::{Config, Handle, Request, Response, Server};

pub(crate) use crate::frames::{LONG, bounded, eventually, get, post, request};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

/// Answers with the debug format of a value.
pub(crate) fn say(response: &mut Response, what: impl std::fmt::Debug) -> Result<(), BoxError> {
    write!(response, "{what:?}")?;
    Ok(())
}

/// A gate at which handlers [wait](Gate::wait) until each is let through, or all when it is
/// [opened](Gate::open).
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
    /// Reports its arrival, and waits.
    pub(crate) fn wait(&self, name: &str) {
        self.come.0.send(name.to_owned()).unwrap();
        let _ = self.gate.recv();
    }
}

impl Bolt {
    /// Waits for one more arrival.
    pub(crate) fn comes(&self) -> String {
        self.come.recv_timeout(LONG).expect("a handler comes to the gate")
    }

    pub(crate) fn has_come(&self) -> Option<String> {
        self.come.try_recv().ok()
    }

    /// Lets one through.
    pub(crate) fn let_one(&self) {
        self.bolt.send_timeout((), LONG).expect("a handler waits at the gate");
    }

    /// Lets all handlers through, now and later.
    pub(crate) fn open(self) {}
}
