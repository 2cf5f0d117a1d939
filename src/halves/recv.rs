//! The half that is read from.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::either::{either, Either};
use crate::error::Error;
use crate::frame::StreamId;
use crate::{exchange, h1};

/// What the peer sends in one exchange: the body of a message, and the trailers behind it.
///
/// It is read as octets come, through [`Read`] or [`BufRead`], or in the pieces in which they came,
/// without a copy, with [`next_chunk`](Self::next_chunk). Reading gives the peer credit for more
/// (RFC 9113, Section 5.2; in HTTP/1.1 the transport does that), so a body that nobody reads holds no
/// more memory than the window of its stream.
///
/// Errors of `Read` have an [`Error`] of this crate inside; `Error::from` takes it out. A message that
/// was cut short fails, and never ends as if it were complete: with [`Error::is_reset`] where the peer
/// reset a stream of HTTP/2.
///
/// Dropping it before the end says that the rest is not wanted. At a client the stream is reset with
/// CANCEL. At a server it is reset with NO_ERROR once the response is complete (RFC 9113, Section
/// 8.1). In HTTP/1.1 a server reads and drops the rest, up to 256 KiB, and else closes the connection.
pub struct RecvHalf(Inner);

type Inner = Either<exchange::RecvHalf, h1::RecvHalf>;

impl RecvHalf {
    /// The identifier of the stream. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match &self.0 {
            Inner::Http2(half) => Some(half.stream_id()),
            Inner::Http1(_) => None,
        }
    }

    /// How long a read waits for the next octets.
    pub fn read_timeout(&self) -> Option<Duration> {
        either!(&self.0, half => half.read_timeout())
    }

    /// Sets how long a read waits for the next octets; `None` is for ever, or until the connection
    /// ends.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        either!(&mut self.0, half => half.set_read_timeout(timeout));
    }

    /// Sets when it is too late for anything to be read, however steadily it comes.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        either!(&mut self.0, half => half.set_deadline(deadline));
    }

    /// Waits for the next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection has ended, the body is malformed, or nothing came in time.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        either!(&mut self.0, half => half.next_chunk())
    }

    /// The trailers, once the whole body has come; what has not been read of it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        either!(&mut self.0, half => half.trailers())
    }

    /// Whether the peer has reset the stream, or the connection has ended. Costs an uncontended lock;
    /// in HTTP/1.1 also a system call, by which the end of what the peer sends is looked for, behind
    /// up to 64 KiB.
    ///
    /// Also `true` after the stream has ended in both directions as it should.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.is_cancelled(),
            Inner::Http1(half) => half.link().is_cancelled(),
        }
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    ///
    /// What arrives of the body meanwhile waits to be read, within the stream's window.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.wait_cancelled(timeout),
            Inner::Http1(half) => half.link().wait_cancelled(timeout),
        }
    }

    /// The half of HTTP/1.x, where it is one.
    pub(crate) fn http1(&self) -> Option<&h1::RecvHalf> {
        match &self.0 {
            Inner::Http1(half) => Some(half),
            Inner::Http2(_) => None,
        }
    }

    /// The handler may return before it is dropped.
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
