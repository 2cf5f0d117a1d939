//! The role and the limits of a connection.

use std::time::Duration;

use crate::budget::Budget;

/// The role of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends masked frames (RFC 6455, Section 5.3).
    Client,
    /// Sends unmasked frames.
    Server,
}

/// The limits and deadlines of a [`Connection`](super::Connection).
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
///
/// ```
/// use std::time::Duration;
/// use h2_sync::ws::Config;
///
/// let mut config = Config::default();
/// config.max_message = 1 << 20;
/// config.ping_interval = Some(Duration::from_secs(30));
/// ```
///
/// # Memory
///
/// A connection buffers the message that it is receiving. The buffer grows with the octets that
/// have arrived: up to twice `max_message`, and three times while it is moved. The send queue holds
/// `max_send_buffer` octets, or one message of any size. A compression context takes 300 KB for
/// sending and 40 KB for receiving. Without context takeover a connection has one only while it
/// compresses or inflates a message, and the process keeps 8 of each for reuse.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The most octets of a received message, after inflating. Default 16 MiB. A larger one ends
    /// the connection with 1009.
    pub max_message: usize,
    /// The most octets of a received frame's payload, before inflating. Default 16 MiB. A larger
    /// one ends the connection with 1009 as soon as its head has arrived.
    pub max_frame: usize,
    /// The most octets in the send queue, counting 64 extra for each frame. Default 1 MiB. An empty
    /// queue accepts a message of any size.
    pub max_send_buffer: usize,
    /// The budget for control frames and tiny fragments. Default 100, refilled by 50 each second. A
    /// fragment of less than 64 octets costs 1, PING and PONG an eighth; each complete message
    /// earns 1.
    pub frames_received: Budget,
    /// The time without an octet from the peer after which a PING is sent. Default `None`: never.
    pub ping_interval: Option<Duration>,
    /// The time in which the peer must send something after that PING. Default 20 s.
    pub ping_timeout: Duration,
    /// The time in which the peer must answer a Close frame. Default 5 s.
    pub close_timeout: Duration,
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::ws::Config;
    ///
    /// let config = Config::default().with(|config| config.max_message = 1 << 20);
    /// assert_eq!(config.max_message, 1 << 20);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_message: 16 << 20,
            max_frame: 16 << 20,
            max_send_buffer: 1 << 20,
            frames_received: Budget::new(100, 50),
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
        }
    }
}
