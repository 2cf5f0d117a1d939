//! Passes octets on between clients and the upstream.

use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::http::Uri;
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::transport::{gave_up, Closer, Halves, Transport};

use crate::hub::Hub;
use crate::tap::{Side, Tap};

/// How long a handshake of TLS may take, and a client to begin one.
const HANDSHAKE: Duration = Duration::from_secs(10);

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
            let relay = Arc::clone(&relay);
            let serve = move || {
                let tap = Tap::new(number, Arc::clone(&relay.hub));
                if let Err(error) = relay.serve(stream, &address.to_string(), &tap) {
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
        let (to_server, to_client) = (client.closer.clone(), server.closer.clone());
        let closers = [to_server, to_client];
        let why = thread::scope(|scope| -> io::Result<_> {
            let back = || pass_on(server.reader, client.writer, &closers, 0, Side::Server, tap);
            thread::Builder::new().spawn_scoped(scope, back)?;
            Ok(pass_on(client.reader, server.writer, &closers, 1, Side::Client, tap))
        })?;
        tap.closed(why);
        Ok(())
    }

    fn connect(&self) -> Result<End, Box<dyn Error>> {
        let Upstream { host, port, is_tls } = &self.upstream;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, *port))
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

/// Passes octets on until the end of one direction, and then its end. Returns what has happened.
fn pass_on(
    mut from: Box<dyn Read + Send>,
    mut to: Box<dyn Write + Send>,
    closers: &[Closer; 2],
    receiver: usize,
    side: Side,
    tap: &Tap,
) -> &'static str {
    let mut buffer = vec![0; 64 << 10];
    let why = loop {
        match from.read(&mut buffer) {
            Ok(0) => {
                let _ = closers[receiver].shutdown_write();
                return "closed";
            }
            Ok(n) => {
                tap.octets(side, &buffer[..n]);
                if write(&mut *to, &buffer[..n]).is_err() {
                    break "cut by its receiver";
                }
            }
            Err(error) if gave_up(&error) => {}
            Err(_) => break "cut by its sender",
        }
    };
    // The other direction ends as well.
    for closer in closers {
        let _ = closer.close();
    }
    why
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
