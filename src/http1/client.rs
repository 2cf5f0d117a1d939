//! The client's end of an HTTP/1.1 connection.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Response, StatusCode, Version};

use super::chunked::{Chunked, check_size};
use super::config::Config;
use super::error::Error;
use super::facts::{Coding, Facts};
use super::head;
use super::received::Received;
use super::receiver::{Body, Receiver, State};
use super::sender::Sender;

/// The client's end of one connection, with one request at a time. See the [module](super) for its
/// contract.
#[derive(Debug)]
pub struct ClientConnection {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    pub(super) asked: Asked,
    /// Whether requests are sent in absolute form.
    pub(super) is_to_proxy: bool,
    /// Whether a request may be sent after the current exchange.
    pub(super) is_persistent: bool,
    interim: u32,
}

/// What the current request means for its response.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) asks_upgrade: bool,
    /// Whether the client waits for 100 (Continue) before it sends content.
    pub(super) awaits_continue: bool,
}

impl ClientConnection {
    /// Creates a connection to a server, or to one through a tunnel.
    pub fn new(config: Config) -> Self {
        ClientConnection {
            receiver: Receiver::new(config, State::Done),
            sender: Sender::Head,
            asked: Asked::default(),
            is_to_proxy: false,
            is_persistent: true,
            interim: 0,
        }
    }

    /// Creates a connection to a proxy, with request targets in absolute form (RFC 9112, Section
    /// 3.2.2).
    pub fn to_proxy(config: Config) -> Self {
        ClientConnection { is_to_proxy: true, ..ClientConnection::new(config) }
    }

    /// Removes the header section of the next response from `input` and returns it, or `None` while
    /// it is incomplete. Each interim (1xx) response is returned by a call of its own, before the
    /// final one; 101 is final.
    ///
    /// When no response is expected, this returns `None` while the input is empty. A pool can check
    /// that before it reuses a connection.
    ///
    /// The reason phrase is dropped (RFC 9112, Section 4).
    ///
    /// # Errors
    ///
    /// If the response is malformed or over a limit, or if no request is waiting for it.
    pub fn receive_response(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Response<()>>, Error> {
        let result = match &self.receiver.state {
            State::Head => self.receive_head(input),
            State::Failed(error) => return Err(error.clone()),
            State::Done if self.sender == Sender::Head && !input.is_empty() => {
                // RFC 9112, Section 9.2: the response cannot be matched to a request.
                Err(Error::malformed("octets from the server, but no request is waiting for them"))
            }
            _ => return Ok(None),
        };
        result.map_err(|error| self.fail(error))
    }

    fn receive_head(&mut self, input: &mut BytesMut) -> Result<Option<Response<()>>, Error> {
        if !self.receiver.is_head_due(input) {
            return Ok(None);
        }
        let (mut response, mut facts) = (Response::new(()), Facts::default());
        *response.headers_mut() = self.receiver.spare_fields();
        if !self.receiver.head(input, &mut response, &mut facts, head::response)? {
            self.receiver.recycle(std::mem::take(response.headers_mut()));
            return Ok(None);
        }
        self.begin(&response, &facts)?;
        correct_length(response.headers_mut(), &facts);
        Ok(Some(response))
    }

    fn begin(&mut self, head: &Response<()>, facts: &Facts) -> Result<(), Error> {
        let status = head.status();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            // RFC 9110, Section 7.8.
            if !(self.asked.asks_upgrade && facts.has_upgrade) {
                return Err(Error::malformed(
                    "status 101 without an upgrade in request and response",
                ));
            }
            self.open_tunnel();
            return Ok(());
        }
        if status.is_informational() {
            self.interim += 1;
            let max = self.receiver.config.max_interim;
            if self.interim > max {
                let detail = format!("more than {max} interim responses (max_interim)");
                return Err(Error::limit(StatusCode::BAD_GATEWAY, detail));
            }
            self.asked.awaits_continue &= status != StatusCode::CONTINUE;
            return Ok(());
        }
        if self.asked.is_connect && status.is_success() {
            self.open_tunnel();
            return Ok(());
        }
        let is_1_1 = head.version() == Version::HTTP_11;
        let is_empty = self.asked.is_head
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.is_persistent &= facts.is_persistent(is_1_1) && !self.asked.is_connect;
        self.asked.awaits_continue = false;
        self.receiver.state = State::Done;
        if is_empty {
            self.settle();
            return Ok(());
        }
        let body = response_body(facts, is_1_1, &self.receiver.config)?;
        self.is_persistent &= match body {
            Body::Length(_) => true,
            // RFC 9112, Section 6.3: a content-length beside chunked is ignored, and the connection
            // is not reused.
            Body::Chunked(_) => facts.length.is_none(),
            Body::UntilClose(_) => false,
        };
        match body {
            Body::Length(0) => self.settle(),
            body => self.receiver.state = State::Body(body),
        }
        Ok(())
    }

    fn open_tunnel(&mut self) {
        self.receiver.state = State::Tunnel;
        self.sender = Sender::Tunnel;
        self.is_persistent = false;
    }

    fn fail(&mut self, error: Error) -> Error {
        let error = error.of_response();
        self.receiver.fail(error.clone());
        self.is_persistent = false;
        error
    }

