//! The server's end of an HTTP/1.1 connection.

use bytes::{Buf, Bytes, BytesMut};
use http::header::HeaderMap;
use http::{Method, Request, StatusCode, Version};

use super::chunked::{Chunked, check_size};
use super::config::Config;
use super::error::Error;
use super::facts::{Coding, Facts};
use super::head;
use super::received::Received;
use super::receiver::{Body, Receiver, State};
use super::sender::Sender;

/// The server's end of one connection. See the [module](super) for its contract.
#[derive(Debug)]
pub struct ServerConnection {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    pub(super) request: Asked,
    /// Whether the connection accepts a request after this exchange.
    pub(super) is_persistent: bool,
    /// Whether the next response says that the connection ends after it.
    pub(super) announces_close: bool,
    /// Whether an empty line before the request line was skipped.
    has_skipped_line: bool,
}

/// What the current request means for its response.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) is_1_1: bool,
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) asks_upgrade: bool,
    pub(super) takes_trailers: bool,
    /// Whether the client waits for 100 (Continue) before it sends content.
    pub(super) expects_continue: bool,
}

impl ServerConnection {
    /// Creates a connection on which nothing has been received yet.
    pub fn new(config: Config) -> Self {
        ServerConnection {
            receiver: Receiver::new(config, State::Head),
            sender: Sender::Idle,
            request: Asked::default(),
            is_persistent: true,
            announces_close: false,
            has_skipped_line: false,
        }
    }

    /// Removes the header section of the next request from `input` and returns it.
    ///
    /// Returns `None` while the header section is incomplete, and while the previous exchange has
    /// not ended: its response must be [finished](Self::finish) and its body received to the
    /// [end](Received::End). Pipelined requests stay in the input until then.
    ///
    /// The URI is the request target: a path, an absolute URI, the host and port of CONNECT, or
    /// `*`. `host` is valid and agrees with an absolute target.
    ///
    /// # Errors
    ///
    /// If the request is malformed, unsupported or over a limit. The server can answer with
    /// [`Error::status`] by [`send_response`](Self::send_response); the connection ends after that.
    pub fn receive_request(&mut self, input: &mut BytesMut) -> Result<Option<Request<()>>, Error> {
        match &self.receiver.state {
            State::Head => {}
            State::Failed(error) => return Err(error.clone()),
            _ => return Ok(None),
        }
        let result = self.receive_head(input);
        if let Err(error) = &result {
            self.receiver.fail(error.clone());
            self.is_persistent = false;
        }
        result
    }

    fn receive_head(&mut self, input: &mut BytesMut) -> Result<Option<Request<()>>, Error> {
        if !self.skip_empty_line(input)? || !self.receiver.is_head_due(input) {
            return Ok(None);
        }
        let (mut request, mut facts) = (Request::new(()), Facts::default());
        *request.headers_mut() = self.receiver.spare_fields();
        if !self.receiver.head(input, &mut request, &mut facts, head::request)? {
            self.receiver.recycle(std::mem::take(request.headers_mut()));
            return Ok(None);
        }
        self.begin(&request, &facts)?;
        Ok(Some(request))
    }

    /// Skips one empty line before a request, which some clients send after a body, and refuses
    /// more (RFC 9112, Section 2.2). Returns whether a request line may begin here.
    fn skip_empty_line(&mut self, input: &mut BytesMut) -> Result<bool, Error> {
        match &input[..] {
            [b'\r'] if !self.has_skipped_line => return Ok(false),
            [b'\r', b'\n', ..] if !self.has_skipped_line => {
                self.has_skipped_line = true;
                input.advance(2);
            }
            _ => {}
        }
        match input.first() {
            None => Ok(false),
            Some(b'\r' | b'\n') => {
                Err(Error::malformed("more than one empty line before the request line"))
            }
            Some(_) => Ok(true),
        }
    }

    /// Begins an exchange.
    fn begin(&mut self, head: &Request<()>, facts: &Facts) -> Result<(), Error> {
        let is_1_1 = head.version() == Version::HTTP_11;
        let is_connect = *head.method() == Method::CONNECT;
        let body = request_body(facts, is_1_1)?;
        if is_connect && body.is_some() {
            // RFC 9110, Section 9.3.6: CONNECT has no content, and what follows belongs to the
            // tunnel.
            return Err(Error::malformed("CONNECT with a content-length or transfer-encoding"));
        }
        if let Some(Body::Length(len)) = &body {
            check_size(*len, &self.receiver.config)?;
        }
        self.request = Asked {
            is_1_1,
            is_head: *head.method() == Method::HEAD,
            is_connect,
            // RFC 9110, Section 7.8: `upgrade` in an HTTP/1.0 request is ignored.
            asks_upgrade: is_1_1 && facts.has_upgrade && facts.lists_upgrade,
            takes_trailers: facts.takes_trailers,
            // RFC 9110, Section 10.1.1: `100-continue` is ignored in HTTP/1.0 and without content.
            expects_continue: is_1_1 && facts.expects_continue && body.is_some(),
        };
        self.is_persistent &= facts.is_persistent(is_1_1);
        self.has_skipped_line = false;
        self.receiver.state = body.map_or(State::Done, State::Body);
        self.sender = Sender::Head;
        Ok(())
    }

    /// Returns what comes next in the body of the request, and removes the lines between chunks
    /// from `input`. Content stays there for the caller to take.
    ///
    /// # Errors
    ///
    /// If the body is malformed or over a limit. If no response has been sent, the server can
    /// answer with [`Error::status`]; the connection ends after that.
    pub fn receive_body(&mut self, input: &mut BytesMut) -> Result<Received, Error> {
        // The client has sent content without waiting for 100.
        self.request.expects_continue &= input.is_empty();
        let received = self.receiver.body(input);
        match &received {
            Ok(Received::End) => self.settle(),
            Err(_) => self.is_persistent = false,
            Ok(_) => {}
        }
        received
    }

