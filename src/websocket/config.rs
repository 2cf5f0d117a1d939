//! The settings of one WebSocket.

use std::time::Duration;

use super::origins::Origins;
use crate::error::Error;
use crate::proto::{ABOVE_ZERO, check, leaves_time};
use crate::ws::{self, Budget, Compression};

/// The settings, limits and deadlines of a WebSocket, for both roles.
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::websocket::Config;
///
/// let mut config = Config::default();
/// config.max_message = 64 << 10;
/// config.ping_interval = Some(Duration::from_secs(30));
/// config.protocols = vec!["chat.v2".to_owned(), "chat.v1".to_owned()];
/// ```
///
/// # Memory
///
/// A WebSocket holds the message that it is receiving in a buffer of up to twice `max_message`, and three
/// times `max_message` while the buffer grows. It also holds received octets that no thread has read: up
/// to 64 KiB in HTTP/1.1, the window of the stream in HTTP/2. [`Sender::try_send`](super::Sender::try_send)
/// bounds the messages that wait to be sent. [`Compression`] describes the memory of its contexts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The most octets of a received message, after decompression. Default 16 MiB. A larger one closes
    /// the WebSocket with 1009 before the whole message is in memory.
    pub max_message: usize,
    /// The most octets of a received frame's payload, before decompression. Default 16 MiB. A longer one
    /// closes the WebSocket with 1009 as soon as its header has arrived.
    pub max_frame: usize,

    /// The budget for control frames and tiny fragments. Default 100, refilled by 50 each second. A
    /// fragment of less than 64 octets costs 1, PING and PONG one eighth; each complete message refunds
    /// 1. If it is exhausted, the WebSocket is closed with 1008.
    pub frames_received: Budget,

    /// The time without an octet from the peer after which the reading thread sends a PING. Default
    /// `None`: no PINGs.
    pub ping_interval: Option<Duration>,
    /// The time in which the peer must send something after that PING; otherwise the WebSocket fails.
    /// Default 20 s.
    pub ping_timeout: Duration,
    /// The time that a read waits for the next message. Default `None`: no limit, other than
    /// `ping_timeout`. A read that timed out can be repeated.
    pub read_timeout: Option<Duration>,
    /// The time that a write waits while the peer accepts nothing. Default `None`: the `stall_timeout` of
    /// the connection (by default 30 s), or 60 s over the caller's own transport. If a write times out,
    /// the WebSocket fails.
    pub write_timeout: Option<Duration>,
    /// The time for the peer to answer a Close frame, and the time to end the connection after that.
    /// Default 5 s.
    pub close_timeout: Duration,

    /// The time for the opening handshake over the caller's own transport
    /// ([`client_over`](super::client_over), [`server_over`](super::server_over)). Default 10 s.
    /// [`Client`](crate::client::Client) and [`Server`](crate::server::Server) use their own timeouts.
    pub handshake_timeout: Duration,
    /// The options of compression (RFC 7692). Default `None`: no compression. It is used only if both ends
    /// enable it. `max_message` bounds a received message during decompression.
    pub compression: Option<Compression>,
    /// Sub-protocols, the preferred one first (RFC 6455, Section 1.9). Default none.
    ///
    /// A client offers all of them. A server selects the first of its own that the client offers, or none
    /// if there is no match.
    pub protocols: Vec<String>,
    /// The origins whose pages may connect to this server. Default [`Origins::Same`]: the server's own.
    /// Clients ignore it.
    pub origins: Origins,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_message: 16 << 20,
            max_frame: 16 << 20,
            frames_received: ws::Config::default().frames_received,
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
            read_timeout: None,
            write_timeout: None,
            close_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            compression: None,
            protocols: Vec::new(),
            origins: Origins::Same,
        }
    }
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::websocket::Config;
    ///
    /// let config = Config::default().with(|config| config.max_message = 64 << 10);
    /// assert_eq!(config.max_message, 64 << 10);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Checks every field. All functions that open a WebSocket call it.
    ///
    /// ```
    /// use h2_sync::websocket::Config;
    ///
    /// let config = Config::default().with(|config| config.max_message = 0);
    /// assert!(config.validate().is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// The first field that is out of its range, and the range.
    pub fn validate(&self) -> Result<(), Error> {
        let time = ABOVE_ZERO;
        let are_tokens = self.protocols.iter().all(|protocol| is_token(protocol));
        let are_different = self
            .protocols
            .iter()
            .enumerate()
            .all(|(n, protocol)| !self.protocols[..n].contains(protocol));
        Ok(check([
            (self.max_message >= 125, "max_message", "must be at least 125"),
            (
                self.max_frame >= 125,
                "max_frame",
                "must be at least 125, the size of the largest control frame",
            ),
            (self.frames_received.burst >= 1, "frames_received", "must have a burst of at least 1"),
            (leaves_time(self.ping_interval), "ping_interval", time),
            (leaves_time(self.ping_timeout), "ping_timeout", time),
            (leaves_time(self.read_timeout), "read_timeout", time),
            (leaves_time(self.write_timeout), "write_timeout", time),
            (leaves_time(self.close_timeout), "close_timeout", time),
            (leaves_time(self.handshake_timeout), "handshake_timeout", time),
            (are_tokens, "protocols", "must be tokens (RFC 9110, Section 5.6.2)"),
            (are_different, "protocols", "must not name one twice"),
            (self.origins.are_valid(), "origins", "must be origins as in `https://example.com`"),
        ])?)
    }

    /// Returns the part of the configuration that the core uses.
    pub(super) fn core(&self) -> ws::Config {
        let (max_message, max_frame) = (self.max_message, self.max_frame);
        let (ping_interval, ping_timeout) = (self.ping_interval, self.ping_timeout);
        let (close_timeout, frames_received) = (self.close_timeout, self.frames_received);
        let defaults = ws::Config::default();
        ws::Config {
            max_message,
            max_frame,
            frames_received,
            ping_interval,
            ping_timeout,
            close_timeout,
            ..defaults
        }
    }
}

