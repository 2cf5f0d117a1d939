//! The half that is written to.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::either::{either, Either};
use crate::error::Error;
use crate::exchange::TrySendError;
use crate::frame::{ErrorCode, StreamId};
use crate::{exchange, h1, logging};

/// What we send in one exchange: the body of a message, and the trailers behind it.
///
/// It is a [`Write`] with a buffer: [`flush`](Write::flush) sends what is there now. A body that is
/// in memory already goes out without a copy with [`send`](Self::send). Writing waits while the
/// peer's windows are shut or the transport is full (RFC 9113, Section 5.2), and fails when that
/// takes longer than `stall_timeout`.
///
/// Say [`finish`](Self::finish) or [`send_trailers`](Self::send_trailers) at the end. Dropping it
/// before that resets the stream, with CANCEL, or with INTERNAL_ERROR in a panic, and closes a
/// connection of HTTP/1.1: a body that was cut short must not look complete.
///
/// Errors of `Write` have an [`Error`] of this crate inside; `Error::from` takes it out.
pub struct SendHalf(Inner);

type Inner = Either<exchange::SendHalf, h1::SendHalf>;

/// A half with its version.
pub(crate) type Versioned<'a> = Either<&'a mut exchange::SendHalf, &'a mut h1::SendHalf>;

