//! Passes octets on between clients and the upstream.

use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::http::Uri;
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::transport::{Closer, Halves, Transport, gave_up};

use crate::hub::Hub;
use crate::tap::{Side, Tap};

/// The most connections at a time, each with two threads and two sockets. More are closed at once.
const MAX_CONNECTIONS: usize = 200;

/// How long a handshake of TLS may take, a client to begin one, and a connection to the upstream.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long one direction may be silent after the other has ended.
const LINGER: Duration = Duration::from_secs(60);

/// How often a silent direction is checked.
const CHECK: Duration = Duration::from_secs(1);

/// The pause after a client could not be accepted.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The first octet of TLS: a record with a handshake message.
const TLS_HANDSHAKE: u8 = 0x16;

/// The server behind the proxy.
pub(crate) struct Upstream {
    host: String,
    port: u16,
    is_tls: bool,
}

pub(crate) struct Relay {
    acceptor: Acceptor,
    connector: Connector,
    upstream: Upstream,
    hub: Arc<Hub>,
}

/// A stream of octets, in cleartext or over TLS.
struct End {
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
    closer: Closer,
}

/// One direction of a connection.
struct Direction<'a> {
    side: Side,
    from: Box<dyn Read + Send>,
    to: Box<dyn Write + Send>,
    /// Of the sender and of the receiver.
    closers: [Closer; 2],
    /// The other direction, or this one, has ended.
    is_half_closed: &'a AtomicBool,
}

impl Relay {
    pub(crate) fn new(
        acceptor: Acceptor,
        upstream: Upstream,
        hub: Arc<Hub>,
    ) -> Result<Self, Box<dyn Error>> {
        // Servers under development often have certificates that no authority has signed.
        let connector = Connector::new()?.danger_accept_invalid_certificates();
        Ok(Relay { acceptor, connector, upstream, hub })
    }

    /// Accepts clients, with two threads for each.
    pub(crate) fn run(self, listener: &TcpListener) -> Result<(), Box<dyn Error>> {
        let relay = Arc::new(self);
        // Each connection holds a clone.
        let open = Arc::new(());
        for number in 1.. {
            let (stream, address) = match listener.accept() {
                Ok(accepted) => accepted,
                // No descriptors are left, for example.
                Err(error) => {
                    log::warn!("accept: {error}");
                    thread::sleep(ACCEPT_RETRY);
                    continue;
                }
            };
            if Arc::strong_count(&open) > MAX_CONNECTIONS {
                log::warn!("connection {number} is refused: {MAX_CONNECTIONS} are open");
                continue;
            }
            let (theirs, is_open) = (Arc::clone(&relay), Arc::clone(&open));
            let serve = move || {
                let _is_open = is_open;
                let tap = Tap::new(number, Arc::clone(&theirs.hub));
                if let Err(error) = theirs.serve(stream, &address.to_string(), &tap) {
                    tap.closed(&error.to_string());
                }
            };
            // The connection is closed if no thread can be started.
            let thread = thread::Builder::new().name(format!("connection {number}"));
            if let Err(error) = thread.spawn(serve) {
                log::warn!("connection {number}: {error}");
            }
        }
        Ok(())
    }

    fn serve(&self, stream: TcpStream, address: &str, tap: &Tap) -> Result<(), Box<dyn Error>> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANDSHAKE))?;
        let mut first = [0];
        let is_tls = stream.peek(&mut first)? == 1 && first[0] == TLS_HANDSHAKE;
        tap.opened(address, is_tls);
        let client = match is_tls {
            true => End::of(self.acceptor.accept(stream, HANDSHAKE)?)?,
            false => End::of(stream)?,
        };
        let server = self.connect()?;
        let is_half_closed = &AtomicBool::new(false);
        let (closer, theirs) = (client.closer, server.closer);
        let closers = [theirs.clone(), closer.clone()];
        let (from, to) = (server.reader, client.writer);
        let back = Direction { side: Side::Server, from, to, closers, is_half_closed };
        let closers = [closer, theirs];
        let (from, to) = (client.reader, server.writer);
        let forth = Direction { side: Side::Client, from, to, closers, is_half_closed };
        let why = thread::scope(|scope| -> io::Result<_> {
            thread::Builder::new().spawn_scoped(scope, || back.pass_on(tap))?;
            Ok(forth.pass_on(tap))
        })?;
        tap.closed(why);
        Ok(())
    }

    fn connect(&self) -> Result<End, Box<dyn Error>> {
        let Upstream { host, port, is_tls } = &self.upstream;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = connect((bare, *port))
            .map_err(|error| format!("cannot connect to {}: {error}", self.upstream))?;
        stream.set_nodelay(true)?;
        match is_tls {
            true => Ok(End::of(self.connector.connect(host, stream, HANDSHAKE)?)?),
            false => Ok(End::of(stream)?),
        }
    }
}

impl End {
    fn of(stream: impl Transport) -> io::Result<Self> {
        let Halves { reader, writer, closer } = stream.split()?;
        Ok(End { reader: Box::new(reader), writer: Box::new(writer), closer })
    }
}

/// Connects to the first address that answers.
fn connect(to: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in to.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, HANDSHAKE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Direction<'_> {
    /// Passes octets on until the direction ends, and then its end. Returns what has happened.
    fn pass_on(mut self, tap: &Tap) -> &'static str {
        let why = self.pass_octets_on(tap);
        self.is_half_closed.store(true, Ordering::Relaxed);
        let [_, receiver] = &self.closers;
        match why {
            Ok(()) => {
                let _ = receiver.shutdown_write();
                "closed"
            }
            Err(why) => {
                // The other direction ends as well.
                for closer in &self.closers {
                    let _ = closer.close();
                }
                why
            }
        }
    }

    fn pass_octets_on(&mut self, tap: &Tap) -> Result<(), &'static str> {
        let [sender, _] = &self.closers;
        sender.set_read_timeout(Some(CHECK)).map_err(|_| "cut by its sender")?;
        let mut buffer = vec![0; 64 << 10];
        let mut heard = Instant::now();
        loop {
            match self.from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => {
                    tap.octets(self.side, &buffer[..n]);
                    write(&mut *self.to, &buffer[..n]).map_err(|_| "cut by its receiver")?;
                    heard = Instant::now();
                }
                Err(error) if gave_up(&error) => {
                    if !self.is_half_closed.load(Ordering::Relaxed) {
                        heard = Instant::now();
                    } else if heard.elapsed() >= LINGER {
                        return Err("silent after the other direction has ended");
                    }
                }
                Err(_) => return Err("cut by its sender"),
            }
        }
    }
}

/// Writes all octets. A transport returns from time to time without having written any.
fn write(to: &mut dyn Write, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        match to.write(octets) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => octets = &octets[n..],
            Err(error) if gave_up(&error) => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        match to.flush() {
            Err(error) if gave_up(&error) => {}
            flushed => return flushed,
        }
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let invalid = || format!("{url:?} is not a URL such as http://127.0.0.1:8081");
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(invalid()),
        };
        let host = uri.host().ok_or_else(invalid)?.to_owned();
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Upstream { host, port, is_tls })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}
