//! The sending half of an exchange.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Uri};

use super::either::{Either, either};
use crate::error::Error;
use crate::exchange::TrySendError;
use crate::frame::{ErrorCode, StreamId};
use crate::{exchange, h1};

/// The sending half of an exchange: the body of a message, and its trailers.
///
/// It is a buffered [`Write`]; [`flush`](Write::flush) sends the buffer. [`send`](Self::send) sends
/// an in-memory body without a copy. Writing blocks while the peer's windows are exhausted or the
/// transport is full (RFC 9113, Section 5.2), and fails after `stall_timeout`.
///
/// Call [`finish`](Self::finish) or [`send_trailers`](Self::send_trailers) at the end. Dropping it
/// before that resets the stream with CANCEL, or with INTERNAL_ERROR during a panic, and closes an
/// HTTP/1.1 connection: a truncated body must not look complete.
///
/// Errors of `Write` wrap an [`Error`] of this crate, which `Error::from` returns.
///
/// ```
/// use std::io::Write;
/// use std::time::{Duration, Instant};
///
/// use h2_sync::server::SendHalf;
/// use h2_sync::{Error, ErrorCode};
///
/// fn report(mut body: SendHalf, rows: &[Result<u32, String>]) -> Result<(), Error> {
///     body.set_write_timeout(Some(Duration::from_secs(10)));
///     body.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
///     for row in rows {
///         match row {
///             Ok(number) => writeln!(body, "{number}")?,
///             Err(_) => {
///                 // The client sees that the report is not complete.
///                 body.reset(ErrorCode::InternalError);
///                 return Ok(());
///             }
///         }
///     }
///     body.finish()
/// }
/// ```
pub struct SendHalf {
    pub(super) half: Inner,
    /// Where the end of the message is noted, for a thread that waits for the response.
    pub(super) ended_at: Option<EndedAt>,
    /// The URL of a client's request, for its errors.
    pub(super) url: Option<Arc<Uri>>,
}

/// When the end of a message was sent.
pub(crate) type EndedAt = Arc<OnceLock<Instant>>;

pub(super) type Inner = Either<exchange::SendHalf, h1::SendHalf>;

