//! What a handler answers.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use super::context::Context;
use super::fields::Fields;
use super::head;
use super::pool::Scratch;
use super::request::Request;
use crate::error::Error;
use crate::exchange::{Arrival, PIECE};
use crate::frame::{ErrorCode, StreamId};
use crate::h1::Then;
use crate::halves::{RecvHalf, SendHalf, Versioned};
use crate::hpack::Headers;
use crate::logging;
use crate::proto::CommandError;

/// A response, whose body is written to it.
///
/// Status and header fields are set first; they go out with the first piece of the body, by
/// [`flush`](Write::flush), or when the handler returns. A small body is gathered until then, which
/// lets `content-length` be added and all of it go out in one write. A larger one is sent as it is
/// written, and writing waits while the client's windows are shut.
///
/// When the handler returns `Ok`, the response is complete. A response to HEAD, and one with status
/// 204, 205 or 304, has no body, whatever is written. A 2xx response to CONNECT begins a tunnel, 204
/// and 205 included. A `content-length` that such a response must not have (RFC 9110, Section 8.6) is
/// left out.
///
/// ```
/// use std::io::Write;
///
/// use h2_sync::server::{Request, Response};
///
/// fn handler(_: &mut Request, response: &mut Response) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     response.set_header("content-type", "text/plain")?;
///     write!(response, "hello")?;
///     Ok(())
/// }
/// ```
pub struct Response {
    /// Gone after a [`split`](Self::split).
    pub(super) send: Option<SendHalf>,
    /// `None` in HTTP/1.x.
    stream_id: Option<StreamId>,
    pub(super) context: Arc<Context>,
    pub(super) status: StatusCode,
    pub(super) fields: Fields,
    trailers: Option<HeaderMap>,
    /// The header section has been put.
    pub(super) is_started: bool,
    /// The response is complete: the request was [refused](Self::refuse).
    pub(super) is_refused: bool,
    /// The request's method.
    pub(super) method: Method,
    /// Octets written that are not sent, as there is no body.
    pub(super) unsent: u64,
    pub(super) scratch: Scratch,
}

impl Response {
    pub(super) fn new(
        context: Arc<Context>,
        send: SendHalf,
        method: Method,
        mut scratch: Scratch,
    ) -> Self {
        Response {
            fields: std::mem::take(&mut scratch.fields),
            scratch,
            stream_id: send.stream_id(),
            send: Some(send),
            context,
            status: StatusCode::OK,
            trailers: None,
            is_started: false,
            is_refused: false,
            method,
            unsent: 0,
        }
    }

    /// The status; 200 at first.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sets the status: a number of three digits, or a [`StatusCode`].
    ///
    /// # Errors
    ///
    /// It is no status of a final response (200 to 999), or the header section has gone out.
    pub fn set_status<S>(&mut self, status: S) -> Result<(), Error>
    where
        StatusCode: TryFrom<S>,
    {
        self.check_not_started()?;
        let status = StatusCode::try_from(status).ok().filter(|status| !status.is_informational());
        self.status =
            status.ok_or_else(|| Error::usage("a final response has a status of 200 to 999"))?;
        Ok(())
    }

    /// The header fields, to be seen and changed, without those that are added when they go out.
    ///
    /// # Errors
    ///
    /// The header section has gone out.
    pub fn headers_mut(&mut self) -> Result<&mut HeaderMap, Error> {
        self.check_not_started()?;
        Ok(self.fields.map_mut())
    }

