//! The handshake: exchanges records until the keys are established, under one deadline.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{Connection, ProtocolVersion};

use super::explain::explain;
use super::facts::Facts;
use super::failure::Failure;
use super::handshake_error::{HandshakeError, HandshakeErrorKind as Kind};
use super::peer::Peer;
use super::stream::TlsStream;
use crate::transport::{Closer, Halves, Transport, gave_up};

/// The size of one read in octets; handshake messages rarely exceed it.
const READ_LEN: usize = 4 << 10;
/// The number of octets kept from the start of the peer's input, to identify its protocol.
const FIRST_LEN: usize = 16;
/// The timeout for writing an alert after a failed handshake.
const ALERT_TIMEOUT: Duration = Duration::from_secs(1);
/// The time the peer has to close the connection after such an alert …
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// … and the most reads: 80 KiB, more than a client sends before the server's SETTINGS.
const DRAIN_READS_MAX: usize = 20;

/// Performs the handshake over `stream`, and checks that the result is suitable for HTTP/2.
pub(super) fn handshake<T: Transport>(
    stream: T,
    mut tls: Connection,
    peer: Peer<'_>,
    timeout: Duration,
) -> Result<TlsStream<T>, HandshakeError<T>> {
    // The amount is bounded by the writer, which takes the records at once.
    tls.set_buffer_limit(None);
    let deadline = Deadline::after(timeout);
    let mut halves = stream.split().map_err(|error| failed(Kind::Transport, peer, error))?;
    let has_read_timeout = halves
        .closer
        .set_read_timeout(Some(timeout))
        .map_err(|error| failed(Kind::Transport, peer, error))?;
    let guard = (!has_read_timeout).then(|| Guard::start(&halves.closer, deadline)).flatten();

    let mut steps = Steps { tls: &mut tls, peer, deadline, first: Vec::new(), has_read_timeout };
    let result = steps.run(&mut halves);
    // `stop` decides whether the guard has closed the stream or the handshake has succeeded.
    let cut = guard.is_some_and(Guard::stop);
    if let Err(stop) = result {
        let (kind, failure) = stop.describe(peer, timeout, cut);
        let has_said = steps.send_alert(&mut halves.writer);
        let _ = halves.closer.shutdown_write();
        if has_said {
            steps.drain(&mut halves.reader, &halves.closer);
        }
        return Err(HandshakeError::new(kind, failure));
    }
    if cut {
        let (kind, failure) = Stop::Late.describe(peer, timeout, cut);
        return Err(HandshakeError::new(kind, failure));
    }
    if has_read_timeout {
        let cleared = halves.closer.set_read_timeout(None);
        cleared.map_err(|error| failed(Kind::Transport, peer, error))?;
    }
    settled(tls, halves, peer, has_read_timeout)
}

/// Checks the negotiated parameters.
fn settled<T: Transport>(
    tls: Connection,
    halves: Halves<T::Reader, T::Writer>,
    peer: Peer<'_>,
    has_read_timeout: bool,
) -> Result<TlsStream<T>, HandshakeError<T>> {
    let asked_for = match peer {
        Peer::Client => None,
        Peer::Server(name) => Some(name),
    };
    let facts = Facts::of(&tls, asked_for);
    let stream = TlsStream::new(tls, halves, facts.clone(), has_read_timeout);
    if !facts.is_h2() {
        // RFC 9113, Section 3.2: HTTP/2 over TLS is negotiated by ALPN, as `h2`.
        let chosen = match &facts.alpn_protocol {
            Some(protocol) => format!("{:?} was chosen", protocol.escape_ascii().to_string()),
            None => "none was chosen".to_owned(),
        };
        let what =
            format!("TLS with {peer} did not negotiate HTTP/2: of the protocols (ALPN) {chosen}");
        return Err(HandshakeError::not_h2(Failure::new(what), stream));
    }
    if !facts.is_adequate() {
        // RFC 9113, Section 9.2.2: such a connection may be closed with INADEQUATE_SECURITY. There
        // is no HTTP/2 connection yet, so only TLS is closed.
        let (version, suite) = (facts.protocol_version, facts.cipher_suite);
        let what =
            format!("{version:?} with {suite:?}, negotiated with {peer}, is too weak for HTTP/2");
        return Err(HandshakeError::new(Kind::InadequateSecurity, Failure::new(what)));
    }
    Ok(stream)
}

