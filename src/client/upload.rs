//! Sends the body of a request, for as long as nothing else is there to be done.

use std::fmt;

use bytes::Bytes;

use super::source::Source;
use crate::error::{Error, ErrorKind};
use crate::exchange::{self, Half, State};
use crate::frame::StreamId;
use crate::h1::{self, News};
use crate::halves::{SendHalf, Versioned};
use crate::logging;

/// The body of a request on its way.
///
/// The thread that sends it also waits for the response, and the one that reads the response goes on
/// sending. So it is one thread that does both, and stops the one when the other is to be done.
pub(super) struct Upload {
    send: SendHalf,
    /// What has been read and not been put.
    piece: Bytes,
    source: Option<Source>,
    /// All of the source has been read.
    is_read: bool,
    /// All of it has been put, with the end of the message.
    is_sent: bool,
    /// The server takes no more of it.
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

    /// Whether all of it has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// The request is not sent again.
    pub(super) fn commit(&mut self) {
        if let Some(source) = &mut self.source {
            source.commit();
        }
    }

    /// What the body is read from. The exchange is given up, unless all of it has been sent.
    pub(super) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// Sends until there is news, or until all has been sent. Says whether there is more to send.
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
                            // It may have answered before it closed the connection.
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

    /// Writes out what has been put, which is the header section before the body has begun.
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

/// Puts a small body whole, with the end of the message, and writes it.
pub(super) fn send_whole(send: &mut SendHalf, octets: Bytes) -> Result<(), Error> {
    match send.versioned() {
        Versioned::Http2(send) => match send.put(None, octets, exchange::Then::End) {
            Ok(()) => send.flush_conn(),
            // Another thread has written the header section, and the answer is there already.
            Err(_) if send.conn().lock().has_response(send.stream_id()) => {}
            Err(error) => return Err(error),
        },
        Versioned::Http1(send) => {
            send.put(octets, h1::Then::End)?;
            match send.flush_link() {
                // It may have answered before it closed the connection.
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

/// Whether it is the connection that takes no more, and no mistake and no time of ours.
fn is_of_server(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport | ErrorKind::Closed | ErrorKind::Tls)
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("send", &self.send).finish_non_exhaustive()
    }
}
