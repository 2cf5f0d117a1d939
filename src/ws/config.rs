//! The role and the limits of one connection.

use std::time::Duration;

use crate::budget::Budget;

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Masks what it sends (RFC 6455, Section 5.3).
    Client,
    /// Sends without masks.
    Server,
}

/// The limits and deadlines of a [`Connection`](super::Connection).
///
/// Plain data: take [`Config::default`] and change what you need.
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
/// A connection holds one message that is being received, in a buffer that grows with what has come:
/// at most twice `max_message`, and three times while it is moved. It holds `max_send_buffer` octets
/// that wait to be sent, or one message of any size. A context of compression is 300 KB for what is
/// sent and 40 KB for what is received. Without context takeover a connection has one only while it
/// compresses or inflates a message, and 8 of each are kept for all connections.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Octets of a received message, after inflating. Default 16 MiB. A larger one ends the connection
    /// with 1009.
    pub max_message: usize,
    /// Octets of the payload of a received frame, as it comes. Default 16 MiB. A larger one ends the
    /// connection with 1009 as soon as its head has come.
    pub max_frame: usize,
    /// Octets that wait to be sent, counting 64 for each frame. Default 1 MiB. Where none wait, a message of any size is taken.
    pub max_send_buffer: usize,
    /// Budget for frames of no use. Default 100, and 50 more each second. A fragment of less than 64
    /// octets costs 1, PING and PONG an eighth; each complete message earns back 1.
    pub frames_received: Budget,
    /// After how long without an octet from the peer a PING is sent. Default `None`: never.
    pub ping_interval: Option<Duration>,
    /// How long the peer may send nothing after that PING. Default 20 s.
    pub ping_timeout: Duration,
    /// How long the peer may take to answer a Close frame. Default 5 s.
    pub close_timeout: Duration,
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
