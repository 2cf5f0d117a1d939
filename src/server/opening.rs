//! Opening a connection: PROXY header, TLS, and detection of the HTTP version.
//!
//! ```text
//!   accepted ─▶ PROXY header ─▶ TLS handshake ─▶ HTTP/2 or HTTP/1.x ─▶ registered, and served
//!                     └──────────────┴────────────────────┴─▶ failed: the transport is dropped
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::config::{Config, Versions};
use super::ending;
use super::engine::Engine;
use super::http1::Http1;
use super::lead::{self, PoolOwner};
use super::openings::FirstOctets;
use super::peer::Peer;
use super::pool::Scratch;
use super::proxy::{self, TrustedProxies};
use super::served::Served;
use super::stats::add;
use crate::error::{Error, ErrorKind};
use crate::logging;
use crate::proto::{Connection, Role};
use crate::transport::{Halves, Transport};
use crate::upgrade::{
    Detected, Http1Request, Opening, Options, Prefixed, Replay, Spoken, Upgraded, detect, sniff,
};

/// What is expected on the connections of a listener.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance {
    pub(super) name: Option<Arc<str>>,
    /// `None` for those of the configuration.
    pub(super) versions: Option<Versions>,
    pub(super) proxies: TrustedProxies,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::tls::Acceptor>,
}

impl Entrance {
    /// Completes the settings with those of the configuration.
    pub(super) fn complete(&mut self, config: &Config) {
        let versions = *self.versions.get_or_insert(config.versions);
        #[cfg(feature = "tls")]
        if let Some(acceptor) = self.tls.take() {
            let (http2, http1) = (versions != Versions::Http1, versions != Versions::Http2);
            self.tls = Some(acceptor.offering(http2, http1));
        }
        #[cfg(not(feature = "tls"))]
        let _ = versions;
    }

    /// Returns whether the handshake uses much of a thread's stack, which stays resident: then
    /// another thread serves a connection that keeps its thread while it is idle.
    fn takes_stack(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}

/// A connection counted in [`Stats::connections`](super::Stats::connections), until it is
/// registered or this is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    engine: Arc<Engine>,
    is_registered: bool,
}

impl Admission {
    /// Waits until another connection is allowed, and counts it. Returns `None` if the server is
    /// shutting down.
    pub(super) fn wait(engine: &Arc<Engine>) -> Option<Self> {
        engine.admit_one().then(|| Admission::new(engine))
    }

    /// Creates the admission of a connection that the engine has just counted.
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

/// A connection whose version is known.
pub(super) enum Opened {
    Http2(Arc<Served>),
    Http1(Arc<Http1>),
}

impl Opened {
    /// Returns whether it gives its thread back while it is idle.
    fn can_be_watched(&self) -> bool {
        match self {
            Opened::Http2(served) => served.can_be_watched,
            Opened::Http1(conn) => conn.can_be_watched,
        }
    }

    /// Serves it, until it ends or another thread leads it.
    pub(super) fn serve(self, scratch: &mut Scratch) {
        match self {
            Opened::Http2(served) => lead::lead(&served, scratch),
            Opened::Http1(conn) => conn.serve(scratch),
        }
    }
}

/// Serves an admitted connection, on this thread and others, until it ends or another thread leads
/// it.
pub(super) fn serve<T: Transport>(
    admission: Admission,
    stream: T,
    peer: Peer,
    entrance: &Entrance,
    scratch: &mut Scratch,
) {
    let pool = Arc::clone(&admission.engine.pool);
    match open(admission, stream, peer, entrance) {
        Ok(opened) if entrance.takes_stack() && !opened.can_be_watched() => {
            let serve = move |scratch: &mut Scratch| opened.serve(scratch);
            pool.run_afresh(serve).unwrap_or_else(|task| task(scratch));
        }
        Ok(opened) => opened.serve(scratch),
        Err(error) => logging::debug!("a connection failed before its first request: {error}"),
    }
}

/// Performs the handshake of a connection. The result must be served.
//
// A separate function, which has returned when the connection is led: stack pages that were used
// once stay resident, so the handlers should reuse them.
#[inline(never)]
pub(super) fn open<T: Transport>(
    mut admission: Admission,
    stream: T,
    peer: Peer,
    entrance: &Entrance,
) -> Result<Opened, Error> {
    let engine = Arc::clone(&admission.engine);
    // The certificate resolver and the transport may be code of the application; a panic only
    // affects this connection.
    let enter = AssertUnwindSafe(|| enter(&engine, stream, peer, entrance));
    let opened = catch_unwind(enter).unwrap_or_else(|_| {
        logging::error!("a handshake panicked");
        Err(Error::upgrade(ErrorKind::Internal, "a handshake panicked"))
    })?;
    admission.is_registered = true;
    Ok(opened)
}

fn enter<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    mut peer: Peer,
    entrance: &Entrance,
) -> Result<Opened, Error> {
    let Halves { reader, writer, closer } = stream.split()?;
    let entering = engine.openings.enter(closer.clone());
    let mut reader = FirstOctets::new(reader, Arc::clone(&entering.heard));
    peer.listener.clone_from(&entrance.name);
    if entrance.proxies.trusts(peer.address) {
        let deadline = Instant::now().checked_add(engine.config.handshake_timeout);
        let (address, rest) = proxy::read_header(&mut reader.reader, &closer, deadline)?;
        peer.address = address.or(peer.address);
        reader.put_back(rest);
    }
    let halves = Halves { reader, writer, closer };
    let versions = entrance.versions.unwrap_or(engine.config.versions);
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &entrance.tls {
        return open_tls(engine, halves, peer, acceptor, versions);
    }
    open_clear(engine, halves, peer, versions)
}

