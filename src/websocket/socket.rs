//! A WebSocket with both its reader and its sender.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::Config;
use super::handshake::Handshake;
use super::outlet::How;
use super::reader::Reader;
use super::sender::{Sender, TrySendError};
use super::shared::Shared;
use crate::error::Error;
use crate::halves::{RecvHalf, SendHalf};
use crate::ws::{self, Close, CloseCode, Message, Role};

/// A WebSocket: messages in both directions.
///
/// One thread may read and send, or the WebSocket may be [split](Self::split), so that one thread reads
/// while others send. It is an iterator over the received messages.
///
/// # Control frames
///
/// While a thread is in a call that reads, the WebSocket answers PINGs and the peer's Close frame, sends
/// the PINGs of [`ping_interval`](Config::ping_interval), and checks deadlines. An answer is sent after the
/// message that another thread is writing; a peer that does not read never blocks the reader. While no
/// thread reads, none of this happens, and received octets wait in the transport.
///
/// # The end
///
/// [`close`](Self::close) ends the WebSocket. The peer may end it too: [`read`](Self::read) then returns
/// `None`. If the peer violates the protocol, reads and sends fail with the reason. Each later call returns
/// the same end or error. Dropping the WebSocket, or its reader, closes it with 1001 (going away) and does
/// not wait for the answer.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
/// use h2_sync::websocket::{accept, connect, Config};
///
/// let server = Server::bind("127.0.0.1:0")?.serve(|request: &mut Request, response: &mut Response| {
///     let mut socket = accept(request, response, &Config::default())?;
///     while let Some(message) = socket.read()? {
///         socket.send(message)?;
///     }
///     println!("closed by {:?}: {:?}", socket.handshake().peer_addr(), socket.closed());
///     Ok::<_, h2_sync::Error>(())
/// })?;
/// let url = format!("ws://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let mut socket = connect(&client, url)?;
/// assert_eq!(socket.protocol(), None);
/// socket.set_read_timeout(Some(Duration::from_secs(10)));
/// socket.send("hello")?;
/// socket.ping("")?;
/// assert_eq!(socket.read()?, Some("hello".into()));
/// socket.close(1000, "")?;
/// # drop((socket, client));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
///
/// See [`Config`](Config#memory). Sending takes no memory besides the message, except at a client, which
/// makes a masked copy; [`Sender::try_send`] has its own bounds.
#[derive(Debug)]
pub struct WebSocket {
    reader: Reader,
    sender: Sender,
}

impl WebSocket {
    /// A WebSocket after its opening handshake.
    pub(super) fn start(
        recv: RecvHalf,
        send: SendHalf,
        role: Role,
        config: &Config,
        handshake: Handshake,
    ) -> Self {
        let deflate = handshake.deflate().cloned();
        let core = ws::Connection::new(role, deflate, config.core(), Instant::now());
        let shared = Arc::new(Shared::new(send, core, config, handshake));
        let reader = Reader::new(Arc::clone(&shared), recv, config.read_timeout);
        WebSocket { reader, sender: Sender { shared } }
    }

    /// Returns the outcome of the opening handshake.
    pub fn handshake(&self) -> &Handshake {
        self.reader.handshake()
    }

    /// Returns the negotiated sub-protocol, if there is one.
    pub fn protocol(&self) -> Option<&str> {
        self.handshake().protocol()
    }

