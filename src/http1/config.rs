//! The limits of one connection.

/// The limits of a [`ServerConnection`](super::ServerConnection) or a
/// [`ClientConnection`](super::ClientConnection).
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
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
/// A connection buffers no octets itself. The caller's input buffer must hold at most one header
/// section of `max_head_size` octets; content is never buffered. Each header section returned holds
/// one copy of its octets, shared by its field values.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The most octets of a header section, including the first line and the empty line. Default 64
    /// KiB. A larger request is refused with 431. The limit also applies to a trailer section.
    pub max_head_size: usize,
    /// The most fields of a header or trailer section. Default 256. A request with more is refused
    /// with 431.
    pub max_fields: usize,
    /// The longest request line in octets. Default 16 KiB. A longer one is refused with 414.
    pub max_request_line: usize,
    /// The longest chunk line in octets, including extensions. Default 256. A longer one is refused
    /// with 400.
    pub max_chunk_line: usize,
    /// The largest content of a received message in octets. Default `None`: no limit. A larger
    /// request is refused with 413, before any content if its length is announced.
    pub max_body_size: Option<u64>,
    /// The most interim (1xx) responses that a client accepts before the final one. Default 16.
    pub max_interim: u32,
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::http1::Config;
    ///
    /// let config = Config::default().with(|config| config.max_head_size = 16 << 10);
    /// assert_eq!(config.max_head_size, 16 << 10);
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
            max_head_size: 64 << 10,
            max_fields: 256,
            max_request_line: 16 << 10,
            max_chunk_line: 256,
            max_body_size: None,
            max_interim: 16,
        }
    }
}
