//! Constants that RFC 9113 defines.

/// The connection preface: the octets a client sends before its first frame (RFC 9113, Section
/// 3.4).
///
/// It looks like an HTTP/1.1 request with the unknown method `PRI`, so a server that does not speak
/// HTTP/2 rejects it at once.
///
/// ```
/// assert!(h2_sync::frame::PREFACE.starts_with(b"PRI * HTTP/2.0\r\n"));
/// ```
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest frame payload before a peer raises it with SETTINGS_MAX_FRAME_SIZE: 2^14 octets. The
/// setting cannot be lower (RFC 9113, Section 6.5.2).
pub const DEFAULT_MAX_FRAME_SIZE: u32 = 1 << 14;

/// The largest value of SETTINGS_MAX_FRAME_SIZE: 2^24-1 octets, the maximum of the 24-bit length
/// field (RFC 9113, Section 4.2).
pub const MAX_MAX_FRAME_SIZE: u32 = (1 << 24) - 1;

/// The initial flow-control window of a connection, and of a stream without
/// SETTINGS_INITIAL_WINDOW_SIZE: 65,535 octets (RFC 9113, Section 6.9.2).
pub const DEFAULT_WINDOW: u32 = 65_535;

/// The largest flow-control window and the largest window increment: 2^31-1 octets (RFC 9113,
/// Section 6.9.1).
pub const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The size of the HPACK dynamic table before SETTINGS_HEADER_TABLE_SIZE changes it: 4,096 octets
/// (RFC 9113, Section 6.5.2).
pub const DEFAULT_HEADER_TABLE_SIZE: u32 = 4_096;
