//! From the listener to a connection that is led.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::Peer;
use super::ending;
use super::engine::{Engine, Served};
use super::lead::{self, ServedHooks};
use super::listener::{Accepted, Listener};
use super::pool::Scratch;
use super::stats::add;
use crate::error::{Error, ErrorKind};
use crate::proto::{Connection, Role};
use crate::transport::{Halves, Transport};
use crate::upgrade::{detect, Detected, Opening, Options, Replay, Upgraded};

/// How long to wait after an error of `accept` before the next try; twice as long after each, up to
/// the longest. What is missing (descriptors, memory) comes back when connections end.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How connections are secured.
#[derive(Debug, Clone)]
pub(super) enum Security {
    None,
    #[cfg(feature = "tls")]
    Tls(crate::tls::Acceptor),
}

impl Security {
    /// Whether a handshake takes much of a thread's stack, which stays in memory: then another thread
    /// leads the connection, and this one goes on to the next handshake.
    fn takes_stack(&self) -> bool {
        !matches!(self, Security::None)
    }
}

/// Accepts connections until the server ends.
pub(super) fn accept_all(engine: &Arc<Engine>, listener: &Listener, security: &Security) {
    let mut pause = FIRST_PAUSE;
    while engine.has_room() {
        match listener.accept() {
            Ok(accepted) => {
                // Who comes as the server ends is served as well, and told to go away: a connection
                // that is dropped would leave the client in doubt about its requests.
                if engine.admit() && listener.is_waking(&accepted) {
                    engine.dismiss();
                    break;
                }
                pause = FIRST_PAUSE;
                add(&engine.counters.connections_accepted);
                let security = security.clone();
                let theirs = Arc::clone(engine);
                let serve = move |scratch: &mut Scratch| {
                    serve_accepted(&theirs, accepted, &security, scratch);
                };
                if engine.pool.run(serve).is_err() {
                    // The connection is dropped: there is no thread for it.
                    add(&engine.counters.connections_failed);
                    engine.dismiss();
                }
            }
            Err(error) => {
                add(&engine.counters.accept_errors);
                log::warn!("accepting a connection: {error}");
                // Some errors are those of one connection, which is gone; others stay for a while.
                if engine.pause(pause) {
                    break;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn serve_accepted(
    engine: &Arc<Engine>,
    accepted: Accepted,
    security: &Security,
    scratch: &mut Scratch,
) {
    // What chooses a certificate may be the application's; its panic costs this connection alone.
    let open = AssertUnwindSafe(|| open_accepted(engine, accepted, security));
    match catch_unwind(open) {
        Ok(Ok(served)) if security.takes_stack() => {
            let lead = move |scratch: &mut Scratch| lead::lead(&served, scratch);
            return engine.pool.run_afresh(lead).unwrap_or_else(|task| task(scratch));
        }
        Ok(Ok(served)) => return lead::lead(&served, scratch),
        Ok(Err(error)) => log::debug!("a connection came to nothing: {error}"),
        Err(_) => log::error!("a handshake panicked"),
    }
    add(&engine.counters.connections_failed);
    engine.dismiss();
}

/// Takes one connection through its handshake. An error means that it was not registered.
//
// A function of its own, which has returned when the connection is led: what a thread's stack has
// held once stays in memory, and so lies below what the handlers need.
#[inline(never)]
fn open_accepted(
    engine: &Arc<Engine>,
    accepted: Accepted,
    security: &Security,
) -> Result<Arc<Served>, Error> {
    match accepted {
        Accepted::Tcp(stream, address) => open(engine, stream, Peer::at(address), security),
        #[cfg(unix)]
        Accepted::Unix(stream) => open(engine, stream, Peer::default(), security),
    }
}

fn open<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    peer: Peer,
    security: &Security,
) -> Result<Arc<Served>, Error> {
    match security {
        Security::None => open_clear(engine, stream, peer),
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => open_tls(engine, stream, peer, acceptor),
    }
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
pub(super) fn open_clear<T: Transport>(
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
    let served = engine.register(core, halves, peer, ServedHooks)?;
    // The request of an upgrade is there already.
    served.conn.with(|state, now| state.hand_out(now));
    ending::retire_later(&served);
    Ok(served)
}
