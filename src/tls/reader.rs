//! The reading half: decrypts ciphertext from the transport.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use rustls::{Connection, ProtocolVersion};

use super::alert::{in_words, into_io_error};
use super::failure::Failure;
use super::shared::Shared;

/// The buffer size of an idle connection's read, in octets.
const READ_MIN: usize = 4 << 10;
/// The largest read in octets, decrypted under one lock.
const READ_MAX: usize = 128 << 10;

/// The reading half of a [`TlsStream`](super::TlsStream).
///
/// It reads ciphertext without holding the lock, and takes the lock to decrypt.
///
/// A read returns `Ok(0)` if the peer has ended its direction with close_notify, or if the stream
/// was closed locally. It fails with `UnexpectedEof` if the transport ended without close_notify,
/// which an attacker on the network path could cause. It fails with `InvalidData` if a record is
/// invalid or the peer sends a fatal alert; that error wraps an [`Error`](crate::Error) of kind
/// [`Tls`](crate::ErrorKind::Tls).
///
/// With a [read timeout](crate::transport::Closer::set_read_timeout), a read reads once from the
/// transport, and [gives up](crate::transport::gave_up) with `Interrupted` if that yields no
/// plaintext.
///
/// [`TlsWriter`](super::TlsWriter) has an example with both halves.
pub struct TlsReader<R> {
    shared: Arc<Shared>,
    reader: R,
    incoming: Incoming,
    ask: usize,
}

impl<R: Read> TlsReader<R> {
    pub(super) fn new(shared: Arc<Shared>, reader: R) -> Self {
        TlsReader { shared, reader, incoming: Incoming::default(), ask: READ_MIN }
    }

    /// Reads ciphertext once; the buffer must have been used up.
    fn fill(&mut self) -> io::Result<()> {
        let buffer = &mut self.incoming.octets;
        if buffer.is_empty() {
            *buffer = self.shared.take_spare();
        }
        if buffer.len() < self.ask {
            buffer.resize(self.ask, 0);
        } else if self.ask == READ_MIN && buffer.len() > READ_MIN {
            *buffer = vec![0; READ_MIN];
        }
        let read = match self.reader.read(&mut buffer[..self.ask]) {
            Ok(read) => read.min(self.ask),
            Err(error) => {
                // The connection is idle, and may remain so.
                drop(self.incoming.take_buffer());
                self.ask = READ_MIN;
                self.shared.set_has_more(false);
                return Err(error);
            }
        };
        self.incoming.start = 0;
        self.incoming.end = read;
        self.incoming.ended = read == 0;
        if read == self.ask {
            self.ask = (self.ask * 4).min(READ_MAX);
        } else if read < self.ask / 2 {
            // The transport has no more data for now, so the next read may wait for long.
            self.ask = read.next_power_of_two().clamp(READ_MIN, READ_MAX);
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
                // A peer that sends partial or empty records would keep each read of the transport
                // within its timeout, but not their sum.
                Ok(None) if has_read && self.shared.is_timed() => {
                    self.shared.set_has_more(false);
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Ok(None) => {}
                Ok(Some(read)) => {
                    let has_more = read == buf.len() || self.incoming.has_end();
                    if !has_more {
                        self.shared.set_spare(self.incoming.take_buffer());
                    }
                    self.shared.set_has_more(has_more);
                    return Ok(read);
                }
                // Errors after a local close are of no interest.
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

/// Ciphertext that was read but not yet decrypted.
#[derive(Default)]
struct Incoming {
    octets: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the transport has reached its end.
    ended: bool,
    /// Whether close_notify has come.
    closed: bool,
    /// The reason why nothing more can be decrypted.
    failed: Option<Failed>,
}

/// The reason why nothing more can be decrypted.
enum Failed {
    Tls(rustls::Error),
    Renegotiation,
}

impl Incoming {
    /// Returns whether the next read finds an error or the end, without a read of the transport.
    fn has_end(&self) -> bool {
        self.closed || self.failed.is_some()
    }

    /// Takes the buffer, whose octets have been used up.
    fn take_buffer(&mut self) -> Vec<u8> {
        (self.start, self.end) = (0, 0);
        std::mem::take(&mut self.octets)
    }

    /// Fills `buf` with available plaintext, or returns `None` if more ciphertext is needed.
    fn decrypt(&mut self, tls: &mut Connection, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut filled = 0;
        // In bounds: `filled` counts octets that were put into `buf`.
        while filled < buf.len() {
            match tls.reader().read(&mut buf[filled..]) {
                // The peer has ended its direction.
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

    /// Passes ciphertext to the TLS connection, and returns whether there was any. An error in it
    /// is reported after the plaintext before it has been read.
    fn feed(&mut self, tls: &mut Connection, has_plaintext: bool) -> io::Result<bool> {
        match &self.failed {
            Some(_) if has_plaintext => return Ok(false),
            Some(failed) => return Err(failed.to_error()),
            None => {}
        }
        // In bounds: `fill` sets `start` ≤ `end` ≤ `octets.len()`, and `read_tls` keeps it so.
        let mut rest = &self.octets[self.start..self.end];
        if rest.is_empty() && !self.ended {
            return Ok(false);
        }
        // An empty slice tells it of the end.
        self.start += tls.read_tls(&mut rest)?;
        // Records before an invalid one have been decrypted.
        self.failed = match tls.process_new_packets() {
            Err(error) => Some(Failed::Tls(error)),
            // RFC 9113, Section 9.2.1: renegotiation is a connection error. In TLS 1.2, rustls only
            // produces output on reading to refuse a renegotiation.
            Ok(state) if state.tls_bytes_to_write() > 0 && is_tls_1_2(tls) => {
                Some(Failed::Renegotiation)
            }
            Ok(state) => {
                self.closed = state.peer_has_closed();
                None
            }
        };
        Ok(true)
    }
}

impl Failed {
    fn to_error(&self) -> io::Error {
        match self {
            Failed::Tls(error) => into_io_error(error),
            Failed::Renegotiation => in_words(Failure::new(
                "the peer requested a TLS renegotiation, which HTTP/2 forbids",
            )),
        }
    }
}

fn is_tls_1_2(tls: &Connection) -> bool {
    tls.protocol_version() == Some(ProtocolVersion::TLSv1_2)
}

fn cut_off() -> io::Error {
    let what = "the connection ended without close_notify: the data may be truncated";
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
