//! What is asked for, and what has been agreed upon.

/// The options of permessage-deflate (RFC 7692, Section 7.1).
///
/// Both ends have to want it; where the peer does not, messages go out as they are.
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
    /// How hard to compress, 1 (fast) to 9 (small). Default 3.
    pub level: u32,
    /// Octets of the smallest message that is compressed. Default 256.
    pub min_size: usize,
    /// Whether messages that are sent may refer to earlier ones: smaller messages, for a context of
    /// 300 KB as long as the connection lives. Default `false`.
    pub send_context_takeover: bool,
    /// The same for messages that are received, for 40 KB. Default `false`.
    pub receive_context_takeover: bool,
    /// How far back a sent message may refer, as a power of 2, 9 to 15 (32 KiB). Default 15.
    pub send_window_bits: u8,
    /// The same for messages that are received, where the peer can be told. Default 15.
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

/// The smallest window: zlib has none of 8 bits.
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

/// What both ends have agreed upon. It comes from [`answer`](super::answer) or
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
