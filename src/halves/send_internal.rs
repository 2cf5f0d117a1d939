//! What the crate itself does with the sending half of an exchange.

use std::io::Write;
use std::sync::Arc;
#[cfg(feature = "websocket")]
use std::time::Duration;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::Uri;

use super::either::{Either, either};
#[cfg(feature = "websocket")]
use super::send::full_or_closed;
use super::send::{EndedAt, Inner, SendHalf};
use crate::error::{Error, Phase};
#[cfg(feature = "websocket")]
use crate::exchange::TrySendError;
use crate::meter::Metered;
use crate::{exchange, h1, logging};

/// A half as its version.
pub(crate) type Versioned<'a> = Either<&'a mut exchange::SendHalf, &'a mut h1::SendHalf>;

impl SendHalf {
    /// Sends octets as [`try_send`](Self::try_send) does, and writes what the transport takes within
    /// `time`. Another thread writes the rest.
    #[cfg(feature = "websocket")]
    pub(crate) fn send_within(&mut self, data: Bytes, time: Duration) -> Result<(), TrySendError> {
        match &mut self.half {
            Inner::Http2(half) => half.send_within(data, time),
            Inner::Http1(half) => half.send_within(data, time).map_err(full_or_closed),
        }
    }

    /// Whether [`try_send`](Self::try_send) would take that many octets now.
    #[cfg(feature = "websocket")]
    pub(crate) fn has_room(&self, octets: usize) -> bool {
        either!(&self.half, half => half.has_room(octets))
    }

    /// Whether octets wait for the transport of HTTP/1.x. A stream of HTTP/2 is bounded by itself.
    #[cfg(feature = "websocket")]
    pub(crate) fn has_unwritten(&self) -> bool {
        match &self.half {
            Inner::Http2(_) => false,
            Inner::Http1(half) => !half.link().is_all_written(),
        }
    }

    /// Returns the half as its version.
    pub(crate) fn versioned(&mut self) -> Versioned<'_> {
        match &mut self.half {
            Inner::Http2(half) => Versioned::Http2(half),
            Inner::Http1(half) => Versioned::Http1(half),
        }
    }

    /// Returns the HTTP/2 half, if it is one.
    pub(crate) fn http2(&self) -> Option<&exchange::SendHalf> {
        match &self.half {
            Inner::Http2(half) => Some(half),
            Inner::Http1(_) => None,
        }
    }

    /// Returns the HTTP/1.x half, if it is one.
    pub(crate) fn http1(&self) -> Option<&h1::SendHalf> {
        match &self.half {
            Inner::Http1(half) => Some(half),
            Inner::Http2(_) => None,
        }
    }

    /// Notes the end of the message in `ended_at`, when it is sent.
    pub(crate) fn note_end_in(&mut self, ended_at: EndedAt) {
        self.ended_at = Some(ended_at);
    }

    /// Notes that the end of the message was sent, unless that has failed.
    pub(super) fn note_end(&self, sent: Result<(), Error>) -> Result<(), Error> {
        sent.map_err(|error| self.in_request(error))?;
        if let Some(ended_at) = &self.ended_at {
            // A message ends once.
            let _ = ended_at.set(Instant::now());
        }
        Ok(())
    }

    /// Adds this URL of a client's request, and the phase, to later errors.
    pub(crate) fn of_url(mut self, url: &Uri) -> Self {
        self.url = Some(Arc::new(url.clone()));
        self
    }

    /// Adds phase and URL to an error, if it is the half of a client.
    pub(super) fn in_request(&self, error: Error) -> Error {
        error.of_request(Phase::Request, self.url.as_deref())
    }

    /// Returns the octets that were written but not queued.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        either!(&mut self.half, half => &mut half.buffer)
    }

    /// Has the octets counted that are queued.
    pub(crate) fn set_meter(&mut self, meter: Metered) {
        either!(&mut self.half, half => half.meter = meter);
    }

    pub(crate) fn meter(&self) -> &Metered {
        either!(&self.half, half => &half.meter)
    }

    /// Discards what is written from now on: the message has no body.
    pub(crate) fn drop_body(&mut self) {
        either!(&mut self.half, half => half.drop_body());
    }

    /// Marks the octets sent from now on as those of a tunnel. The HTTP/1.x codec tracks this itself.
    pub(crate) fn note_tunnel(&mut self) {
        if let Inner::Http2(half) = &mut self.half {
            let (conn, id) = (half.conn(), half.stream_id());
            if let Some(inbox) = conn.lock().streams.get_mut(&id) {
                inbox.is_tunnel = true;
            }
        }
    }

    /// Returns whether the end of the message was requested.
    pub(crate) fn is_finished(&self) -> bool {
        either!(&self.half, half => half.is_finished())
    }

    /// Returns whether the header section was queued.
    pub(crate) fn has_begun(&self) -> bool {
        either!(&self.half, half => half.has_begun())
    }

    /// Queues octets without a copy, and writes out the queue.
    pub(crate) fn put_and_flush(&mut self, data: Bytes) -> Result<(), Error> {
        match &mut self.half {
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

    /// Writes out the queue. The next call reports an error.
    pub(crate) fn flush_put(&mut self) {
        match &mut self.half {
            Inner::Http2(half) => half.flush_conn(),
            Inner::Http1(half) => {
                if let Err(error) = half.flush_link() {
                    logging::debug!("writing a response: {error}");
                }
            }
        }
    }

    /// Writes out the queue, and fails if the exchange has ended prematurely.
    pub(crate) fn flush_and_check(&mut self) -> Result<(), Error> {
        match &mut self.half {
            Inner::Http2(half) => half.flush_and_check(),
            Inner::Http1(half) => half.flush().map_err(Error::from),
        }
    }
}