    /// Returns what comes next in the body of the response, and removes the lines between chunks
    /// from `input`. Content stays there for the caller to take.
    ///
    /// Trailer fields that RFC 9110, Section 6.5.1 forbids are dropped.
    ///
    /// # Errors
    ///
    /// If the body is malformed or over a limit.
    pub fn receive_body(&mut self, input: &mut BytesMut) -> Result<Received, Error> {
        if matches!(self.receiver.state, State::Head) {
            return Ok(Received::End);
        }
        match self.receiver.body(input) {
            Ok(Received::End) => self.settle(),
            Ok(received) => return Ok(received),
            Err(error) => return Err(self.fail(error)),
        }
        Ok(Received::End)
    }

    /// Removes the available content from the front of `input` and returns it, without a copy.
    /// Empty unless the last [`receive_body`](Self::receive_body) returned
    /// [`Content`](Received::Content).
    pub fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
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
    }

    /// Handles the end of the server's direction: `input` is all that is left. Call this when more
    /// octets are needed and the transport has none. The connection is not reused.
    ///
    /// Returns `Ok` if no response is expected, or if the close ends the content of one. In the
    /// second case [`receive_body`](Self::receive_body) then returns [`End`](Received::End).
    ///
    /// # Errors
    ///
    /// [`Unanswered`](super::ErrorKind::Unanswered) before the first octet of a response,
    /// [`Truncated`](super::ErrorKind::Truncated) within one, or the error in the part that was
    /// received.
    pub fn end_of_input(&mut self, input: &[u8]) -> Result<(), Error> {
        self.is_persistent = false;
        if matches!(self.receiver.state, State::Head) {
            if input.is_empty() && self.interim == 0 {
                return Err(self.fail(Error::unanswered()));
            }
            let (mut response, mut facts) = (Response::new(()), Facts::default());
            let config = &self.receiver.config;
            if let Err(error) = head::response(input, config, &mut response, &mut facts) {
                return Err(self.fail(error));
            }
        }
        self.receiver.end_of_input().map_err(|error| self.fail(error))
    }

    /// Returns whether the header section of the final response is still to be received.
    pub fn expects_response(&self) -> bool {
        matches!(self.receiver.state, State::Head)
    }

    /// Returns whether the current content ends when the server closes the connection. If the
    /// transport was cut instead, the content is incomplete (RFC 9112, Section 9.8).
    pub fn is_until_close(&self) -> bool {
        matches!(self.receiver.state, State::Body(Body::UntilClose(_)))
    }

    /// Returns whether the client waits for 100 (Continue) before it sends content. A caller should
    /// send the content anyway after some time (RFC 9110, Section 10.1.1).
    pub fn awaits_continue(&self) -> bool {
        self.asked.awaits_continue
    }

    /// Becomes idle once both directions have completed the exchange.
    pub(super) fn settle(&mut self) {
        if self.sender == Sender::Done && self.is_persistent && self.receiver.is_done() {
            self.sender = Sender::Head;
            self.interim = 0;
        }
    }

    /// Returns whether a request may be sent: no exchange is active, and the connection persists.
    /// Octets in the input still rule it out; [`receive_response`](Self::receive_response) fails
    /// then.
    pub fn is_idle(&self) -> bool {
        self.sender == Sender::Head && self.is_persistent
    }

    /// Returns whether no further exchange is possible: the last response was received to its end,
    /// or receiving has failed. The rest of the request need not be sent.
    pub fn is_closed(&self) -> bool {
        let is_over =
            matches!(self.receiver.state, State::Done | State::Failed(_) | State::Stopped);
        is_over && !self.is_persistent
    }

    /// Returns whether the connection has become a tunnel. The rest of the input belongs to the
    /// tunnel, and the caller writes to the transport without this codec.
    pub fn is_tunnel(&self) -> bool {
        self.sender == Sender::Tunnel
    }

    /// Takes a map that is no longer needed, to reuse its memory for the next response.
    pub fn recycle(&mut self, headers: HeaderMap) {
        self.receiver.recycle(headers);
    }

    pub(super) fn expect_response(&mut self, asked: Asked) {
        self.asked = asked;
        self.interim = 0;
        self.receiver.state = State::Head;
    }
}

/// Leaves one `content-length`, and none beside a transfer coding, which overrides it: the response may be
/// forwarded (RFC 9112, Sections 6.2 and 6.3; RFC 9110, Section 8.6).
fn correct_length(headers: &mut HeaderMap, facts: &Facts) {
    match facts.length {
        Some(_) if facts.coding != Coding::None => drop(headers.remove(CONTENT_LENGTH)),
        Some(length) if facts.repeats_length => drop(headers.insert(CONTENT_LENGTH, length.into())),
        _ => {}
    }
}

/// Returns where the content of a response ends (RFC 9112, Section 6.3).
fn response_body(facts: &Facts, is_1_1: bool, config: &Config) -> Result<Body, Error> {
    match (facts.coding, facts.length) {
        (Coding::None, Some(length)) => {
            check_size(length, config)?;
            Ok(Body::Length(length))
        }
        (Coding::None, None) => Ok(Body::UntilClose(config.max_body_size.unwrap_or(u64::MAX))),
        // RFC 9112, Section 6.1.
        _ if !is_1_1 => Err(Error::malformed("transfer-encoding in an HTTP/1.0 response")),
        (Coding::Chunked, _) => Ok(Body::Chunked(Chunked::new(true))),
        _ => Err(Error::unsupported(
            StatusCode::NOT_IMPLEMENTED,
            "a transfer coding other than chunked is not implemented",
        )),
    }
}
