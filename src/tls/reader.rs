//! The reading half: ciphertext in, plaintext out.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use rustls::{Connection, ProtocolVersion};

use super::alert::{in_words, into_io_error};
use super::failure::Failure;
use super::shared::Shared;

/// What an idle connection reads with.
const SMALL: usize = 4 << 10;
/// The most that one read asks for: so much is decrypted under one lock.
const LARGE: usize = 128 << 10;

/// The reading half of a [`TlsStream`](super::TlsStream).
///
/// Reads ciphertext without a lock, and takes the lock to decrypt it.
///
/// A read gives `Ok(0)` if the peer has ended its direction in TLS (by close_notify), or we have
/// closed the stream; `UnexpectedEof` if the transport ended without the peer's saying so, which
/// anyone on the way could have caused; and `InvalidData` if a record is damaged, or the peer ends
/// TLS with an alert. The last one has an [`Error`](crate::Error) of the kind
/// [`Tls`](crate::ErrorKind::Tls) inside.
///
/// With a [read timeout](crate::transport::Closer::set_read_timeout), a read reads the transport
/// once, and [gives up](crate::transport::gave_up) with `Interrupted` if that makes no plaintext.
pub struct TlsReader<R> {
    shared: Arc<Shared>,
    reader: R,
    incoming: Incoming,
    ask: usize,
}

impl<R: Read> TlsReader<R> {
    pub(super) fn new(shared: Arc<Shared>, reader: R) -> Self {
        TlsReader { shared, reader, incoming: Incoming::default(), ask: SMALL }
    }

    /// One read of ciphertext; the one before has been used up.
    fn fill(&mut self) -> io::Result<()> {
        let buffer = &mut self.incoming.octets;
        if buffer.len() < self.ask {
            buffer.resize(self.ask, 0);
        } else if self.ask == SMALL && buffer.len() > SMALL {
            *buffer = vec![0; SMALL];
        }
        let read = self.reader.read(&mut buffer[..self.ask])?.min(self.ask);
        self.incoming.start = 0;
        self.incoming.end = read;
        self.incoming.ended = read == 0;
        if read == self.ask {
            self.ask = (self.ask * 4).min(LARGE);
        } else if read < self.ask / 2 {
            // The transport has nothing more for now, and the next read may wait for long.
            self.ask = read.next_power_of_two().clamp(SMALL, LARGE);
        }
        Ok(())
    }
}

impl<R: Read> Read for TlsReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut has_read = false;
        loop {
            let decrypted = self.incoming.decrypt(&mut self.shared.lock(), buf);
            match decrypted {
                // A peer that sends a record in morsels, or records with nothing in them, keeps each
                // read of the transport in time and not all of them together.
                Ok(None) if has_read && self.shared.is_timed() => {
                    self.shared.set_has_more(false);
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Ok(None) => {}
                Ok(Some(read)) => {
                    let has_more = read == buf.len() || self.incoming.failed.is_some();
                    self.shared.set_has_more(has_more);
                    return Ok(read);
                }
                // Who has closed the stream wants to hear no more of it.
                Err(_) if self.shared.is_closed() => return Ok(0),
                Err(error) => return Err(error),
            }
            match self.fill() {
                Err(_) if self.shared.is_closed() => return Ok(0),
                result => result?,
            }
            has_read = true;
        }
    }
}

impl<R> fmt::Debug for TlsReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsReader").finish_non_exhaustive()
    }
}

/// Ciphertext that has been read and not yet decrypted.
#[derive(Default)]
struct Incoming {
    octets: Vec<u8>,
    start: usize,
    end: usize,
    /// The transport has come to its end.
    ended: bool,
    /// Why nothing more can be decrypted.
    failed: Option<Failed>,
}

/// Why nothing more can be decrypted.
enum Failed {
    Tls(rustls::Error),
    Renegotiation,
}

impl Incoming {
    /// Fills `buf` with plaintext, as far as there is any; `None` if more has to be read for it.
    fn decrypt(&mut self, tls: &mut Connection, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut filled = 0;
        // `filled` counts octets that have been put into `buf`, so it is not beyond its end.
        while filled < buf.len() {
            match tls.reader().read(&mut buf[filled..]) {
                // The peer has said that it has ended.
                Ok(0) => return Ok(Some(filled)),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.feed(tls, filled > 0)? {
                        return Ok((filled > 0).then_some(filled));
                    }
                }
                Err(_) if filled > 0 => return Ok(Some(filled)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(cut_off()),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(filled))
    }

    /// Gives the connection a piece of ciphertext, and says whether there was any. What is wrong
    /// with it is told after the plaintext before it has been taken.
    fn feed(&mut self, tls: &mut Connection, has_plaintext: bool) -> io::Result<bool> {
        match &self.failed {
            Some(_) if has_plaintext => return Ok(false),
            Some(failed) => return Err(failed.to_error()),
            None => {}
        }
        // `start` ≤ `end` ≤ `octets.len()`: `fill` sets them, and `read_tls` takes what is there.
        let mut rest = &self.octets[self.start..self.end];
        if rest.is_empty() && !self.ended {
            return Ok(false);
        }
        // Without any octets, this tells it of the end.
        self.start += tls.read_tls(&mut rest)?;
        // Records before the damaged one have been decrypted.
        self.failed = match tls.process_new_packets() {
            Err(error) => Some(Failed::Tls(error)),
            // RFC 9113, Section 9.2.1: a renegotiation is a connection error. The one thing that
            // reading makes rustls say in TLS 1.2 is that it does not renegotiate.
            Ok(state) if state.tls_bytes_to_write() > 0 && is_tls_1_2(tls) => {
                Some(Failed::Renegotiation)
            }
            Ok(_) => None,
        };
        Ok(true)
    }
}

impl Failed {
    fn to_error(&self) -> io::Error {
        match self {
            Failed::Tls(error) => into_io_error(error),
            Failed::Renegotiation => {
                in_words(Failure::new("the peer asks to renegotiate TLS, which HTTP/2 forbids"))
            }
        }
    }
}

fn is_tls_1_2(tls: &Connection) -> bool {
    tls.protocol_version() == Some(ProtocolVersion::TLSv1_2)
}

fn cut_off() -> io::Error {
    let what = "the connection was cut off: its end is not confirmed by TLS (close_notify)";
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
