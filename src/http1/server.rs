//! The server's end of a connection.

use bytes::{Buf, Bytes, BytesMut};
use http::header::HeaderMap;
use http::{Method, Request, StatusCode, Version};

use super::chunked::{check_size, Chunked};
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
    /// Whether a request may come after this exchange.
    pub(super) is_persistent: bool,
    /// Whether an empty line before the request line has been passed over.
    has_skipped_line: bool,
}

/// What the request under way says about its response.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) is_1_1: bool,
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) asks_upgrade: bool,
    pub(super) takes_trailers: bool,
    /// The client waits for 100 before it sends content.
    pub(super) expects_continue: bool,
}

impl ServerConnection {
    /// A connection on which nothing has been received yet.
    pub fn new(config: Config) -> Self {
        ServerConnection {
            receiver: Receiver::new(config, State::Head),
            sender: Sender::Idle,
            request: Asked::default(),
            is_persistent: true,
            has_skipped_line: false,
        }
    }

    /// Takes the head of the next request off the front of `input`.
    ///
    /// `None` while not all of it is there, and while the exchange before has not ended: the response
    /// has to be [finished](Self::finish) and the body received to its [end](Received::End).
    /// Pipelined requests stay in the input until then.
    ///
    /// The URI is the request target: a path, an absolute URI, the host and port of CONNECT, or `*`.
    /// `host` is valid, and agrees with an absolute target.
    ///
    /// # Errors
    ///
    /// The request is malformed, not implemented or over a limit. It can be answered with
    /// [`Error::status`] by [`send_response`](Self::send_response), and then the connection ends.
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

