//! The receiving side of an exchange, in either version of HTTP.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response, response};

use super::cancel::Cancellation;
use crate::error::{Error, ErrorKind};
use crate::exchange;
use crate::frame::StreamId;
use crate::h1::{self, Link, closed};
use crate::halves::RecvHalf;
use crate::hpack::Headers;
use crate::proto::HeadersKind;

/// The receiving half of a client's exchange.
#[derive(Debug)]
pub(super) enum Incoming {
    Http2(exchange::RecvHalf),
    Http1(Box<Http1Incoming>),
}

/// The head of a response, in the representation of its version.
#[derive(Debug, Clone)]
pub(super) enum ResponseHead {
    Http2(Headers),
    Http1(Response<()>),
}

/// The receiving half in HTTP/1.1. At the end of the body the connection becomes free for another
/// request; dropping the half earlier closes it.
#[derive(Debug)]
pub(super) struct Http1Incoming {
    link: Arc<Link>,
    exchange: u64,
    /// `None` after the end of the body.
    recv: Option<h1::RecvHalf>,
    trailers: Option<HeaderMap>,
}

impl Incoming {
    /// Returns the stream's identifier, in HTTP/2.
    pub(super) fn stream_id(&self) -> Option<StreamId> {
        match self {
            Incoming::Http2(recv) => Some(recv.stream_id()),
            Incoming::Http1(_) => None,
        }
    }

    pub(super) fn is_http1(&self) -> bool {
        matches!(self, Incoming::Http1(_))
    }

    pub(super) fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        match self {
            Incoming::Http2(recv) => recv.set_read_timeout(timeout),
            Incoming::Http1(half) => half.recv_mut(|recv| recv.set_read_timeout(timeout)),
        }
    }

    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        match self {
            Incoming::Http2(recv) => recv.set_deadline(deadline),
            Incoming::Http1(half) => half.recv_mut(|recv| recv.set_deadline(deadline)),
        }
    }

    /// Returns the end of a wait that begins now.
    pub(super) fn until(&self) -> Option<Instant> {
        match self {
            Incoming::Http2(recv) => recv.until(),
            Incoming::Http1(half) => half.recv.as_ref().and_then(h1::RecvHalf::until),
        }
    }

    /// Waits for the next response and returns it, with `true` if it is an interim one.
    pub(super) fn next_response(&mut self) -> Result<(ResponseHead, bool), Error> {
        match self {
            Incoming::Http2(recv) => {
                let (fields, kind) = recv.next_response()?;
                Ok((ResponseHead::Http2(fields), kind == HeadersKind::Informational))
            }
            Incoming::Http1(half) => half.next_response(),
        }
    }

    /// Whether octets can be read without waiting.
    pub(super) fn has_buffered(&self) -> bool {
        match self {
            Incoming::Http2(recv) => recv.has_buffered(),
            Incoming::Http1(half) => half.recv.as_ref().is_none_or(h1::RecvHalf::has_buffered),
        }
    }

    /// Waits for the next piece of the body; `None` at its end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Incoming::Http2(recv) => recv.next_chunk(),
            Incoming::Http1(half) => half.next_chunk(),
        }
    }

    /// Reads to the end of the body, discarding unread data, and returns the trailers.
    pub(super) fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        match self {
            Incoming::Http2(recv) => recv.trailers(),
            Incoming::Http1(half) => {
                while half.next_chunk()?.is_some() {}
                Ok(half.trailers.take())
            }
        }
    }

    pub(super) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Incoming::Http2(recv) => recv.fill_buf(),
            Incoming::Http1(half) => half.fill_buf(),
        }
    }

    pub(super) fn consume(&mut self, n: usize) {
        match self {
            Incoming::Http2(recv) => recv.consume(n),
            Incoming::Http1(half) => half.recv_mut(|recv| recv.consume(n)),
        }
    }

    /// Converts it to the receiving half of a tunnel.
    pub(super) fn into_half(self) -> Result<RecvHalf, Error> {
        match self {
            Incoming::Http2(recv) => Ok(recv.into()),
            Incoming::Http1(mut half) => half.recv.take().map(RecvHalf::from).ok_or_else(closed),
        }
    }

    /// From now on, cancelling the request ends the exchange.
    pub(super) fn may_be_ended_by(&self, cancellation: &Cancellation) -> Result<(), Error> {
        match self {
            Incoming::Http2(recv) => cancellation.resets(recv.conn(), recv.stream_id()),
            Incoming::Http1(half) => cancellation.cuts(&half.link, half.exchange),
        }
    }

    /// Lets another thread end the exchange while this half waits.
    pub(super) fn make_interruptible(&self) {
        if let Incoming::Http2(recv) = self {
            recv.conn().make_interruptible(recv.stream_id());
        }
    }

    /// Whether any part of a response has arrived; the request is then not retried.
    pub(super) fn is_answered(&self) -> bool {
        match self {
            // `ResponseHalf` knows from the interim responses it has read.
            Incoming::Http2(_) => false,
            Incoming::Http1(half) => half.link.is_answered(),
        }
    }
}

