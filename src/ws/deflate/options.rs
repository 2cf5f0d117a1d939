//! The options of compression, and the negotiated parameters.

/// The options of permessage-deflate (RFC 7692, Section 7.1).
///
/// Compression is used only if both ends enable it; otherwise messages are sent uncompressed.
///
/// ```
/// use h2_sync::ws::Compression;
///
/// let mut compression = Compression::default();
/// compression.level = 6;
/// compression.send_context_takeover = true;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compression {
    /// The compression level, 1 (fast) to 9 (small). Default 3.
    pub level: u32,
    /// The size of the smallest message that is compressed, in octets. Default 256.
    pub min_size: usize,
    /// Whether sent messages may refer to earlier ones. Default `false`. It makes them smaller, and takes
    /// 300 KB for as long as the connection lives.
    pub send_context_takeover: bool,
    /// Whether received messages may refer to earlier ones. Default `false`. It takes 40 KB for as long as
    /// the connection lives.
    pub receive_context_takeover: bool,
    /// The window of sent messages, as a power of two in octets: 9 (512 octets) to 15 (32 KiB). Default
    /// 15.
    pub send_window_bits: u8,
    /// The window of received messages, like `send_window_bits`, if the peer accepts a limit. Default 15.
    pub receive_window_bits: u8,
}

impl Default for Compression {
    fn default() -> Self {
        Compression {
            level: 3,
            min_size: 256,
            send_context_takeover: false,
            receive_context_takeover: false,
            send_window_bits: MAX_BITS,
            receive_window_bits: MAX_BITS,
        }
    }
}

/// The smallest window: zlib does not support 8 bits.
pub(super) const MIN_BITS: u8 = 9;
pub(super) const MAX_BITS: u8 = 15;

impl Compression {
    pub(super) fn send_bits(&self) -> u8 {
        self.send_window_bits.clamp(MIN_BITS, MAX_BITS)
    }

    pub(super) fn receive_bits(&self) -> u8 {
        self.receive_window_bits.clamp(MIN_BITS, MAX_BITS)
    }
}

/// The negotiated parameters of compression, as returned by [`answer`](super::answer) and
/// [`accepted`](super::accepted).
///
/// ```
/// use h2_sync::ws::DeflateParams;
///
/// fn describe(deflate: &DeflateParams) -> &'static str {
///     match (deflate.send_context_takeover(), deflate.receive_context_takeover()) {
///         (true, true) => "with context in both directions",
///         (false, false) => "each message by itself",
///         _ => "with context in one direction",
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeflateParams {
    pub(super) send: Direction,
    pub(super) receive: Direction,
    pub(super) level: u32,
    pub(super) min_size: usize,
}

impl DeflateParams {
    /// Whether sent messages refer to earlier ones.
    pub fn send_context_takeover(&self) -> bool {
        self.send.takeover
    }

    /// Whether received messages refer to earlier ones.
    pub fn receive_context_takeover(&self) -> bool {
        self.receive.takeover
    }
}

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    pub(super) takeover: bool,
    pub(super) bits: u8,
}