// Separate, so that cleartext connections do not use the stack for TLS.
#[cfg(feature = "tls")]
#[inline(never)]
fn open_tls<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    mut peer: Peer,
    acceptor: &crate::tls::Acceptor,
    versions: Versions,
) -> Result<Opened, Error> {
    let timeout = engine.config.handshake_timeout;
    let accepted = acceptor.accept(stream, timeout);
    let takes_http1 = versions != Versions::Http2;
    match accepted {
        Ok(stream) => {
            peer.tls = Some(stream.facts().clone());
            open_halves(engine, stream.split()?, peer, None)
        }
        // RFC 7301: a client without ALPN uses its default, HTTP/1.1.
        Err(error) if takes_http1 && is_http1(error.protocol()) => {
            let reason = error.error().clone();
            let stream = error.into_stream().ok_or(reason)?;
            peer.tls = Some(stream.facts().clone());
            let conn = Http1::register(engine, stream.split()?, Bytes::new(), peer)?;
            Ok(Opened::Http1(conn))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(feature = "tls")]
fn is_http1(protocol: Option<&[u8]>) -> bool {
    matches!(protocol, None | Some(b"http/1.1" | b"http/1.0"))
}

/// Opens a cleartext connection: HTTP/2 with prior knowledge, HTTP/1.x, or an upgrade from
/// HTTP/1.1.
//
// The detection has returned when the connection is led, for the reason above.
fn open_clear<T: Transport>(
    engine: &Arc<Engine>,
    stream: T,
    peer: Peer,
    versions: Versions,
) -> Result<Opened, Error> {
    let config = &engine.config;
    if versions == Versions::Http2 {
        return match agree(engine, stream, versions)? {
            Agreed::Http2(halves, opening) => open_halves(engine, halves, peer, opening),
            Agreed::Http1(request) => {
                request.refuse()?;
                let what = "the peer speaks HTTP/1.x, which is disabled (versions); it was refused";
                Err(Error::upgrade(ErrorKind::Peer, what))
            }
        };
    }
    let takes_http2 = versions == Versions::Both;
    match sniff(stream, config.handshake_timeout, takes_http2)? {
        Spoken::Http2(halves) => open_halves(engine, halves, peer, None),
        Spoken::Http1(halves, octets) if takes_http2 && config.h2c_upgrade => {
            let Halves { reader, writer, closer } = halves;
            let halves = Halves { reader: Prefixed::new(octets, reader), writer, closer };
            match agree(engine, halves, versions)? {
                Agreed::Http2(halves, opening) => open_halves(engine, halves, peer, opening),
                Agreed::Http1(request) => {
                    let halves = request.into_stream()?;
                    Ok(Opened::Http1(Http1::register(engine, halves, Bytes::new(), peer)?))
                }
            }
        }
        Spoken::Http1(halves, octets) => {
            Ok(Opened::Http1(Http1::register(engine, halves, octets, peer)?))
        }
    }
}

enum Agreed<T: Transport> {
    /// HTTP/2, with a first request after an upgrade.
    Http2(Replay<T>, Option<Opening>),
    /// An HTTP/1.x request that does not ask for HTTP/2.
    Http1(Box<Http1Request<T>>),
}

/// Detects the version, and answers an upgrade request.
#[inline(never)]
fn agree<T: Transport>(engine: &Engine, stream: T, versions: Versions) -> Result<Agreed<T>, Error> {
    let config = &engine.config;
    let timeout = Some(config.handshake_timeout);
    let mut options = Options { upgrade: config.h2c_upgrade, timeout, ..Options::default() };
    options.max_head_size = config.http1.max_head_size;
    options.max_fields = config.http1.max_fields;
    let max_body_size = options.max_body_size as u64;
    Ok(match detect(stream, &options)? {
        Detected::PriorKnowledge(halves) => Agreed::Http2(halves, None),
        // Its whole body would have to be in memory before HTTP/2 begins.
        Detected::Upgrade(request)
            if versions != Versions::Http2
                && request.body_len().is_some_and(|len| len > max_body_size) =>
        {
            Agreed::Http1(Box::new(request.decline()))
        }
        Detected::Upgrade(request) => {
            let Upgraded { stream, opening } = request.accept()?;
            Agreed::Http2(stream, Some(opening))
        }
        Detected::Http1(request) => Agreed::Http1(Box::new(request)),
    })
}

/// Creates an HTTP/2 connection, which is to be led.
fn open_halves<R, W>(
    engine: &Arc<Engine>,
    halves: Halves<R, W>,
    peer: Peer,
    opening: Option<Opening>,
) -> Result<Opened, Error>
where
    R: std::io::Read + Send + 'static,
    W: std::io::Write + Send + 'static,
{
    let mut http2 = engine.config.http2.clone();
    // A stream counts against the limit until its handler has ended (RFC 9113, Section 5.1.2 allows
    // that): however fast a peer opens and resets streams, the number of handlers is bounded.
    http2.hold_slots = true;
    http2.enable_connect_protocol |= engine.config.websockets;
    let now = Instant::now();
    let mut core = Connection::new_boxed(Role::Server, http2, now)?;
    if let Some(opening) = opening {
        opening.apply(&mut core, now)?;
    }
    let served = Served::register(engine, core, halves, peer, PoolOwner, lead::take_permit)?;
    // The upgrade request is already there.
    served.conn.with(|state, now| state.deliver(now));
    ending::retire_later(engine, &served);
    Ok(Opened::Http2(served))
}