fn failed<T: Transport>(kind: Kind, peer: Peer<'_>, error: io::Error) -> HandshakeError<T> {
    let (kind, failure) = Stop::Io(kind, error).describe(peer, Duration::ZERO, false);
    HandshakeError::new(kind, failure)
}

/// The steps of one handshake.
struct Steps<'a> {
    tls: &'a mut Connection,
    peer: Peer<'a>,
    deadline: Deadline,
    /// The first octets from the peer.
    first: Vec<u8>,
    has_read_timeout: bool,
}

/// The reason why a handshake failed.
enum Stop {
    Late,
    Ended,
    Io(Kind, io::Error),
    Tls(Kind, String, rustls::Error),
}

impl Steps<'_> {
    fn run<R: Read, W: Write>(&mut self, halves: &mut Halves<R, W>) -> Result<(), Stop> {
        loop {
            if self.is_done() && self.leaves_tickets() {
                return Ok(());
            }
            self.write(&mut halves.writer, self.deadline)?;
            if self.is_done() {
                return Ok(());
            }
            self.read(&mut halves.reader, &halves.closer)?;
        }
    }

    fn is_done(&self) -> bool {
        !self.tls.is_handshaking()
    }

    /// Returns whether the remaining output can only be tickets, as at the end of a server's
    /// handshake in TLS 1.3. They are sent together with the first data.
    fn leaves_tickets(&self) -> bool {
        matches!(self.tls, Connection::Server(_))
            && self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Writes all pending records.
    fn write(&mut self, writer: &mut impl Write, deadline: Deadline) -> Result<(), Stop> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).map_err(Stop::from)?;
        }
        let mut rest = &records[..];
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                // Guards against a writer that returns more than it was given.
                Ok(n) => rest = &rest[n.min(rest.len())..],
                Err(error) if gave_up(&error) => {}
                Err(error) => return Err(error.into()),
            }
            deadline.check()?;
        }
        loop {
            match writer.flush() {
                Err(error) if gave_up(&error) => deadline.check()?,
                result => return result.map_err(Stop::from),
            }
        }
    }

    /// Reads once and processes the input.
    fn read(&mut self, reader: &mut impl Read, closer: &Closer) -> Result<(), Stop> {
        let mut octets = [0; READ_LEN];
        if self.has_read_timeout {
            closer.set_read_timeout(Some(self.deadline.left()?)).map_err(Stop::from)?;
        }
        let mut rest = match reader.read(&mut octets) {
            Ok(0) => return Err(Stop::Ended),
            // Guards against a reader that returns more than the buffer holds.
            Ok(n) => &octets[..n.min(READ_LEN)],
            Err(error) if gave_up(&error) => return self.deadline.check(),
            Err(error) => return Err(error.into()),
        };
        let more = FIRST_LEN.saturating_sub(self.first.len()).min(rest.len());
        // `more` ≤ `rest.len()`
        self.first.extend_from_slice(&rest[..more]);
        while !rest.is_empty() {
            if self.tls.read_tls(&mut rest).map_err(Stop::from)? == 0 {
                // The peer has ended its direction; the octets after that are ignored.
                break;
            }
            if let Err(error) = self.tls.process_new_packets() {
                let (kind, what) = explain(&error, self.peer, &self.first);
                return Err(Stop::Tls(kind, what, error));
            }
        }
        // A peer that sends octet by octet must not extend the deadline.
        self.deadline.check()
    }

    /// Sends the peer an alert. Returns `false` if there is none, or if it could not be written.
    fn send_alert(&mut self, writer: &mut impl Write) -> bool {
        let deadline = self.deadline.no_later_than(ALERT_TIMEOUT);
        self.tls.wants_write() && self.write(writer, deadline).is_ok()
    }

    /// Reads until the peer closes, if the transport has read timeouts. If a socket is closed with
    /// unread octets, the system sends a TCP RST, which can destroy the alert before the peer reads
    /// it. A TLS 1.3 client may have sent requests before its certificate is refused.
    fn drain(&self, reader: &mut impl Read, closer: &Closer) {
        let deadline = self.deadline.no_later_than(DRAIN_TIMEOUT);
        let mut octets = [0; READ_LEN];
        for _ in 0..DRAIN_READS_MAX {
            let Ok(left) = deadline.left() else { return };
            let is_timed = matches!(closer.set_read_timeout(Some(left)), Ok(true));
            if !is_timed || !matches!(reader.read(&mut octets), Ok(1..=READ_LEN)) {
                return;
            }
        }
    }
}