    /// Removes the available content from the front of `input` and returns it, without a copy.
    /// Empty unless the last [`receive_body`](Self::receive_body) returned
    /// [`Content`](Received::Content).
    pub fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
        self.request.expects_continue &= input.is_empty();
        self.receiver.take_content(input)
    }

    /// Accounts for `len` octets of content that the caller has taken itself: from the front of the
    /// input or, if that was empty, directly from the transport.
    ///
    /// # Panics
    ///
    /// If `len` is more than the last [`receive_body`](Self::receive_body) returned.
    #[track_caller]
    pub fn consume(&mut self, len: u64) {
        self.receiver.consume(len);
        self.request.expects_continue &= len == 0;
    }

    /// Handles the end of the client's direction: `input` is all that is left. Call this when more
    /// octets are needed and the transport has none.
    ///
    /// Between two requests it returns `Ok`, and [`is_closed`](Self::is_closed) returns true from
    /// then on. A response can still be sent.
    ///
    /// # Errors
    ///
    /// If the client has closed within a request; or the error in the part that was received.
    pub fn end_of_input(&mut self, input: &[u8]) -> Result<(), Error> {
        self.is_persistent = false;
        if matches!(self.receiver.state, State::Head) {
            if input.is_empty() {
                self.receiver.state = State::Stopped;
                return Ok(());
            }
            // An error in the received part is more specific than its missing end.
            let (mut request, mut facts) = (Request::new(()), Facts::default());
            let config = &self.receiver.config;
            if let Err(error) = head::request(input, config, &mut request, &mut facts) {
                self.receiver.fail(error.clone());
                return Err(error);
            }
        }
        self.receiver.end_of_input()
    }

    /// Ignores what the client sends from here on, even if nothing was received: after a timeout,
    /// or because a body is too large to be drained. The connection ends after the response, which
    /// says `connection: close` if its header section has not been sent.
    pub fn stop_receiving(&mut self) {
        if !matches!(self.receiver.state, State::Tunnel | State::Failed(_)) {
            self.receiver.state = State::Stopped;
        }
        self.is_persistent = false;
    }

    /// Ends the connection after the current exchange, or at once if there is none.
    pub fn close_after_response(&mut self) {
        self.is_persistent = false;
    }

    /// Returns whether the body of the current request has been received to its end.
    pub fn has_whole_body(&self) -> bool {
        self.receiver.is_done()
    }

    /// Makes the next response say `connection: close`, and ends the connection after it. For a
    /// server that is shutting down: until a response has said so, the client may send another
    /// request.
    pub fn announce_close(&mut self) {
        self.announces_close = true;
    }

    /// Returns whether the client waits for 100 (Continue) before it sends content. Send it with
    /// [`send_interim`](Self::send_interim) when a handler reads the body.
    ///
    /// A final response sent before that says `connection: close`, since the client may or may not
    /// send the content then.
    pub fn expects_continue(&self) -> bool {
        self.request.expects_continue
    }

    /// Becomes idle once both directions have completed the exchange.
    pub(super) fn settle(&mut self) {
        if self.sender == Sender::Done && self.is_persistent && self.receiver.is_done() {
            self.receiver.state = State::Head;
            self.sender = Sender::Idle;
        }
    }

    /// Returns whether no exchange is active, so that a request may begin.
    pub fn is_idle(&self) -> bool {
        self.sender == Sender::Idle && matches!(self.receiver.state, State::Head)
    }

    /// Returns whether no further exchange is possible: the last response is fully encoded, the
    /// client has closed, or the server is closing and no request is active.
    pub fn is_closed(&self) -> bool {
        match self.sender {
            Sender::Idle => !self.is_persistent && !matches!(self.receiver.state, State::Failed(_)),
            Sender::Done => !self.is_persistent,
            _ => false,
        }
    }

    /// Returns whether the connection has become a tunnel. The rest of the input belongs to the
    /// tunnel, and the caller writes to the transport without this codec.
    pub fn is_tunnel(&self) -> bool {
        self.sender == Sender::Tunnel
    }

    /// Takes a map that is no longer needed, to reuse its memory for the next request.
    pub fn recycle(&mut self, headers: HeaderMap) {
        self.receiver.recycle(headers);
    }
}

/// Returns where the content of a request ends, or `None` if it has none (RFC 9112, Section 6.3).
fn request_body(facts: &Facts, is_1_1: bool) -> Result<Option<Body>, Error> {
    match (facts.coding, facts.length) {
        (Coding::None, None | Some(0)) => Ok(None),
        (Coding::None, Some(length)) => Ok(Some(Body::Length(length))),
        // RFC 9112, Section 6.1.
        _ if !is_1_1 => Err(Error::malformed("transfer-encoding in an HTTP/1.0 request")),
        (_, Some(_)) => {
            Err(Error::malformed("both content-length and transfer-encoding are present"))
        }
        (Coding::Chunked, None) => Ok(Some(Body::Chunked(Chunked::new(false)))),
        (Coding::ThenChunked, None) => {
            let detail = "a transfer coding other than chunked is not implemented";
            Err(Error::unsupported(StatusCode::NOT_IMPLEMENTED, detail))
        }
        (Coding::Other | Coding::Broken, None) => {
            Err(Error::malformed("transfer-encoding does not end with a single chunked"))
        }
    }
}