impl SendHalf {
    /// Returns the stream identifier. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match &self.half {
            Inner::Http2(half) => Some(half.stream_id()),
            Inner::Http1(_) => None,
        }
    }

    /// Sets the time that a write waits for room; `None`, the initial value, means the
    /// `stall_timeout` of the connection.
    ///
    /// When the time is over, the unsent data is lost. The body cannot be continued then: later
    /// writes fail too, and dropping the half resets the stream.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        either!(&mut self.half, half => half.set_write_timeout(timeout));
    }

    /// Sets the time at which writes fail, even if the peer accepts octets steadily.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        either!(&mut self.half, half => half.set_deadline(deadline));
    }

    /// Makes writes fail as soon as the peer has ended its message, in HTTP/2: at a client, as soon as
    /// the response is complete. For protocols in which nothing is sent after that, as in gRPC.
    ///
    /// Without this call the message goes on, as HTTP allows (RFC 9113, Section 8.1). Then a write waits
    /// for the window of a peer that has ended its own, and does not reset the stream, until the timeout.
    ///
    /// ```
    /// use h2_sync::client::Client;
    /// use h2_sync::http::Request;
    ///
    /// fn stream(client: &Client, pieces: &[&'static str]) -> Result<(), h2_sync::BoxError> {
    ///     let request = Request::post("https://example.com/").body(())?;
    ///     let (mut send, response) = client.open(request)?;
    ///     send.stop_when_peer_ends();
    ///     for piece in pieces {
    ///         send.send(*piece)?; // fails once the response is complete
    ///     }
    ///     send.finish()?;
    ///     println!("{}", std::io::read_to_string(response)?);
    ///     Ok(())
    /// }
    /// ```
    pub fn stop_when_peer_ends(&mut self) {
        if let Inner::Http2(half) = &mut self.half {
            half.stop_when_peer_ends();
        }
    }

    /// Sends octets without a copy, after everything that was written before.
    ///
    /// # Errors
    ///
    /// If the stream was reset or is finished, the connection has ended, or a timeout expired.
    pub fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        let sent = either!(&mut self.half, half => half.send(data.into()));
        sent.map_err(|error| self.in_request(error))
    }

    /// Sends the buffer and the end of the message.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn finish(&mut self) -> Result<(), Error> {
        let sent = match &mut self.half {
            Inner::Http2(half) => half.finish(),
            Inner::Http1(half) => half.finish(None),
        };
        self.note_end(sent)
    }

    /// Sends the buffer, trailers and the end of the message. In HTTP/1.1 the trailers are dropped
    /// if the client has not sent `te: trailers`, or if the response has a `content-length`.
    ///
    /// ```
    /// use h2_sync::http::{HeaderMap, HeaderValue};
    /// use h2_sync::server::SendHalf;
    ///
    /// fn send(body: &mut SendHalf, text: &'static str) -> Result<(), h2_sync::Error> {
    ///     body.send(text)?;
    ///     let mut trailers = HeaderMap::new();
    ///     trailers.insert("x-length", HeaderValue::from(text.len()));
    ///     body.send_trailers(&trailers)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and if the trailers are not a valid field section (RFC 9113,
    /// Section 8.1).
    pub fn send_trailers(&mut self, trailers: &HeaderMap) -> Result<(), Error> {
        let sent = match &mut self.half {
            Inner::Http2(half) => half.send_trailers(trailers),
            Inner::Http1(half) => half.finish(Some(trailers)),
        };
        self.note_end(sent)
    }

    /// Ends the stream with RST_STREAM, or the HTTP/1.x connection. Unsent data is dropped.
    pub fn reset(&mut self, code: ErrorCode) {
        match &mut self.half {
            Inner::Http2(half) => half.reset(code),
            Inner::Http1(half) => half.abort(),
        }
    }

    /// Sends octets without a copy, after everything that was written before, if there is room for
    /// all of them. Never blocks: another thread writes them to the transport.
    ///
    /// At most [`max_stream_send_buffer`](crate::proto::Config::max_stream_send_buffer) octets of a
    /// stream are buffered, and [`max_send_buffer`](crate::proto::Config::max_send_buffer) of its
    /// connection. An empty buffer accepts a piece of any size. The stream of a peer that accepts
    /// nothing for `stall_timeout` is reset.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] returns the octets, and [`TrySendError::Closed`] has the reason why
    /// nothing more can be sent.
    ///
    /// # Examples
    ///
    /// One thread sends events to all subscribers, and drops those that are gone:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use h2_sync::server::{SendHalf, TrySendError};
    ///
    /// fn publish(subscribers: &mut Vec<SendHalf>, event: &Bytes) {
    ///     subscribers.retain_mut(|subscriber| match subscriber.try_send(event.clone()) {
    ///         // A subscriber with a full buffer misses this event.
    ///         Ok(()) | Err(TrySendError::Full(_)) => true,
    ///         Err(TrySendError::Closed(_)) => false,
    ///     });
    /// }
    /// ```
    pub fn try_send(&mut self, data: impl Into<Bytes>) -> Result<(), TrySendError> {
        let sent = match &mut self.half {
            Inner::Http2(half) => half.try_send(data),
            Inner::Http1(half) => half.try_send(data.into()).map_err(full_or_closed),
        };
        sent.map_err(|error| match error {
            TrySendError::Closed(error) => TrySendError::Closed(self.in_request(error)),
            full @ TrySendError::Full(_) => full,
        })
    }

    /// Returns whether nothing more can be sent: the peer has reset the stream, the connection has
    /// ended, or the message is finished. Costs the same as [`is_cancelled`](Self::is_cancelled).
    ///
    /// ```
    /// use h2_sync::server::SendHalf;
    ///
    /// fn forget_closed(subscribers: &mut Vec<SendHalf>) {
    ///     subscribers.retain(|subscriber| !subscriber.is_closed());
    /// }
    /// ```
    pub fn is_closed(&self) -> bool {
        self.is_finished() || self.is_cancelled()
    }

    /// Returns whether the peer has reset the stream or the connection has ended. Costs an
    /// uncontended lock, and in HTTP/1.1 also a system call, like
    /// [`RecvHalf::is_cancelled`](super::RecvHalf::is_cancelled).
    ///
    /// Also returns true after the stream has ended normally in both directions. A client only
    /// notices what has been read, and reads while one of its threads waits.
    pub fn is_cancelled(&self) -> bool {
        match &self.half {
            Inner::Http2(half) => half.is_cancelled(),
            Inner::Http1(half) => half.link().is_cancelled(),
        }
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true, for at most `timeout`, and returns
    /// whether it is.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::SendHalf;
    ///
    /// /// Sends a piece each second, until the peer is gone.
    /// fn tick(body: &mut SendHalf) -> Result<(), h2_sync::Error> {
    ///     while !body.is_cancelled() && !body.wait_cancelled(Duration::from_secs(1)) {
    ///         body.send("tick\n")?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        match &self.half {
            Inner::Http2(half) => half.wait_cancelled(timeout),
            Inner::Http1(half) => half.link().wait_cancelled(timeout),
        }
    }

    /// Returns the fields with which the peer has ended its message: the trailers, or the header fields
    /// of a message without a body. `None` before the end, after a message without either, and in
    /// HTTP/1.x.
    ///
    /// A server may end its response before it has the whole request (RFC 9113, Section 8.1). These
    /// fields then tell the sender why, also while another thread reads the response. Costs an
    /// uncontended lock.
    ///
    /// ```no_run
    /// use h2_sync::client::SendHalf;
    ///
    /// fn explain(send: &mut SendHalf, piece: &'static str) {
    ///     if let Err(error) = send.send(piece) {
    ///         let fields = send.peer_ended_with().unwrap_or_default();
    ///         eprintln!("{error}: {:?}", fields.get("grpc-status"));
    ///     }
    /// }
    /// ```
    pub fn peer_ended_with(&self) -> Option<HeaderMap> {
        match &self.half {
            // The core only passes valid sections.
            Inner::Http2(half) => HeaderMap::try_from(&half.peer_ended_with()?).ok(),
            Inner::Http1(_) => None,
        }
    }
}

pub(super) fn full_or_closed((data, error): (Bytes, Option<Error>)) -> TrySendError {
    match error {
        Some(error) => TrySendError::Closed(error),
        None => TrySendError::Full(data),
    }
}

impl From<exchange::SendHalf> for SendHalf {
    fn from(half: exchange::SendHalf) -> Self {
        SendHalf { half: Inner::Http2(half), ended_at: None, url: None }
    }
}

impl From<h1::SendHalf> for SendHalf {
    fn from(half: h1::SendHalf) -> Self {
        SendHalf { half: Inner::Http1(half), ended_at: None, url: None }
    }
}

impl Write for SendHalf {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = either!(&mut self.half, half => half.write(buf));
        written.map_err(|error| self.in_request(error.into()).into())
    }

    /// Sends the buffer. If it is empty, the call still fails if the stream was reset or the
    /// connection has ended.
    fn flush(&mut self) -> io::Result<()> {
        let flushed = either!(&mut self.half, half => half.flush());
        flushed.map_err(|error| self.in_request(error.into()).into())
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.half, half => half.fmt(f))
    }
}