/// RFC 9110, Section 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_documented_and_valid() {
        let config = Config::default();
        assert_eq!((config.max_message, config.max_frame), (16 << 20, 16 << 20));
        assert_eq!((config.ping_interval, config.ping_timeout), (None, Duration::from_secs(20)));
        assert_eq!((config.read_timeout, config.write_timeout), (None, None));
        assert_eq!(config.close_timeout, Duration::from_secs(5));
        assert_eq!(config.handshake_timeout, Duration::from_secs(10));
        assert_eq!((config.protocols.len(), &config.origins), (0, &Origins::Same));
        assert_eq!(config.compression, None);
        config.validate().unwrap();
    }

    #[test]
    fn value_out_of_range_is_named() {
        type Change = fn(&mut Config);
        let nonsense: &[(&str, Change)] = &[
            ("max_message", |config| config.max_message = 124),
            ("max_frame", |config| config.max_frame = 124),
            ("frames_received", |config| config.frames_received = Budget::new(0, 1)),
            ("ping_interval", |config| config.ping_interval = Some(Duration::ZERO)),
            ("ping_timeout", |config| config.ping_timeout = Duration::ZERO),
            ("read_timeout", |config| config.read_timeout = Some(Duration::ZERO)),
            ("write_timeout", |config| config.write_timeout = Some(Duration::ZERO)),
            ("close_timeout", |config| config.close_timeout = Duration::ZERO),
            ("handshake_timeout", |config| config.handshake_timeout = Duration::ZERO),
            ("protocols", |config| config.protocols = vec!["a b".into()]),
            ("protocols", |config| config.protocols = vec![String::new()]),
            ("protocols", |config| config.protocols = vec!["a".into(), "b".into(), "a".into()]),
            ("origins", |config| {
                config.origins = Origins::SameAnd(vec!["https://example.com/".into()]);
            }),
        ];
        for (field, change) in nonsense {
            let mut config = Config::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(error.to_string().contains(&format!("`{field}` must")), "{field}: {error}");
        }
    }
}