impl From<exchange::RecvHalf> for Incoming {
    fn from(recv: exchange::RecvHalf) -> Self {
        Incoming::Http2(recv)
    }
}

impl From<h1::RecvHalf> for Incoming {
    fn from(recv: h1::RecvHalf) -> Self {
        let link = Arc::clone(recv.link());
        let exchange = link.exchange();
        let half = Http1Incoming { link, exchange, recv: Some(recv), trailers: None };
        Incoming::Http1(Box::new(half))
    }
}

impl Http1Incoming {
    fn recv_mut(&mut self, act: impl FnOnce(&mut h1::RecvHalf)) {
        if let Some(recv) = &mut self.recv {
            act(recv);
        }
    }

    fn next_response(&mut self) -> Result<(ResponseHead, bool), Error> {
        let Some(recv) = &mut self.recv else {
            return Err(Error::usage("the response has been read to its end"));
        };
        let response = recv.next_response()?;
        // 101 is final (RFC 9110, Section 7.8). The codec rejects an unsolicited one.
        let is_interim = response.status().is_informational() && response.status() != 101;
        let is_tunnel = response.status() == 101;
        if !is_interim && !is_tunnel && recv.is_at_end() {
            self.end();
        }
        Ok((ResponseHead::Http1(response), is_interim))
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(recv) = &mut self.recv else { return Ok(None) };
        let chunk = recv.next_chunk()?;
        if chunk.is_none() {
            self.end();
        }
        Ok(chunk)
    }

    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let has_ended = match &mut self.recv {
            Some(recv) => recv.fill_buf()?.is_empty(),
            None => return Ok(&[]),
        };
        if has_ended {
            self.end();
        }
        match &mut self.recv {
            Some(recv) => recv.fill_buf(),
            None => Ok(&[]),
        }
    }

    /// Frees the connection at the end of the body.
    fn end(&mut self) {
        if let Some(mut recv) = self.recv.take() {
            self.trailers = recv.trailers().ok().flatten();
        }
    }
}

impl Drop for Http1Incoming {
    fn drop(&mut self) {
        if let Some(mut recv) = self.recv.take() {
            // A small body may already have arrived in full.
            if !recv.drop_read() {
                self.link.cut_exchange(self.exchange, closed());
            }
        }
    }
}

impl ResponseHead {
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            ResponseHead::Http2(fields) => fields.status(),
            ResponseHead::Http1(response) => Some(response.status().as_u16()),
        }
    }

    pub(super) fn into_parts(self) -> Result<response::Parts, Error> {
        match self {
            ResponseHead::Http2(fields) => {
                let parts = response::Parts::try_from(&fields);
                parts.map_err(|error| Error::text(ErrorKind::Peer, error.to_string()))
            }
            ResponseHead::Http1(response) => Ok(response.into_parts().0),
        }
    }

    /// Returns the field section, with `:status`.
    pub(super) fn into_fields(self) -> Headers {
        match self {
            ResponseHead::Http2(fields) => fields,
            ResponseHead::Http1(response) => Headers::from(response.into_parts().0),
        }
    }
}
