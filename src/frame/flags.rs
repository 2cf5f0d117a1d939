//! The flags of a frame: one octet of the frame header, interpreted by frame type.

use std::fmt;

use super::kind::Kind;

/// The flags of a frame (RFC 9113, Section 4.1).
///
/// Each frame type defines its own flags, so one bit can have two names: `0x1` is
/// [`END_STREAM`](Self::END_STREAM) in DATA and HEADERS, and [`ACK`](Self::ACK) in SETTINGS and
/// PING.
///
/// ```
/// use h2_sync::frame::Flags;
///
/// let mut flags = Flags::END_HEADERS;
/// flags.insert(Flags::END_STREAM);
/// assert!(flags.contains(Flags::END_STREAM));
/// assert!(!flags.contains(Flags::PADDED));
/// assert_eq!(flags.bits(), 0x5);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// ACK of SETTINGS and PING: the frame acknowledges one of the receiver's.
    pub const ACK: Self = Self(0x01);
    /// END_STREAM of DATA and HEADERS: the sender's message ends here.
    pub const END_STREAM: Self = Self(0x01);
    /// END_HEADERS of HEADERS, PUSH_PROMISE and CONTINUATION: the field block ends with this frame.
    pub const END_HEADERS: Self = Self(0x04);
    /// PADDED of DATA, HEADERS and PUSH_PROMISE: the payload starts with a pad length and ends with
    /// padding.
    pub const PADDED: Self = Self(0x08);
    /// PRIORITY of HEADERS: the payload contains a (deprecated) dependency.
    pub const PRIORITY: Self = Self(0x20);

    /// Returns whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the bits of `other`.
    pub const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Returns the octet.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the flags for printing, by their names for `kind`: `END_STREAM|END_HEADERS`.
    pub(super) const fn named(self, kind: Kind) -> Named {
        Named { flags: self, kind }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#04x})", self.0)
    }
}

/// The flags of a frame of a known type, for printing.
pub(super) struct Named {
    flags: Flags,
    kind: Kind,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.flags.bits();
        let mut separator = "";
        for &(flag, name) in names(self.kind) {
            if self.flags.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = "|";
                rest &= !flag.bits();
            }
        }
        // Bits undefined for this type are ignored, but a trace should show them.
        if rest != 0 {
            write!(f, "{separator}{rest:#04x}")?;
        }
        Ok(())
    }
}

/// Returns the flags that a frame type defines.
fn names(kind: Kind) -> &'static [(Flags, &'static str)] {
    match kind {
        Kind::DATA => &[(Flags::END_STREAM, "END_STREAM"), (Flags::PADDED, "PADDED")],
        Kind::HEADERS => &[
            (Flags::END_STREAM, "END_STREAM"),
            (Flags::END_HEADERS, "END_HEADERS"),
            (Flags::PADDED, "PADDED"),
            (Flags::PRIORITY, "PRIORITY"),
        ],
        Kind::PUSH_PROMISE => &[(Flags::END_HEADERS, "END_HEADERS"), (Flags::PADDED, "PADDED")],
        Kind::CONTINUATION => &[(Flags::END_HEADERS, "END_HEADERS")],
        Kind::SETTINGS | Kind::PING => &[(Flags::ACK, "ACK")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_named_by_its_kind() {
        assert_eq!(Flags(0x01).named(Kind::HEADERS).to_string(), "END_STREAM");
        assert_eq!(Flags(0x01).named(Kind::PING).to_string(), "ACK");
    }

    #[test]
    fn bits_without_a_meaning_are_shown_in_hex() {
        assert_eq!(Flags(0x45).named(Kind::DATA).to_string(), "END_STREAM|0x44");
        assert_eq!(Flags(0x05).named(Kind(0x2a)).to_string(), "0x05");
    }

    #[test]
    fn contains_asks_for_all_bits() {
        let both = Flags(0x05);
        assert!(both.contains(Flags::END_STREAM) && both.contains(both));
        assert!(!Flags::END_STREAM.contains(both));
    }
}
