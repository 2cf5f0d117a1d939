//! A connection from its transport to its first request: PROXY header, TLS, and what the peer speaks.
//!
//! ```text
//!   accepted ─▶ PROXY header ─▶ TLS handshake ─▶ HTTP/2, or a request for it ─▶ registered, and led
//!                     └──────────────┴─────────────────────┴─▶ failed: the transport is dropped
//! ```

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use super::ending;
use super::engine::{Engine, Served};
use super::lead::{self, PoolOwner};
use super::openings::FirstOctets;
use super::peer::Peer;
use super::pool::Scratch;
use super::proxy::{self, TrustedProxies};
use super::stats::add;
use crate::error::{Error, ErrorKind};
use crate::logging;
use crate::proto::{Connection, Role};
use crate::transport::{Halves, Transport};
use crate::upgrade::{detect, Detected, Opening, Options, Replay, Upgraded};

/// What comes in front of HTTP on the connections of a listener.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance {
    pub(super) proxies: TrustedProxies,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::tls::Acceptor>,
}

impl Entrance {
    /// Whether the handshake takes much of a thread's stack, which stays in memory: then another
    /// thread leads the connection, and this one goes on to the next handshake.
    fn takes_stack(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}

/// A connection that [`Stats::connections`](super::Stats::connections) counts, until it is registered
/// or this is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    engine: Arc<Engine>,
    is_registered: bool,
}

impl Admission {
    /// Waits until there may be one more connection, and counts it. `None` if the server ends.
    pub(super) fn wait(engine: &Arc<Engine>) -> Option<Self> {
        engine.admit_one().then(|| Admission::new(engine))
    }

    /// One of a connection that the engine has just counted.
    pub(super) fn new(engine: &Arc<Engine>) -> Self {
        add(&engine.counters.connections_accepted);
        Admission { engine: Arc::clone(engine), is_registered: false }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.is_registered {
            add(&self.engine.counters.connections_failed);
            self.engine.dismiss();
        }
    }
}

/// Serves a connection that has been admitted, on this thread and others, until it ends or another
/// thread leads it.
pub(super) fn serve<T: Transport>(
    admission: Admission,
    stream: T,
    peer: Peer,
    entrance: &Entrance,
    scratch: &mut Scratch,
) {
    match open(admission, stream, peer, entrance) {
        Ok(served) if entrance.takes_stack() => {
            let pool = Arc::clone(&served.engine.pool);
            let lead = move |scratch: &mut Scratch| lead::lead(&served, scratch);
            pool.run_afresh(lead).unwrap_or_else(|task| task(scratch));
        }
        Ok(served) => lead::lead(&served, scratch),
        Err(error) => logging::debug!("a connection came to nothing: {error}"),
    }
}

/// Takes a connection through its handshake. It has to be led then.
//
// A function of its own, which has returned when the connection is led: what a thread's stack has
// held once stays in memory, and so lies below what the handlers need.
#[inline(never)]
pub(super) fn open<T: Transport>(
    mut admission: Admission,
    stream: T,
    peer: Peer,
    entrance: &Entrance,
) -> Result<Arc<Served>, Error> {
    let engine = Arc::clone(&admission.engine);
    // What chooses a certificate may be the application's, and so may the transport; a panic costs
    // this connection alone.
    let enter = AssertUnwindSafe(|| enter(&engine, stream, peer, entrance));
    let served = catch_unwind(enter).unwrap_or_else(|_| {
        logging::error!("a handshake panicked");
        Err(Error::upgrade(ErrorKind::Internal, "a handshake panicked"))
    })?;
    admission.is_registered = true;
    Ok(served)
}

fn enter<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    mut peer: Peer,
    entrance: &Entrance,
) -> Result<Arc<Served>, Error> {
    let Halves { reader, writer, closer } = stream.split()?;
    let entering = engine.openings.enter(closer.clone());
    let mut reader = FirstOctets::new(reader, Arc::clone(&entering.heard));
    if entrance.proxies.trusts(peer.address) {
        let deadline = Instant::now().checked_add(engine.config.handshake_timeout);
        let (address, rest) = proxy::read_header(&mut reader.reader, &closer, deadline)?;
        peer.address = address.or(peer.address);
        reader.put_back(rest);
    }
    let halves = Halves { reader, writer, closer };
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &entrance.tls {
        return open_tls(engine, halves, peer, acceptor);
    }
    open_clear(engine, halves, peer)
}

// Apart, so that clear text does not take the stack that TLS takes.
#[cfg(feature = "tls")]
#[inline(never)]
fn open_tls<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    mut peer: Peer,
    acceptor: &crate::tls::Acceptor,
) -> Result<Arc<Served>, Error> {
    let timeout = engine.config.handshake_timeout;
    let stream = acceptor.accept(stream, timeout).map_err(Error::from)?;
    peer.tls = Some(stream.facts().clone());
    open_halves(engine, stream.split()?, peer, None)
}

/// Clear text: HTTP/2 by prior knowledge, or HTTP/1.1 that asks to be upgraded.
fn open_clear<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    peer: Peer,
) -> Result<Arc<Served>, Error> {
    let (halves, opening) = agree(engine, stream)?;
    open_halves(engine, halves, peer, opening)
}

/// Finds out what the peer speaks, and has it speak HTTP/2.
#[inline(never)]
fn agree<T: Transport>(engine: &Engine, stream: T) -> Result<(Replay<T>, Option<Opening>), Error> {
    let config = &engine.config;
    let timeout = Some(config.handshake_timeout);
    let options = Options { upgrade: config.h2c_upgrade, timeout, ..Options::default() };
    match detect(stream, &options)? {
        Detected::PriorKnowledge(halves) => Ok((halves, None)),
        Detected::Upgrade(request) => {
            let Upgraded { stream, opening } = request.accept()?;
            Ok((stream, Some(opening)))
        }
        Detected::Http1(request) => {
            request.refuse()?;
            let what = "the peer speaks HTTP/1.x, and was told so";
            Err(Error::upgrade(ErrorKind::Peer, what))
        }
    }
}

/// A connection whose octets are those of HTTP/2. It is to be led.
fn open_halves<R, W>(
    engine: &Arc<Engine>,
    halves: Halves<R, W>,
    peer: Peer,
    opening: Option<Opening>,
) -> Result<Arc<Served>, Error>
where
    R: std::io::Read + Send + 'static,
    W: std::io::Write + Send + 'static,
{
    let mut http2 = engine.config.http2.clone();
    // A stream counts against the limit until its handler has ended (RFC 9113, Section 5.1.2 leaves
    // it to us): however fast a peer opens and resets streams, only so many handlers run.
    http2.hold_slots = true;
    let now = Instant::now();
    let mut core = Connection::new_boxed(Role::Server, http2, now)?;
    if let Some(opening) = opening {
        opening.apply(&mut core, now)?;
    }
    let served = engine.register(core, halves, peer, PoolOwner)?;
    // The request of an upgrade is there already.
    served.conn.with(|state, now| state.deliver(now));
    ending::retire_later(&served);
    Ok(served)
}
