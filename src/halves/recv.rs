//! The receiving half of an exchange.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::either::{Either, either};
use crate::error::Error;
use crate::frame::StreamId;
use crate::meter::Metered;
use crate::{exchange, h1};

/// The receiving half of an exchange: the body of a message, and its trailers.
///
/// Read the body as a byte stream through [`Read`] or [`BufRead`], or in pieces as received,
/// without a copy, with [`next_chunk`](Self::next_chunk). Reading gives the peer credit to send
/// more (RFC 9113, Section 5.2; in HTTP/1.1 the transport does that), so an unread body holds no
/// more memory than the stream's window.
///
/// Errors of `Read` wrap an [`Error`] of this crate, which `Error::from` returns. A truncated
/// message always fails and never looks complete. If the peer has reset an HTTP/2 stream,
/// [`Error::is_reset`] is true.
///
/// Dropping it before the end abandons the rest. A client resets the stream with CANCEL. A server
/// discards the rest for up to 10 s (of a tunnel for 1 s) once the response is complete, and then
/// resets the stream with NO_ERROR (RFC 9113, Section 8.1). In HTTP/1.1, a server discards up to
/// 256 KiB of the rest, and closes the connection if there is more.
///
/// A relay of one direction, with its trailers:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use h2_sync::server::{RecvHalf, SendHalf};
///
/// fn relay(mut from: RecvHalf, mut to: SendHalf) -> Result<(), h2_sync::Error> {
///     from.set_read_timeout(Some(Duration::from_secs(30)));
///     from.set_deadline(Some(Instant::now() + Duration::from_secs(3_600)));
///     while let Some(octets) = from.next_chunk()? {
///         to.send(octets)?;
///     }
///     match from.trailers()? {
///         Some(trailers) => to.send_trailers(&trailers),
///         None => to.finish(),
///     }
/// }
/// ```
pub struct RecvHalf(Inner);

type Inner = Either<exchange::RecvHalf, h1::RecvHalf>;

impl RecvHalf {
    /// Returns the stream identifier. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match &self.0 {
            Inner::Http2(half) => Some(half.stream_id()),
            Inner::Http1(_) => None,
        }
    }

    /// Returns the time that a read waits for the next octets.
    pub fn read_timeout(&self) -> Option<Duration> {
        either!(&self.0, half => half.read_timeout())
    }

    /// Sets the time that a read waits for the next octets; `None` for no limit. The end of the
    /// connection ends the wait in any case.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        either!(&mut self.0, half => half.set_read_timeout(timeout));
    }

    /// Sets the time at which reads fail, even if octets arrive steadily.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        either!(&mut self.0, half => half.set_deadline(deadline));
    }

    /// Waits for the next piece of the body; returns `None` at its end.
    ///
    /// # Errors
    ///
    /// If the stream was reset, the connection has ended, the body is malformed, or a timeout
    /// expired.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        either!(&mut self.0, half => half.next_chunk())
    }

    /// Waits for the end of the body and returns the trailers. The unread part of the body is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        either!(&mut self.0, half => half.trailers())
    }

    /// Returns whether the peer has reset the stream or the connection has ended. Costs an
    /// uncontended lock. In HTTP/1.1 it also costs a system call, which checks up to 64 KiB of
    /// input for its end.
    ///
    /// Also returns true after the stream has ended normally in both directions.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.is_cancelled(),
            Inner::Http1(half) => half.link().is_cancelled(),
        }
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true, for at most `timeout`, and returns
    /// whether it is.
    ///
    /// Parts of the body that arrive in the meantime are kept, within the stream's window.
    ///
    /// A long task checks the peer from time to time:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::RecvHalf;
    ///
    /// fn poll(body: &RecvHalf, mut has_news: impl FnMut() -> bool) -> bool {
    ///     while !has_news() {
    ///         if body.is_cancelled() || body.wait_cancelled(Duration::from_secs(1)) {
    ///             return false;
    ///         }
    ///     }
    ///     true
    /// }
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.wait_cancelled(timeout),
            Inner::Http1(half) => half.link().wait_cancelled(timeout),
        }
    }

    /// Returns the HTTP/1.x half, if it is one.
    pub(crate) fn http1(&self) -> Option<&h1::RecvHalf> {
        match &self.0 {
            Inner::Http1(half) => Some(half),
            Inner::Http2(_) => None,
        }
    }

    /// Ends the stream with RST_STREAM (CANCEL), or the connection of HTTP/1.x. Threads that wait for
    /// either half return.
    #[cfg(feature = "websocket")]
    pub(crate) fn abort(&self, error: Error) {
        match &self.0 {
            Inner::Http2(half) => half.conn().cancel(half.stream_id(), error),
            Inner::Http1(half) => half.link().cut(error),
        }
    }

    /// Has the octets counted that are taken.
    pub(crate) fn set_meter(&mut self, meter: Metered) {
        either!(&mut self.0, half => half.meter = meter);
    }

    /// Makes the half independent of the handler, which may return before the half is dropped.
    pub(crate) fn stand_alone(&mut self) {
        if let Inner::Http2(half) = &mut self.0 {
            half.stand_alone();
        }
    }
}

impl From<exchange::RecvHalf> for RecvHalf {
    fn from(half: exchange::RecvHalf) -> Self {
        RecvHalf(Inner::Http2(half))
    }
}

impl From<h1::RecvHalf> for RecvHalf {
    fn from(half: h1::RecvHalf) -> Self {
        RecvHalf(Inner::Http1(half))
    }
}

impl Read for RecvHalf {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        either!(&mut self.0, half => half.read(buf))
    }
}

impl BufRead for RecvHalf {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        either!(&mut self.0, half => half.fill_buf())
    }

    fn consume(&mut self, n: usize) {
        either!(&mut self.0, half => half.consume(n));
    }
}

impl fmt::Debug for RecvHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.0, half => half.fmt(f))
    }
}