    /// Waits for the next message. Returns `None` if the peer has closed the WebSocket;
    /// [`closed`](Self::closed) then returns the reason.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::read`].
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        self.reader.read()
    }

    /// Waits for the next message for at most `time`, regardless of
    /// [`read_timeout`](Config::read_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::websocket::WebSocket;
    ///
    /// /// Reads until the peer has been silent for a second.
    /// fn drain(socket: &mut WebSocket) -> Result<usize, h2_sync::Error> {
    ///     let mut messages = 0;
    ///     loop {
    ///         match socket.read_within(Duration::from_secs(1)) {
    ///             Ok(Some(_)) => messages += 1,
    ///             Ok(None) => return Ok(messages),
    ///             Err(error) if error.is_timeout() => return Ok(messages),
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Reader::read`].
    pub fn read_within(&mut self, time: Duration) -> Result<Option<Message>, Error> {
        self.reader.read_within(time)
    }

    /// Sets how long [`read`](Self::read) waits for a message; `None` for no limit.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.reader.set_read_timeout(timeout);
    }

    /// Sends a message, and waits until the connection has taken it.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`].
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.sender.send(message)
    }

    /// Sends a message if there is room for it, and never waits for the peer.
    ///
    /// [`Sender::try_send`] has an example.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::try_send`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.sender.try_send(message)
    }

    /// Sends a PING with up to 125 octets.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::ping`].
    pub fn ping(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.sender.ping(payload)
    }

    /// Closes the WebSocket and waits for the peer's Close frame, which it returns. It waits for
    /// `close_timeout` (5 s by default) at most, and drops messages that arrive until then.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::close`].
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<Close, Error> {
        self.reader.close(code, reason)
    }

    /// Returns the code and reason of the peer's Close frame, once it has arrived.
    pub fn closed(&self) -> Option<Close> {
        self.reader.closed()
    }

    /// Returns a sender, for another thread.
    ///
    /// [`Sender`] has an example.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Splits the WebSocket into its reading and its sending part.
    ///
    /// ```
    /// use std::thread;
    ///
    /// use h2_sync::websocket::WebSocket;
    ///
    /// fn chat(socket: WebSocket, lines: impl Iterator<Item = String> + Send + 'static) {
    ///     let (reader, sender) = socket.split();
    ///     thread::spawn(move || {
    ///         for message in reader {
    ///             println!("{message:?}");
    ///         }
    ///     });
    ///     for line in lines {
    ///         if sender.send(line).is_err() {
    ///             return;
    ///         }
    ///     }
    ///     drop(sender.close(1000, ""));
    /// }
    /// ```
    pub fn split(self) -> (Reader, Sender) {
        (self.reader, self.sender)
    }

    /// Returns a function that sends a Close frame without waiting. It does not keep the WebSocket alive.
    pub(super) fn weak_closer(&self) -> impl Fn(CloseCode, &str) + Send + Sync + 'static {
        let shared = Arc::downgrade(&self.sender.shared);
        move |code, reason: &str| {
            let Some(shared) = shared.upgrade() else { return };
            // One that is closed already needs no second Close frame.
            let closing = shared.close(shared.lock(), Some(code), reason);
            if let Ok(state) = closing {
                drop(shared.write(state, How::Never));
            }
        }
    }

    /// Keeps a value for as long as a part of the WebSocket exists.
    pub(super) fn keep(&self, what: Box<dyn Any + Send + Sync>) {
        self.sender.shared.keep(what);
    }

    #[cfg(test)]
    pub(super) fn is_writing(&self) -> bool {
        self.sender.shared.is_writing()
    }

    /// Returns the octets that were read from the transport and not used: after the end, those behind the
    /// peer's Close frame. For callers that continue to use the transport of
    /// [`client_over`](super::client_over) or [`server_over`](super::server_over).
    ///
    /// ```
    /// use h2_sync::websocket::WebSocket;
    ///
    /// /// Returns what the peer has sent in the protocol that follows.
    /// fn end(mut socket: WebSocket) -> Result<h2_sync::bytes::Bytes, h2_sync::Error> {
    ///     socket.close(1000, "")?;
    ///     Ok(socket.into_rest())
    /// }
    /// ```
    pub fn into_rest(mut self) -> Bytes {
        self.reader.take_rest()
    }
}

/// Gives messages until the WebSocket ends, as [`Reader`] does.
impl Iterator for WebSocket {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.next()
    }
}
