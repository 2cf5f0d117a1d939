//! The client's end of a connection.

use bytes::{Bytes, BytesMut};
use http::header::HeaderMap;
use http::{Response, StatusCode, Version};

use super::chunked::{check_size, Chunked};
use super::config::Config;
use super::error::Error;
use super::facts::{Coding, Facts};
use super::head;
use super::received::Received;
use super::receiver::{Body, Receiver, State};
use super::sender::Sender;

/// The client's end of one connection, which has one request at a time. See the [module](super) for
/// its contract.
#[derive(Debug)]
pub struct ClientConnection {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    pub(super) asked: Asked,
    /// Whether requests are sent in absolute form.
    pub(super) is_to_proxy: bool,
    /// Whether a request may be sent after this exchange.
    pub(super) is_persistent: bool,
    interim: u32,
}

/// What the request under way says about its response.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) asks_upgrade: bool,
    /// The server is to answer with 100 before content is sent.
    pub(super) awaits_continue: bool,
}

impl ClientConnection {
    /// A connection to a server, or through a tunnel to one.
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

    /// A connection to a proxy, which takes requests in absolute form (RFC 9112, Section 3.2.2).
    pub fn to_proxy(config: Config) -> Self {
        ClientConnection { is_to_proxy: true, ..ClientConnection::new(config) }
    }

    /// Takes the head of the next response off the front of `input`. Interim (1xx) ones come before the
    /// final one, each by a call; 101 is final. `None` while not all of the head is there.
    ///
    /// Where no response is due, it is `None` as long as the input is empty: a pool asks that before
    /// it uses a connection again.
    ///
    /// The reason phrase is dropped, as RFC 9112, Section 4 has it.
    ///
    /// # Errors
    ///
    /// The response is malformed or over a limit, or there is one that answers no request.
    pub fn receive_response(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Response<()>>, Error> {
        let result = match &self.receiver.state {
            State::Head => self.receive_head(input),
            State::Failed(error) => return Err(error.clone()),
            State::Done if self.sender == Sender::Head && !input.is_empty() => {
                // RFC 9112, Section 9.2: it cannot be told which request it would answer.
                Err(Error::malformed("the server sends octets that answer no request"))
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
        Ok(Some(response))
    }

    fn begin(&mut self, head: &Response<()>, facts: &Facts) -> Result<(), Error> {
        let status = head.status();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            // RFC 9110, Section 7.8.
            if !(self.asked.asks_upgrade && facts.has_upgrade) {
                return Err(Error::malformed("101 to a request without upgrade"));
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
            // RFC 9112, Section 6.3: a length beside chunks is passed over, and the
            // connection not used again.
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

    /// Tells what comes next of the body of the response, and takes the lines between chunks off the
    /// front of `input`. Content stays there for the caller to take.
    ///
    /// Trailers that RFC 9110, Section 6.5.1 forbids are dropped.
    ///
    /// # Errors
    ///
    /// The body is malformed or over a limit.
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

    /// Takes content off the front of `input`, as much as is there: shared with it, not copied. Empty
    /// unless [`receive_body`](Self::receive_body) has just said [`Content`](Received::Content).
    pub fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
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
    }

    /// The server has closed its direction: `input` is all that is left, and no more octets come. To
    /// be called when more are needed and there are none. The connection is not used again.
    ///
    /// It is `Ok` where no response is due, and where the close ends the content of one: then
    /// [`receive_body`](Self::receive_body) says [`End`](Received::End).
    ///
    /// # Errors
    ///
    /// [`Unanswered`](super::ErrorKind::Unanswered) before the first octet of a response,
    /// [`Truncated`](super::ErrorKind::Truncated) within one; or what is wrong with the part that has
    /// come.
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

    /// Whether the final response has not come, or not all of its head.
    pub fn expects_response(&self) -> bool {
        matches!(self.receiver.state, State::Head)
    }

    /// Whether content is under way that ends where the server closes the connection. If the transport
    /// may have been cut instead, the content is not complete (RFC 9112, Section 9.8).
    pub fn is_until_close(&self) -> bool {
        matches!(self.receiver.state, State::Body(Body::UntilClose(_)))
    }

    /// Whether the server is to say 100 before content is sent, and has not: the caller waits for a
    /// while, and may then send the content all the same (RFC 9110, Section 10.1.1).
    pub fn awaits_continue(&self) -> bool {
        self.asked.awaits_continue
    }

    /// Begins anew once both directions have come to the end of the exchange.
    pub(super) fn settle(&mut self) {
        if self.sender == Sender::Done && self.is_persistent && self.receiver.is_done() {
            self.sender = Sender::Head;
            self.interim = 0;
        }
    }

    /// Whether a request may be sent: none is under way, and the connection goes on. Octets in the
    /// input still forbid it, as [`receive_response`](Self::receive_response) tells.
    pub fn is_idle(&self) -> bool {
        self.sender == Sender::Head && self.is_persistent
    }

    /// Whether there will be no other exchange: the last response has been received to its end, or
    /// receiving has failed. What is left of the request need not be sent.
    pub fn is_closed(&self) -> bool {
        let is_over =
            matches!(self.receiver.state, State::Done | State::Failed(_) | State::Stopped);
        is_over && !self.is_persistent
    }

    /// Whether the connection carries something else from here on. What is left in the input is the
    /// beginning of it, and what is written from now on is written as it is.
    pub fn is_tunnel(&self) -> bool {
        self.sender == Sender::Tunnel
    }

    /// Gives the memory of fields that are not needed any more to the next response.
    pub fn recycle(&mut self, headers: HeaderMap) {
        self.receiver.recycle(headers);
    }

    pub(super) fn expect_response(&mut self, asked: Asked) {
        self.asked = asked;
        self.interim = 0;
        self.receiver.state = State::Head;
    }
}

/// Where the content of a response ends (RFC 9112, Section 6.3).
fn response_body(facts: &Facts, is_1_1: bool, config: &Config) -> Result<Body, Error> {
    match (facts.coding, facts.length) {
        (Coding::None, Some(length)) => {
            check_size(length, config)?;
            Ok(Body::Length(length))
        }
        (Coding::None, None) => Ok(Body::UntilClose(config.max_body_size.unwrap_or(u64::MAX))),
        // RFC 9112, Section 6.1.
        _ if !is_1_1 => Err(Error::malformed("HTTP/1.0 has no transfer-encoding")),
        (Coding::Chunked, _) => Ok(Body::Chunked(Chunked::new(true))),
        _ => Err(Error::unsupported(
            StatusCode::NOT_IMPLEMENTED,
            "a transfer coding other than chunked is not implemented",
        )),
    }
}
