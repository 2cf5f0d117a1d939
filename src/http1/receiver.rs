//! The receiving direction of a connection. Only header sections differ between the roles.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::chunked::{Chunked, too_large};
use super::config::Config;
use super::error::Error;
use super::facts::Facts;
use super::received::Received;
use super::scan::Scan;

/// The largest capacity of a header map that a connection keeps for the next message.
const SPARE_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) config: Config,
    pub(super) state: State,
    scan: Scan,
    /// An empty map whose memory is reused for the next message.
    spare: HeaderMap,
}

/// What the connection receives next.
#[derive(Debug)]
pub(super) enum State {
    Head,
    Body(Body),
    /// The message is complete; the next one begins after the exchange.
    Done,
    /// The connection carries another protocol.
    Tunnel,
    /// Nothing more is received.
    Stopped,
    Failed(Error),
}

/// Where the content of a message ends (RFC 9112, Section 6.3).
#[derive(Debug)]
pub(super) enum Body {
    Length(u64),
    Chunked(Chunked),
    /// When the peer closes, after at most this many octets.
    UntilClose(u64),
}

/// Parses a header section into the last two arguments, and returns its length.
type ParseHead<H> = fn(&[u8], &Config, &mut H, &mut Facts) -> Result<Option<usize>, Error>;

impl Receiver {
    pub(super) fn new(config: Config, state: State) -> Self {
        Receiver { config, state, scan: Scan::default(), spare: HeaderMap::new() }
    }

    /// Returns whether a header section is expected and may be complete in `input`.
    pub(super) fn is_head_due(&mut self, input: &[u8]) -> bool {
        !input.is_empty() && (self.scan.is_due(input) || input.len() > self.config.max_head_size)
    }

    /// Removes a header section from the front of `input`, once it is complete.
    pub(super) fn head<H>(
        &mut self,
        input: &mut BytesMut,
        head: &mut H,
        facts: &mut Facts,
        parse: ParseHead<H>,
    ) -> Result<bool, Error> {
        let len = parse(input, &self.config, head, facts)?;
        match len {
            Some(len) => {
                self.scan.reset();
                input.advance(len);
            }
            None => self.scan.found_incomplete(input.len()),
        }
        Ok(len.is_some())
    }

    /// See [`ServerConnection::receive_body`](super::ServerConnection::receive_body).
    pub(super) fn body(&mut self, input: &mut BytesMut) -> Result<Received, Error> {
        let received = match &mut self.state {
            State::Body(Body::Length(0)) => Ok(Received::End),
            State::Body(Body::Length(left)) => return Ok(Received::Content(*left)),
            State::Body(Body::UntilClose(0)) if input.is_empty() => return Ok(Received::NeedMore),
            State::Body(Body::UntilClose(0)) => Err(too_large(&self.config)),
            State::Body(Body::UntilClose(left)) => return Ok(Received::Content(*left)),
            State::Body(Body::Chunked(chunked)) => chunked.receive(input, &self.config),
            State::Failed(error) => return Err(error.clone()),
            _ => return Ok(Received::End),
        };
        match &received {
            Ok(Received::End) => self.state = State::Done,
            Err(error) => self.state = State::Failed(error.clone()),
            _ => {}
        }
        received
    }

    /// See [`ServerConnection::take_content`](super::ServerConnection::take_content).
    pub(super) fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
        let len = usize::try_from(self.ahead()).map_or(input.len(), |len| len.min(input.len()));
        self.consume(len as u64);
        input.split_to(len).freeze()
    }

    /// See [`ServerConnection::consume`](super::ServerConnection::consume).
    #[track_caller]
    pub(super) fn consume(&mut self, len: u64) {
        assert!(len <= self.ahead(), "{len} octets consumed of {} of content", self.ahead());
        match &mut self.state {
            State::Body(Body::Length(left)) => *left -= len,
            // `u64::MAX` stands for no limit.
            State::Body(Body::UntilClose(left)) if *left < u64::MAX => *left -= len,
            State::Body(Body::Chunked(chunked)) => chunked.consume(len),
            _ => {}
        }
    }

    fn ahead(&self) -> u64 {
        match &self.state {
            State::Body(Body::Length(left)) => *left,
            State::Body(Body::Chunked(chunked)) => chunked.ahead(),
            State::Body(Body::UntilClose(left)) => *left,
            _ => 0,
        }
    }

    /// Handles the end of the peer's direction within a message.
    pub(super) fn end_of_input(&mut self) -> Result<(), Error> {
        let error = match &self.state {
            State::Body(Body::UntilClose(_)) => {
                self.state = State::Done;
                return Ok(());
            }
            State::Body(Body::Length(0)) => return Ok(()),
            State::Body(Body::Length(left)) => {
                let detail =
                    format!("the connection ended {left} octets short of the content-length");
                Error::truncated(detail)
            }
            State::Body(Body::Chunked(_)) => {
                Error::truncated("the connection ended before the last chunk")
            }
            State::Head => Error::truncated("the connection ended within a header section"),
            State::Failed(error) => return Err(error.clone()),
            State::Done | State::Tunnel | State::Stopped => return Ok(()),
        };
        self.fail(error.clone());
        Err(error)
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.state = State::Failed(error);
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Returns an empty map, with the memory of a recycled one if there is one.
    pub(super) fn spare_fields(&mut self) -> HeaderMap {
        std::mem::take(&mut self.spare)
    }

    /// Keeps the memory of a map, unless it is large.
    pub(super) fn recycle(&mut self, mut headers: HeaderMap) {
        if headers.capacity() <= SPARE_MAX {
            headers.clear();
            self.spare = headers;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_maps_are_kept() {
        for (fields, is_kept) in [(8, true), (200, false)] {
            let mut receiver = Receiver::new(Config::default(), State::Head);
            receiver.recycle(HeaderMap::with_capacity(fields));
            assert_eq!(receiver.spare_fields().capacity() > 0, is_kept, "{fields}");
        }
    }
}
