//! Numbers that RFC 9113 fixes.

/// What a client sends before its first frame (RFC 9113, Section 3.4).
///
/// It looks like an HTTP/1.1 request for a method that nobody has, so that a server which does not
/// speak HTTP/2 gives up at once.
///
/// ```
/// assert!(h2_sync::frame::PREFACE.starts_with(b"PRI * HTTP/2.0\r\n"));
/// ```
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest payload of a frame until a peer allows more with SETTINGS_MAX_FRAME_SIZE: 2^14
/// octets. A peer cannot allow less (RFC 9113, Section 6.5.2).
pub const DEFAULT_MAX_FRAME_SIZE: u32 = 1 << 14;

/// The largest value of SETTINGS_MAX_FRAME_SIZE: 2^24-1 octets, all that 24 bits of length can say
/// (RFC 9113, Section 4.2).
pub const MAX_MAX_FRAME_SIZE: u32 = (1 << 24) - 1;

/// The flow-control window of a connection at its start, and of a stream while there is no
/// SETTINGS_INITIAL_WINDOW_SIZE: 65,535 octets (RFC 9113, Section 6.9.2).
pub const DEFAULT_WINDOW: u32 = 65_535;

/// The largest flow-control window, and the largest increment of one: 2^31-1 octets (RFC 9113,
/// Section 6.9.1).
pub const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The size of the HPACK dynamic table until SETTINGS_HEADER_TABLE_SIZE says otherwise: 4,096
/// octets (RFC 9113, Section 6.5.2).
pub const DEFAULT_HEADER_TABLE_SIZE: u32 = 4_096;