impl SendHalf {
    /// The identifier of the stream. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match &self.0 {
            Inner::Http2(half) => Some(half.stream_id()),
            Inner::Http1(_) => None,
        }
    }

    /// Sets how long a write waits for room; `None`, as at first, leaves it to the `stall_timeout`
    /// of the connection.
    ///
    /// What was to be written is lost when the time is over. So the body cannot be gone on with:
    /// later writes fail as well, and dropping it resets the stream.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        either!(&mut self.0, half => half.set_write_timeout(timeout));
    }

    /// Sets when it is too late for anything to be written, however steadily the peer takes it.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        either!(&mut self.0, half => half.set_deadline(deadline));
    }

    /// Sends octets without copying them, behind what has been written before.
    ///
    /// # Errors
    ///
    /// The stream was reset or has been finished, the connection has ended, or there was no room in
    /// time.
    pub fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        either!(&mut self.0, half => half.send(data.into()))
    }

    /// Sends what has been written, and the end of the message.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn finish(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Http2(half) => half.finish(),
            Inner::Http1(half) => half.finish(None),
        }
    }

    /// Sends what has been written, and the end of the message with trailers. In HTTP/1.1 a client
    /// that has not said `te: trailers` gets the end without them, and so does one whose response has
    /// a `content-length`.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and field sections that are not valid (RFC 9113, Section 8.1).
    pub fn send_trailers(&mut self, trailers: &HeaderMap) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Http2(half) => half.send_trailers(trailers),
            Inner::Http1(half) => half.finish(Some(trailers)),
        }
    }

    /// Ends the stream with RST_STREAM, or the connection of HTTP/1.x. What has not been sent yet is
    /// dropped.
    pub fn reset(&mut self, code: ErrorCode) {
        match &mut self.0 {
            Inner::Http2(half) => half.reset(code),
            Inner::Http1(half) => half.abort(),
        }
    }

    /// Sends octets without copying them, behind what has been written before, if there is room for
    /// all of them. Never waits: another thread writes them to the transport.
    ///
    /// Up to [`max_stream_send_buffer`](crate::proto::Config::max_stream_send_buffer) octets of a stream
    /// wait for the peer, and [`max_send_buffer`](crate::proto::Config::max_send_buffer) of its
    /// connection. A piece of any size is taken where none waits. A peer that takes nothing for
    /// `stall_timeout` has its stream reset.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] gives the octets back, and [`TrySendError::Closed`] says why nothing
    /// can be sent any more.
    ///
    /// # Examples
    ///
    /// One thread feeds all subscribers, and drops those that have gone:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use h2_sync::server::{SendHalf, TrySendError};
    ///
    /// fn publish(subscribers: &mut Vec<SendHalf>, event: &Bytes) {
    ///     subscribers.retain_mut(|subscriber| match subscriber.try_send(event.clone()) {
    ///         // One that does not keep up misses this event.
    ///         Ok(()) | Err(TrySendError::Full(_)) => true,
    ///         Err(TrySendError::Closed(_)) => false,
    ///     });
    /// }
    /// ```
    pub fn try_send(&mut self, data: impl Into<Bytes>) -> Result<(), TrySendError> {
        match &mut self.0 {
            Inner::Http2(half) => half.try_send(data),
            Inner::Http1(half) => half.try_send(data.into()).map_err(|(data, error)| match error {
                Some(error) => TrySendError::Closed(error),
                None => TrySendError::Full(data),
            }),
        }
    }

    /// Whether nothing more can be sent: the peer has reset the stream, the connection has ended, or
    /// the end of the message has been sent. Costs what [`is_cancelled`](Self::is_cancelled) does.
    pub fn is_closed(&self) -> bool {
        self.is_finished() || self.is_cancelled()
    }

    /// Whether the peer has reset the stream, or the connection has ended. Costs an uncontended lock;
    /// in HTTP/1.1 also a system call, as [`RecvHalf::is_cancelled`](super::RecvHalf::is_cancelled).
    ///
    /// Also `true` after the stream has ended in both directions as it should. A client knows what has
    /// been read by then: it reads while one of its threads waits for something.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.is_cancelled(),
            Inner::Http1(half) => half.link().is_cancelled(),
        }
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        match &self.0 {
            Inner::Http2(half) => half.wait_cancelled(timeout),
            Inner::Http1(half) => half.link().wait_cancelled(timeout),
        }
    }

    /// The half of its version.
    pub(crate) fn versioned(&mut self) -> Versioned<'_> {
        match &mut self.0 {
            Inner::Http2(half) => Versioned::Http2(half),
            Inner::Http1(half) => Versioned::Http1(half),
        }
    }

    /// The half of HTTP/2, where it is one.
    pub(crate) fn http2(&self) -> Option<&exchange::SendHalf> {
        match &self.0 {
            Inner::Http2(half) => Some(half),
            Inner::Http1(_) => None,
        }
    }

    /// The half of HTTP/1.x, where it is one.
    pub(crate) fn http1(&self) -> Option<&h1::SendHalf> {
        match &self.0 {
            Inner::Http1(half) => Some(half),
            Inner::Http2(_) => None,
        }
    }

    /// What has been written and not been put.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        either!(&mut self.0, half => &mut half.buffer)
    }

    /// Drops what is written from now on: the message has no body.
    pub(crate) fn drop_body(&mut self) {
        either!(&mut self.0, half => half.drop_body());
    }

    /// What is sent from now on is that of a tunnel. In HTTP/1.x the codec knows.
    pub(crate) fn note_tunnel(&mut self) {
        if let Inner::Http2(half) = &mut self.0 {
            let (conn, id) = (half.conn(), half.stream_id());
            if let Some(inbox) = conn.lock().streams.get_mut(&id) {
                inbox.is_tunnel = true;
            }
        }
    }

    /// Whether the end of the message has been asked for.
    pub(crate) fn is_finished(&self) -> bool {
        either!(&self.0, half => half.is_finished())
    }

    /// Whether the head has been put.
    pub(crate) fn has_begun(&self) -> bool {
        either!(&self.0, half => half.has_begun())
    }

    /// Puts octets without copying them, and writes out what has been put.
    pub(crate) fn put_and_flush(&mut self, data: Bytes) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Http2(half) => {
                half.put(None, data, exchange::Then::More)?;
                half.flush_conn();
                Ok(())
            }
            Inner::Http1(half) => {
                half.put(data, h1::Then::More)?;
                half.flush_link()
            }
        }
    }

    /// Writes out what has been put. An error is that of the next call.
    pub(crate) fn flush_put(&mut self) {
        match &mut self.0 {
            Inner::Http2(half) => half.flush_conn(),
            Inner::Http1(half) => {
                if let Err(error) = half.flush_link() {
                    logging::debug!("writing a response: {error}");
                }
            }
        }
    }

    /// Writes out what has been put, and fails if the exchange has ended before its time.
    pub(crate) fn flush_and_check(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Http2(half) => half.flush_and_check(),
            Inner::Http1(half) => half.flush().map_err(Error::from),
        }
    }
}

impl From<exchange::SendHalf> for SendHalf {
    fn from(half: exchange::SendHalf) -> Self {
        SendHalf(Inner::Http2(half))
    }
}

impl From<h1::SendHalf> for SendHalf {
    fn from(half: h1::SendHalf) -> Self {
        SendHalf(Inner::Http1(half))
    }
}

impl Write for SendHalf {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        either!(&mut self.0, half => half.write(buf))
    }

    /// Sends what has been written. With nothing to send, it still fails if the stream was reset or
    /// the connection has ended.
    fn flush(&mut self) -> io::Result<()> {
        either!(&mut self.0, half => half.flush())
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.0, half => half.fmt(f))
    }
}