impl Stop {
    fn describe(self, peer: Peer<'_>, timeout: Duration, cut: bool) -> (Kind, Failure) {
        match self {
            // A read that the guard has ended fails with one of these.
            Stop::Late | Stop::Ended | Stop::Io(..) if cut => {
                Stop::Late.describe(peer, timeout, false)
            }
            Stop::Late => {
                let what = format!("{peer} did not finish the TLS handshake within {timeout:?}");
                (Kind::Timeout, Failure::new(what))
            }
            Stop::Ended => {
                let what = format!("{peer} closed the connection during the TLS handshake");
                (Kind::Closed, Failure::new(what))
            }
            Stop::Io(kind, error) => {
                let what =
                    format!("the transport failed in the TLS handshake with {peer}: {error}");
                (kind, Failure::new(what).caused_by(error))
            }
            Stop::Tls(kind, what, error) => (kind, Failure::new(what).caused_by(error)),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset => Stop::Io(Kind::Closed, error),
            _ => Stop::Io(Kind::Transport, error),
        }
    }
}

/// The end of the time for the handshake.
#[derive(Debug, Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(timeout: Duration) -> Self {
        // A deadline that `Instant` cannot represent counts as none.
        Deadline(Instant::now().checked_add(timeout))
    }

    fn left(self) -> Result<Duration, Stop> {
        match self.0.map(|at| at.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => Err(Stop::Late),
            left => Ok(left.unwrap_or(Duration::MAX)),
        }
    }

    fn check(self) -> Result<(), Stop> {
        self.left().map(drop)
    }

    fn no_later_than(self, timeout: Duration) -> Self {
        match (self.0, Deadline::after(timeout).0) {
            (Some(one), Some(other)) => Deadline(Some(one.min(other))),
            (one, other) => Deadline(one.or(other)),
        }
    }
}

/// A thread that closes a stream at the deadline, for transports without a read timeout.
struct Guard {
    stop: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Guard {
    /// Starts the thread. Returns `None` if closing would not wake the reader, or if there is no
    /// deadline.
    fn start(closer: &Closer, deadline: Deadline) -> Option<Guard> {
        let left = deadline.0?.saturating_duration_since(Instant::now());
        if !closer.wakes_reader() {
            return None;
        }
        let closer = closer.clone();
        let (stop, stopped) = mpsc::channel();
        let watch = move || {
            let is_late = stopped.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
            if is_late {
                // The blocked read returns the stream's own error.
                let _ = closer.close();
            }
            is_late
        };
        let thread = thread::Builder::new().name("h2-sync-handshake".to_owned()).spawn(watch);
        // If no thread can be started, the handshake has no deadline.
        thread.ok().map(|thread| Guard { stop, thread })
    }

    /// Stops the thread, and returns whether it has closed the stream.
    fn stop(self) -> bool {
        drop(self.stop);
        self.thread.join().unwrap_or(false)
    }
}
