//! The limits of one connection.

/// The limits of a [`ServerConnection`](super::ServerConnection) or a
/// [`ClientConnection`](super::ClientConnection).
///
/// Plain data: take [`Config::default`] and change what you need.
///
/// ```
/// use h2_sync::http1::Config;
///
/// let mut config = Config::default();
/// config.max_head_size = 16 << 10;
/// config.max_body_size = Some(1 << 20);
/// ```
///
/// # Memory
///
/// A connection keeps no octets of its own. The caller's input buffer has to hold one head of
/// `max_head_size` octets at most; content is never buffered. Each head that is handed out has one
/// copy of its octets, which its field values share.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Octets of a head: the first line, the fields and the empty line. Default 64 KiB. A larger
    /// request is refused with 431. A trailer section has the same limit.
    pub max_head_size: usize,
    /// Fields of a head or a trailer section. Default 256. A request with more is refused with 431.
    pub max_fields: usize,
    /// Octets of a request line. Default 16 KiB. A longer one is refused with 414.
    pub max_request_line: usize,
    /// Octets of the line that announces a chunk, with its extensions. Default 256. A longer one is
    /// refused with 400.
    pub max_chunk_line: usize,
    /// Octets of the content of a received message. Default `None`, no limit. A larger request is
    /// refused with 413, before any content where its length is announced.
    pub max_body_size: Option<u64>,
    /// Interim (1xx) responses before the final one, for a client. Default 16.
    pub max_interim: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_head_size: 64 << 10,
            max_fields: 256,
            max_request_line: 16 << 10,
            max_chunk_line: 256,
            max_body_size: None,
            max_interim: 16,
        }
    }
}