    /// RFC 9112, Section 2.2: a server passes over one empty line before a request, as some clients
    /// send one behind a body. More of them are refused. Whether a request line may begin here.
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
                Err(Error::malformed("there is a line end in front of the request line"))
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
            // RFC 9110, Section 9.3.6: it has no content, and what follows belongs to the tunnel.
            return Err(Error::malformed("CONNECT has no content"));
        }
        if let Some(Body::Length(len)) = &body {
            check_size(*len, &self.receiver.config)?;
        }
        self.request = Asked {
            is_1_1,
            is_head: *head.method() == Method::HEAD,
            is_connect,
            // RFC 9110, Section 7.8: not in HTTP/1.0.
            asks_upgrade: is_1_1 && facts.has_upgrade && facts.lists_upgrade,
            takes_trailers: facts.takes_trailers,
            // RFC 9110, Section 10.1.1: not in HTTP/1.0, and not where there is no content.
            expects_continue: is_1_1 && facts.expects_continue && body.is_some(),
        };
        self.is_persistent &= facts.is_persistent(is_1_1);
        self.has_skipped_line = false;
        self.receiver.state = body.map_or(State::Done, State::Body);
        self.sender = Sender::Head;
        Ok(())
    }

    /// Tells what comes next of the body of the request, and takes the lines between chunks off the
    /// front of `input`. Content stays there for the caller to take.
    ///
    /// # Errors
    ///
    /// The body is malformed or over a limit. Where no response has been sent, the request can be
    /// answered with [`Error::status`]; then the connection ends.
    pub fn receive_body(&mut self, input: &mut BytesMut) -> Result<Received, Error> {
        // A client that sends content has not waited.
        self.request.expects_continue &= input.is_empty();
        let received = self.receiver.body(input);
        match &received {
            Ok(Received::End) => self.settle(),
            Err(_) => self.is_persistent = false,
            Ok(_) => {}
        }
        received
    }

    /// Takes content off the front of `input`, as much as is there: shared with it, not copied. Empty
    /// unless [`receive_body`](Self::receive_body) has just said [`Content`](Received::Content).
    pub fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
        self.request.expects_continue &= input.is_empty();
        self.receiver.take_content(input)
    }

    /// Accounts for `len` octets of content that the caller has taken itself: off the front of the
    /// input, or, where the input was empty, straight from the transport.
    ///
    /// # Panics
    ///
    /// If that is more than [`receive_body`](Self::receive_body) has just announced.
    #[track_caller]
    pub fn consume(&mut self, len: u64) {
        self.receiver.consume(len);
        self.request.expects_continue &= len == 0;
    }

    /// The client has closed its direction: `input` is all that is left, and no more octets come. To be
    /// called when more are needed and there are none.
    ///
    /// Where it is `Ok` between two requests, [`is_closed`](Self::is_closed) holds from now on. A
    /// response can still be sent.
    ///
    /// # Errors
    ///
    /// The client has closed within a request; or what is wrong with the part that has come.
    pub fn end_of_input(&mut self, input: &[u8]) -> Result<(), Error> {
        self.is_persistent = false;
        if matches!(self.receiver.state, State::Head) {
            if input.is_empty() {
                self.receiver.state = State::Stopped;
                return Ok(());
            }
            // What is wrong with the part that has come says more than that it has no end.
            let (mut request, mut facts) = (Request::new(()), Facts::default());
            let config = &self.receiver.config;
            if let Err(error) = head::request(input, config, &mut request, &mut facts) {
                self.receiver.fail(error.clone());
                return Err(error);
            }
        }
        self.receiver.end_of_input()
    }

    /// Gives up what the client sends from here on, also where nothing has been received: after a
    /// timeout, or because a body is too large to be drained. The connection ends after the response,
    /// which says `connection: close` if its head has not been sent.
    pub fn stop_receiving(&mut self) {
        if !matches!(self.receiver.state, State::Tunnel | State::Failed(_)) {
            self.receiver.state = State::Stopped;
        }
        self.is_persistent = false;
    }

    /// Ends the connection after the exchange under way, or at once where there is none: for a server
    /// that shuts down.
    pub fn close_after_response(&mut self) {
        self.is_persistent = false;
    }

    /// Whether the client waits for 100 before it sends content, and has not got it. A handler that
    /// reads the body has it sent by [`send_interim`](Self::send_interim).
    ///
    /// A final response that is sent meanwhile says `connection: close`, since it is not known whether
    /// the client then sends the content.
    pub fn expects_continue(&self) -> bool {
        self.request.expects_continue
    }

    /// Begins anew once both directions have come to the end of the exchange.
    pub(super) fn settle(&mut self) {
        if self.sender == Sender::Done && self.is_persistent && self.receiver.is_done() {
            self.receiver.state = State::Head;
            self.sender = Sender::Idle;
        }
    }

    /// Whether no exchange is under way: a request may begin.
    pub fn is_idle(&self) -> bool {
        self.sender == Sender::Idle && matches!(self.receiver.state, State::Head)
    }

    /// Whether there will be no other exchange: all of the last response has been encoded, or the
    /// client has closed, or the server closes and no request is under way.
    pub fn is_closed(&self) -> bool {
        match self.sender {
            Sender::Idle => !self.is_persistent && !matches!(self.receiver.state, State::Failed(_)),
            Sender::Done => !self.is_persistent,
            _ => false,
        }
    }

    /// Whether the connection carries something else from here on. What is left in the input is the
    /// beginning of it, and what is written from now on is written as it is.
    pub fn is_tunnel(&self) -> bool {
        self.sender == Sender::Tunnel
    }

    /// Gives the memory of fields that are not needed any more to the next request.
    pub fn recycle(&mut self, headers: HeaderMap) {
        self.receiver.recycle(headers);
    }
}

/// Where the content of a request ends (RFC 9112, Section 6.3). `None` where there is none.
fn request_body(facts: &Facts, is_1_1: bool) -> Result<Option<Body>, Error> {
    match (facts.coding, facts.length) {
        (Coding::None, None | Some(0)) => Ok(None),
        (Coding::None, Some(length)) => Ok(Some(Body::Length(length))),
        // RFC 9112, Section 6.1.
        _ if !is_1_1 => Err(Error::malformed("HTTP/1.0 has no transfer-encoding")),
        (_, Some(_)) => Err(Error::malformed("there is a content-length beside transfer-encoding")),
        (Coding::Chunked, None) => Ok(Some(Body::Chunked(Chunked::new(false)))),
        (Coding::ThenChunked, None) => {
            let detail = "a transfer coding other than chunked is not implemented";
            Err(Error::unsupported(StatusCode::NOT_IMPLEMENTED, detail))
        }
        (Coding::Other | Coding::Broken, None) => {
            Err(Error::malformed("transfer-encoding does not end with chunked, once"))
        }
    }
}
