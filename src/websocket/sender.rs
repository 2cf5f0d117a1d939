//! The sending part of a WebSocket.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::handshake::Handshake;
use super::outlet::How;
use super::shared::Shared;
use crate::error::Error;
use crate::ws::{CloseCode, Message};

/// The sending part of a [`WebSocket`](super::WebSocket). Cloning it is cheap, and any number of threads may
/// send.
///
/// Messages are sent whole, one after the other, in the order in which the calls began. Dropping senders
/// does not end the WebSocket.
///
/// ```
/// use std::thread;
///
/// use h2_sync::websocket::{Sender, WebSocket};
///
/// fn work(socket: &WebSocket) {
///     let sender: Sender = socket.sender();
///     println!("sending by {:?}", sender.handshake().protocol());
///     thread::spawn(move || -> Result<(), h2_sync::Error> {
///         for part in 1..=100 {
///             if sender.is_closed() {
///                 return Ok(());
///             }
///             sender.send(format!("{part} %"))?;
///         }
///         sender.close(1000, "done")
///     });
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Sender {
    pub(super) shared: Arc<Shared>,
}

/// The reason why [`Sender::try_send`] has sent nothing.
///
/// [`Sender::try_send`] has an example.
#[derive(Debug, Clone)]
pub enum TrySendError {
    /// There is no room: the peer reads too slowly. The error returns the message.
    Full(Message),
    /// The WebSocket is closed or has failed.
    Closed(Error),
}

impl TrySendError {
    /// Whether there may be room later.
    ///
    /// ```
    /// use h2_sync::websocket::Sender;
    ///
    /// /// Returns whether the update was dropped because the peer reads too slowly.
    /// fn is_dropped(to: &Sender, update: &str) -> bool {
    ///     to.try_send(update).is_err_and(|error| error.is_full())
    /// }
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(message) => {
                write!(f, "no room to send a message of {} octets", message.len())
            }
            TrySendError::Closed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrySendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TrySendError::Full(_) => None,
            TrySendError::Closed(error) => std::error::Error::source(error),
        }
    }
}

impl Sender {
    /// Returns the outcome of the opening handshake.
    pub fn handshake(&self) -> &Handshake {
        &self.shared.handshake
    }

    /// Sends a message, and waits until the connection has taken it.
    ///
    /// # Errors
    ///
    /// The WebSocket is closed ([`Error::is_closed`]) or has failed, or the peer took nothing within
    /// `write_timeout`, which is a failure as well.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.shared.send(&message.into())
    }

    /// Sends a message if there is room for it. Never waits for the peer: another thread writes.
    ///
    /// For a thread that sends to many WebSockets. If another thread is sending, up to 1 MiB is queued, and
    /// sent by that thread, by a later call, or by the reading thread. Otherwise the room is that of
    /// [`SendHalf::try_send`](crate::server::SendHalf::try_send). The call may wait while another message is
    /// compressed.
    ///
    /// ```
    /// use h2_sync::websocket::{Message, Sender, TrySendError};
    ///
    /// fn publish(members: &mut Vec<Sender>, message: &Message) {
    ///     members.retain(|member| match member.try_send(message.clone()) {
    ///         // One that does not keep up misses this message.
    ///         Ok(()) | Err(TrySendError::Full(_)) => true,
    ///         Err(TrySendError::Closed(_)) => false,
    ///     });
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`], which returns the message, or [`TrySendError::Closed`] with the reason.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        match self.shared.try_send(&message) {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(TrySendError::Full(message)),
            Err(error) => Err(TrySendError::Closed(error)),
        }
    }

    /// Sends a PING with up to 125 octets, ahead of queued messages. Its answer counts as input of the peer
    /// for [`ping_interval`](super::Config::ping_interval), but is not reported to the application.
    ///
    /// ```
    /// use h2_sync::websocket::Sender;
    ///
    /// fn keep_alive(senders: &[Sender]) {
    ///     for sender in senders {
    ///         if let Err(error) = sender.ping("") {
    ///             println!("gone: {error}");
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the payload is longer, and those of [`send`](Self::send).
    pub fn ping(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let result = state.core.ping(payload);
        result.map_err(|error| state.explain(error))?;
        let state = self.shared.write(state, How::Soon);
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// Sends a Close frame after the queued messages, and returns when it has been written. Reading then
    /// ends when the peer answers, or after `close_timeout` (5 s by default).
    ///
    /// # Errors
    ///
    /// If `code` must not be sent or the reason has more than 123 octets, and those of
    /// [`send`](Self::send).
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let state = self.shared.close(self.shared.lock(), Some(code.into()), reason)?;
        let number = state.core.queued();
        self.shared.write_until(state, number).map(drop)
    }

    /// Whether nothing more can be sent.
    pub fn is_closed(&self) -> bool {
        let state = self.shared.lock();
        state.failure.is_some() || !state.core.is_open()
    }
}
