//! Sends the body of a request while watching for the response.

use std::fmt;

use bytes::Bytes;

use super::source::Source;
use crate::error::{Error, ErrorKind};
use crate::exchange::{self, Half, State};
use crate::frame::StreamId;
use crate::h1::{self, News};
use crate::halves::{SendHalf, Versioned};
use crate::logging;

/// A request body in transit.
///
/// One thread both sends the body and waits for the response. It sends until there is news of the
/// response; reading the response later resumes sending.
pub(super) struct Upload {
    send: SendHalf,
    /// Octets read from the source and not yet queued.
    piece: Bytes,
    source: Option<Source>,
    /// The source has been read to its end.
    is_read: bool,
    /// The whole body and the end of the message have been queued.
    is_sent: bool,
    /// The server accepts no more of it.
    has_failed: bool,
}

impl Upload {
    pub(super) fn of_octets(send: SendHalf, octets: Bytes) -> Self {
        let is_read = true;
        Upload { send, piece: octets, source: None, is_read, is_sent: false, has_failed: false }
    }

    pub(super) fn of_source(send: SendHalf, source: Source) -> Self {
        let (piece, source) = (Bytes::new(), Some(source));
        Upload { send, piece, source, is_read: false, is_sent: false, has_failed: false }
    }

    /// Whether the whole body has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Stops keeping octets for a retry.
    pub(super) fn commit(&mut self) {
        if let Some(source) = &mut self.source {
            source.commit();
        }
    }

    /// Returns the source of the body. Abandons the exchange, unless the body has been sent in
    /// full.
    pub(super) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// Sends until there is news or the body has been sent. Returns whether more is left to send.
    pub(super) fn run(&mut self, news: News) -> Result<bool, Error> {
        while !self.is_sent {
            if self.has_failed {
                return Ok(true);
            }
            if self.piece.is_empty() {
                self.read_piece()?;
            }
            let stopped = match self.send.versioned() {
                Versioned::Http2(send) => {
                    let id = send.stream_id();
                    let then =
                        if self.is_read { exchange::Then::End } else { exchange::Then::More };
                    let ready = |state: &mut State| has_news(state, id, news).then_some(());
                    let stopped = send.put_unless(Half::Either, None, &mut self.piece, then, ready);
                    let stopped = stopped?.is_some();
                    send.flush_conn();
                    self.is_sent = !stopped && self.is_read;
                    stopped
                }
                Versioned::Http1(send) => {
                    match send.write_until(&mut self.piece, self.is_read, news) {
                        Ok(is_written) => {
                            self.is_sent = is_written && send.is_finished();
                            !is_written
                        }
                        Err(error) if is_of_server(&error) => {
                            // The server may have responded before it closed the connection.
                            logging::debug!("the server takes no more of a request: {error}");
                            self.has_failed = true;
                            true
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            if stopped {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes queued output; before the body begins, that is the header section.
    pub(super) fn flush(&mut self) {
        self.send.flush_put();
    }

    fn read_piece(&mut self) -> Result<(), Error> {
        let Some(source) = self.source.as_mut().filter(|_| !self.is_read) else { return Ok(()) };
        let piece = source.next_piece().map_err(|error| {
            let what = format!("the body of the request could not be read: {error}");
            Error::text(ErrorKind::Caller, what)
        })?;
        self.is_read = piece.is_none();
        self.piece = piece.unwrap_or_default();
        Ok(())
    }
}

/// Queues a small body with the end of the message, and writes it.
pub(super) fn send_whole(send: &mut SendHalf, octets: Bytes) -> Result<(), Error> {
    match send.versioned() {
        Versioned::Http2(send) => match send.put(None, octets, exchange::Then::End) {
            Ok(()) => send.flush_conn(),
            // Another thread has written the header section, and the response has arrived.
            Err(_) if send.conn().lock().has_response(send.stream_id()) => {}
            Err(error) => return Err(error),
        },
        Versioned::Http1(send) => {
            send.put(octets, h1::Then::End)?;
            match send.flush_link() {
                // The server may have responded before it closed the connection.
                Err(error) if is_of_server(&error) => {
                    logging::debug!("the server takes no more of a request: {error}");
                }
                result => result?,
            }
        }
    }
    Ok(())
}

fn has_news(state: &State, id: StreamId, news: News) -> bool {
    match news {
        News::Response => state.has_response(id),
        News::Body => state.has_data(id),
    }
}

/// Whether the connection failed, as opposed to a usage error or a timeout.
fn is_of_server(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport | ErrorKind::Closed | ErrorKind::Tls)
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("send", &self.send).finish_non_exhaustive()
    }
}
