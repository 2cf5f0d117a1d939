//! The handshake: records to and fro until keys are settled, all under one deadline.

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
use crate::transport::{gave_up, Closer, Halves, Transport};

/// Messages of a handshake come in records of about this.
const READ: usize = 4 << 10;
/// So much of what the peer sends first tells what it speaks.
const FIRST: usize = 16;
/// A handshake that has failed is not worth more than this to say why to the peer.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long the peer may take to close after such an alert …
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// … and how many reads it is given: 80 KiB, more than a client sends before the server's SETTINGS.
const DRAIN_READS_MAX: usize = 20;

/// Does the handshake over `stream`, and checks that what it has settled serves HTTP/2.
pub(super) fn handshake<T: Transport>(
    stream: T,
    mut tls: Connection,
    peer: Peer<'_>,
    timeout: Duration,
) -> Result<TlsStream<T>, HandshakeError<T>> {
    // What is taken is bounded by the writer, which takes the records out at once.
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
    // The guard closes the stream in the very moment of success, or not at all.
    let cut = guard.is_some_and(Guard::stop);
    if let Err(stop) = result {
        let (kind, failure) = stop.tell(peer, timeout, cut);
        let has_said = steps.say_why(&mut halves.writer);
        let _ = halves.closer.shutdown_write();
        if has_said {
            steps.drain(&mut halves.reader, &halves.closer);
        }
        return Err(HandshakeError::new(kind, failure));
    }
    if cut {
        let (kind, failure) = Stop::Late.tell(peer, timeout, cut);
        return Err(HandshakeError::new(kind, failure));
    }
    if has_read_timeout {
        let cleared = halves.closer.set_read_timeout(None);
        cleared.map_err(|error| failed(Kind::Transport, peer, error))?;
    }
    settled(tls, halves, peer, has_read_timeout)
}

/// Looks at what the handshake has come to.
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
        let what = format!("TLS with {peer} is not for HTTP/2: of the protocols (ALPN) {chosen}");
        return Err(HandshakeError::not_h2(Failure::new(what), stream));
    }
    if !facts.is_adequate() {
        // RFC 9113, Section 9.2.2: such a connection may be ended with INADEQUATE_SECURITY. Without
        // a connection of HTTP/2, the end of TLS has to do.
        let (version, suite) = (facts.protocol_version, facts.cipher_suite);
        let what =
            format!("{version:?} with {suite:?}, settled with {peer}, is too weak for HTTP/2");
        return Err(HandshakeError::new(Kind::InadequateSecurity, Failure::new(what)));
    }
    Ok(stream)
}

fn failed<T: Transport>(kind: Kind, peer: Peer<'_>, error: io::Error) -> HandshakeError<T> {
    let (kind, failure) = Stop::Io(kind, error).tell(peer, Duration::ZERO, false);
    HandshakeError::new(kind, failure)
}

/// The steps of one handshake.
struct Steps<'a> {
    tls: &'a mut Connection,
    peer: Peer<'a>,
    deadline: Deadline,
    /// What the peer sent first.
    first: Vec<u8>,
    has_read_timeout: bool,
}

/// Why it goes no further.
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

    /// Whether all that is left to write is tickets, as at the end of a server's handshake in TLS
    /// 1.3. They share a write with the first data.
    fn leaves_tickets(&self) -> bool {
        matches!(self.tls, Connection::Server(_))
            && self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Writes all that the connection has to say.
    fn write(&mut self, writer: &mut impl Write, deadline: Deadline) -> Result<(), Stop> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).map_err(Stop::from)?;
        }
        let mut rest = &records[..];
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                // A writer that says more than it was given has its number cut.
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

    /// Reads once, and goes on with that.
    fn read(&mut self, reader: &mut impl Read, closer: &Closer) -> Result<(), Stop> {
        let mut octets = [0; READ];
        if self.has_read_timeout {
            closer.set_read_timeout(Some(self.deadline.left()?)).map_err(Stop::from)?;
        }
        let mut rest = match reader.read(&mut octets) {
            Ok(0) => return Err(Stop::Ended),
            // A reader that says more than there is room for has its number cut.
            Ok(n) => &octets[..n.min(READ)],
            Err(error) if gave_up(&error) => return self.deadline.check(),
            Err(error) => return Err(error.into()),
        };
        let more = FIRST.saturating_sub(self.first.len()).min(rest.len());
        // `more` ≤ `rest.len()`
        self.first.extend_from_slice(&rest[..more]);
        while !rest.is_empty() {
            if self.tls.read_tls(&mut rest).map_err(Stop::from)? == 0 {
                // The peer has said that it has ended; what comes behind is nothing to us.
                break;
            }
            if let Err(error) = self.tls.process_new_packets() {
                let (kind, what) = explain(&error, self.peer, &self.first);
                return Err(Stop::Tls(kind, what, error));
            }
        }
        // A peer that sends octet by octet does not hold us beyond the deadline.
        self.deadline.check()
    }

    /// Tells the peer why it fails. `false` if there is nothing to tell (no alert), or it could not
    /// be written.
    fn say_why(&mut self, writer: &mut impl Write) -> bool {
        let deadline = self.deadline.no_later_than(LAST_WORDS);
        self.tls.wants_write() && self.write(writer, deadline).is_ok()
    }

    /// Reads until the peer closes, where reads can be limited. Closing a socket with octets unread
    /// would have the system send a TCP RST, which can destroy the alert before the peer reads it. A
    /// client of TLS 1.3 may have sent requests by the time its certificate is refused.
    fn drain(&self, reader: &mut impl Read, closer: &Closer) {
        let deadline = self.deadline.no_later_than(DRAIN_TIMEOUT);
        let mut octets = [0; READ];
        for _ in 0..DRAIN_READS_MAX {
            let Ok(left) = deadline.left() else { return };
            let is_timed = matches!(closer.set_read_timeout(Some(left)), Ok(true));
            if !is_timed || !matches!(reader.read(&mut octets), Ok(1..=READ)) {
                return;
            }
        }
    }
}

impl Stop {
    fn tell(self, peer: Peer<'_>, timeout: Duration, cut: bool) -> (Kind, Failure) {
        match self {
            // A read that the guard has ended looks like one of these.
            Stop::Late | Stop::Ended | Stop::Io(..) if cut => Stop::Late.tell(peer, timeout, false),
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

/// When all has to be over.
#[derive(Debug, Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(timeout: Duration) -> Self {
        // A time too far away for the clock never comes.
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

/// A thread that closes a stream at the deadline, for want of a read timeout.
struct Guard {
    stop: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Guard {
    /// `None` if closing would wake nobody, or there is nothing to wait for.
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
                // The stream's own error comes to light in the read that it should have ended.
                let _ = closer.close();
            }
            is_late
        };
        let thread = thread::Builder::new().name("h2-sync-handshake".to_owned()).spawn(watch);
        // Without a thread, the handshake is as patient as the peer is slow.
        thread.ok().map(|thread| Guard { stop, thread })
    }

    /// Ends the watch, and says whether the stream has been closed.
    fn stop(self) -> bool {
        drop(self.stop);
        self.thread.join().unwrap_or(false)
    }
}