    /// Sets a header field, in place of those with the same name.
    ///
    /// # Errors
    ///
    /// The name or the value is not valid, or the header section has gone out.
    pub fn set_header<N, V>(&mut self, name: N, value: V) -> Result<(), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let (name, value) = self.check_field(name, value)?;
        self.fields.set(name, value);
        Ok(())
    }

    /// Adds a header field behind those with the same name.
    ///
    /// # Errors
    ///
    /// Those of [`set_header`](Self::set_header).
    pub fn append_header<N, V>(&mut self, name: N, value: V) -> Result<(), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let (name, value) = self.check_field(name, value)?;
        self.fields.append(name, value);
        Ok(())
    }

    /// Sends an informational response before the final one: 103 with `link` fields, say.
    ///
    /// # Errors
    ///
    /// The status is not one of 102 to 199, a field is not valid, or the header section of the final
    /// response has gone out.
    pub fn send_informational<S>(&mut self, status: S, headers: &HeaderMap) -> Result<(), Error>
    where
        StatusCode: TryFrom<S>,
    {
        self.check_not_started()?;
        // RFC 9110, Section 15.2.2: 101 is no interim response. `upgrade` sends it.
        let status = StatusCode::try_from(status).ok().filter(|status| {
            status.is_informational() && *status != StatusCode::SWITCHING_PROTOCOLS
        });
        let status = status
            .ok_or_else(|| Error::usage("an informational response is 100, or 102 to 199"))?;
        match self.send.as_mut().ok_or_else(taken_apart)?.versioned() {
            Versioned::Http2(send) => {
                let mut fields = Headers::new().with(":status", status.as_str());
                head::push(&mut fields, headers);
                send.put_interim(&fields)
            }
            Versioned::Http1(send) => send.put_interim(status, headers),
        }
    }

    /// Asks the client to open no more streams on this connection, which ends when this response and
    /// the others on it are complete (RFC 9113, Section 6.8). Requests that are on their way are still
    /// answered. In HTTP/1.x the connection ends after this response, which says `connection: close`
    /// if its header section has not gone out.
    ///
    /// # Errors
    ///
    /// Request and response have been taken apart.
    pub fn close_connection(&mut self) -> Result<(), Error> {
        match self.send.as_mut().ok_or_else(taken_apart)?.versioned() {
            Versioned::Http2(send) => send.conn().with(|state, now| state.core.shutdown(now)),
            Versioned::Http1(send) => send.link().close_after_response(),
        }
        Ok(())
    }

    /// Whether the client takes pushed streams. Most do not, and HTTP/1.x has none.
    pub fn can_push(&self) -> bool {
        let http2 = self.send.as_ref().and_then(SendHalf::http2);
        http2.is_some_and(|send| send.conn().lock().core.remote_settings().enable_push)
    }

    /// Promises the client another response, which the server's handler is called for as if the
    /// client had sent `request` (RFC 9113, Section 8.4). Returns the promised stream's identifier.
    ///
    /// # Errors
    ///
    /// The client takes no pushed streams, or too many; or `request` is not a safe one without body.
    pub fn push(&mut self, request: &http::Request<()>) -> Result<StreamId, Error> {
        let mut fields = head::request_fields(request);
        if fields.authority().is_none() {
            return Err(Error::usage("a promised request needs an authority"));
        }
        let send = self.send.as_ref().ok_or_else(taken_apart)?;
        let send = send.http2().ok_or_else(|| Error::usage("HTTP/1.x has no pushed streams"))?;
        let (conn, associated) = (send.conn(), send.stream_id());
        let id = conn.with(|state, now| {
            let id = state.core.reserve_stream_id(now)?;
            let promised = state.core.promise(associated, id, &fields, now);
            if let Err(error) = promised {
                // An identifier that is not used would hold up the next.
                let _ = state.core.reset(id, ErrorCode::Cancel, now);
                return Err(Error::from(error));
            }
            let headers = std::mem::take(&mut fields);
            state.arrive(Arrival { id, headers, end_stream: true, since: now });
            Ok(id)
        })?;
        conn.work_elsewhere();
        Ok(id)
    }

    /// Trailers, which end the response. They may be set until the handler returns. A client of
    /// HTTP/1.1 gets them only where it has said `te: trailers`.
    pub fn set_trailers(&mut self, trailers: HeaderMap) {
        self.trailers = Some(trailers);
    }

    /// Sends octets without copying them, behind what has been written.
    ///
    /// # Errors
    ///
    /// The client has reset the stream, the connection has ended, or the client has kept its windows
    /// shut for too long.
    pub fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        let data = data.into();
        if !self.has_body() {
            self.unsent += data.len() as u64;
            return Ok(());
        }
        let is_small = data.len() < PIECE && !self.is_started;
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if is_small && send.buffer().is_empty() {
            // As if it had been written: the handler may be about to return.
            send.buffer().extend_from_slice(&data);
            return Ok(());
        }
        self.put(Then::More)?;
        if let Some(send) = &mut self.send {
            send.put_and_flush(data)?;
        }
        Ok(())
    }

    /// When it is too late for anything to be written, however steadily the client takes it; `None`, as
    /// at first, is never. Writes fail then, and the response cannot be gone on with.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(send) = &mut self.send {
            send.set_deadline(deadline);
        }
    }

    /// Takes request and response apart, into a half to read from and a half to write to, for two
    /// threads, or for one that outlives the handler. The header section goes out now.
    ///
    /// What becomes of the stream is then in the hands of the halves alone; the handler may return.
    /// Where the response has no body (to HEAD, say), what is written to its half is dropped.
    ///
    /// # Errors
    ///
    /// They have been taken apart before, or the header section cannot be sent.
    pub fn split(&mut self, request: &mut Request) -> Result<(RecvHalf, SendHalf), Error> {
        self.put(Then::More)?;
        let mut recv = request.take_body().ok_or_else(taken_apart)?;
        recv.stand_alone();
        let mut send = self.send.take().ok_or_else(taken_apart)?;
        if !self.has_body() {
            send.drop_body();
        }
        send.flush_put();
        Ok((recv, send))
    }

    /// The handler has returned `Ok`: the response is complete. Does not flush.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.trailers.take() {
            _ if self.send.is_none() || self.is_refused => Ok(()),
            Some(trailers) if self.has_body() => self.put(Then::Trailers(&trailers)),
            _ => self.put(Then::End),
        }
    }

    /// The handler has failed, with this error if it is one of ours: an error response if that is
    /// still possible, and RST_STREAM if not.
    pub(super) fn fail(&mut self, status: StatusCode, cause: Option<&Error>) {
        if self.is_started {
            self.reset_for(cause);
            return;
        }
        self.status = status;
        self.fields.clear();
        self.trailers = None;
        if let Some(send) = &mut self.send {
            send.buffer().clear();
        }
        if let Err(error) = self.finish() {
            logging::debug!("an error response cannot be sent: {error}");
            self.reset_for(Some(&error));
        }
    }

    fn reset_for(&mut self, cause: Option<&Error>) {
        let code = match cause.and_then(Error::as_command_error) {
            // The client's own limit keeps the response from going.
            Some(CommandError::SectionTooLarge { .. }) => ErrorCode::EnhanceYourCalm,
            _ => ErrorCode::InternalError,
        };
        if let Some(send) = self.send.as_mut().filter(|send| !send.is_finished()) {
            send.reset(code);
        }
    }

    /// The memory, for the next response.
    pub(super) fn into_scratch(self) -> Scratch {
        let Response { send, mut fields, mut scratch, .. } = self;
        if let Some(mut send) = send {
            scratch.body = std::mem::take(send.buffer());
            // What a response that failed has left is nobody's business, least of all of the client
            // that the next response is for.
            scratch.body.clear();
        }
        fields.clear();
        scratch.fields = fields;
        scratch
    }

    /// Ends a connection of HTTP/1.x after this response.
    pub(super) fn close_http1(&self) {
        if let Some(send) = self.send.as_ref().and_then(SendHalf::http1) {
            send.link().close_after_response();
        }
    }

    /// The status that answers what was wrong with a body in HTTP/1.x, where something was.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        self.send.as_ref()?.http1()?.link().refusal()
    }

    fn check_not_started(&self) -> Result<(), Error> {
        if self.is_started || self.send.is_none() {
            return Err(Error::usage("the header section has gone out already"));
        }
        Ok(())
    }

    fn check_field<N, V>(&self, name: N, value: V) -> Result<(HeaderName, HeaderValue), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        self.check_not_started()?;
        let name = HeaderName::try_from(name).ok();
        let name = name.ok_or_else(|| Error::usage("not the name of a header field"))?;
        let value = HeaderValue::try_from(value).ok();
        let value = value.ok_or_else(|| Error::usage("not the value of a header field"))?;
        Ok((name, value))
    }
}

pub(super) fn taken_apart() -> Error {
    Error::usage("request and response have been taken apart")
}

impl Write for Response {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.has_body() {
            self.unsent += buf.len() as u64;
            return Ok(buf.len());
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if !self.is_started && send.buffer().len() + buf.len() >= PIECE {
            self.put(Then::More)?;
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        send.write(buf)
    }

    /// Sends what has been set and written. With nothing to send, it still fails if the client has
    /// reset the stream or the connection has ended. In HTTP/1.x, a client that sends nothing more may
    /// still read: [`Request::is_cancelled`] tells of it.
    fn flush(&mut self) -> io::Result<()> {
        if !self.is_started || self.has_body() {
            self.put(Then::More)?;
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        Ok(send.flush_and_check()?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("stream_id", &self.stream_id)
            .field("status", &self.status)
            .field("fields", &self.fields)
            .field("is_started", &self.is_started)
            .finish_non_exhaustive()
    }
}
