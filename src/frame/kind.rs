//! The type of a frame.

use std::fmt;

/// The type of a frame: one octet of its [`Head`](super::Head) (RFC 9113, Section 4.1).
///
/// RFC 9113 calls it *type*, which is a keyword in Rust. Every octet is a valid kind; frames of
/// unknown types are skipped (Section 5.5).
///
/// ```
/// use h2_sync::frame::Kind;
///
/// assert_eq!(Kind(0x06), Kind::PING);
/// assert_eq!(Kind::RST_STREAM.to_string(), "RST_STREAM");
/// assert_eq!(Kind(0x2a).to_string(), "UNKNOWN(0x2a)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// DATA: RFC 9113, Section 6.1.
    pub const DATA: Self = Self(0x00);
    /// HEADERS: RFC 9113, Section 6.2.
    pub const HEADERS: Self = Self(0x01);
    /// PRIORITY: RFC 9113, Section 6.3.
    pub const PRIORITY: Self = Self(0x02);
    /// RST_STREAM: RFC 9113, Section 6.4.
    pub const RST_STREAM: Self = Self(0x03);
    /// SETTINGS: RFC 9113, Section 6.5.
    pub const SETTINGS: Self = Self(0x04);
    /// PUSH_PROMISE: RFC 9113, Section 6.6.
    pub const PUSH_PROMISE: Self = Self(0x05);
    /// PING: RFC 9113, Section 6.7.
    pub const PING: Self = Self(0x06);
    /// GOAWAY: RFC 9113, Section 6.8.
    pub const GOAWAY: Self = Self(0x07);
    /// WINDOW_UPDATE: RFC 9113, Section 6.9.
    pub const WINDOW_UPDATE: Self = Self(0x08);
    /// CONTINUATION: RFC 9113, Section 6.10.
    pub const CONTINUATION: Self = Self(0x09);
    /// ALTSVC: RFC 7838, Section 4.
    pub const ALTSVC: Self = Self(0x0a);
    /// ORIGIN: RFC 8336, Section 2.
    pub const ORIGIN: Self = Self(0x0c);
    /// PRIORITY_UPDATE: RFC 9218, Section 7.1.
    pub const PRIORITY_UPDATE: Self = Self(0x10);

    /// Returns whether frames of this type are always on stream 0.
    pub(super) const fn is_of_connection(self) -> bool {
        matches!(
            self,
            Self::SETTINGS | Self::PING | Self::GOAWAY | Self::ORIGIN | Self::PRIORITY_UPDATE
        )
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({:#04x})", self.0)
    }
}

/// Prints the name that its RFC gives the type.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::DATA => "DATA",
            Self::HEADERS => "HEADERS",
            Self::PRIORITY => "PRIORITY",
            Self::RST_STREAM => "RST_STREAM",
            Self::SETTINGS => "SETTINGS",
            Self::PUSH_PROMISE => "PUSH_PROMISE",
            Self::PING => "PING",
            Self::GOAWAY => "GOAWAY",
            Self::WINDOW_UPDATE => "WINDOW_UPDATE",
            Self::CONTINUATION => "CONTINUATION",
            Self::ALTSVC => "ALTSVC",
            Self::ORIGIN => "ORIGIN",
            Self::PRIORITY_UPDATE => "PRIORITY_UPDATE",
            Self(other) => return write!(f, "UNKNOWN({other:#04x})"),
        })
    }
}
