//! The nine octets that every frame starts with: RFC 9113, Section 4.1.

use std::fmt;

use super::constants::MAX_MAX_FRAME_SIZE;
use super::flags::Flags;
use super::kind::Kind;
use super::stream_id::StreamId;

/// The first nine octets of a frame, which say how long it is, what it is and whose (RFC 9113,
/// Section 4.1, where it is called the frame header).
///
/// Printed, it is the start of the line that a trace shows for a frame. The stream is left out for
/// kinds that are always on stream 0.
///
/// # Example
///
/// ```
/// use h2_sync::frame::{Flags, Head, Kind, StreamId};
///
/// let head = Head::decode(&[0, 0, 25, 0x01, 0x05, 0, 0, 0, 1]);
/// assert_eq!(head.length, 25);
/// assert_eq!(head.kind, Kind::HEADERS);
/// assert!(head.flags.contains(Flags::END_HEADERS));
/// assert_eq!(head.stream_id, StreamId::from_wire(1));
/// assert_eq!(head.to_string(), "HEADERS stream=1 length=25 flags=END_STREAM|END_HEADERS");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// How many octets of payload follow: 24 bits.
    pub length: u32,
    /// What the payload is.
    pub kind: Kind,
    /// The flags, as they came or as they go out.
    pub flags: Flags,
    /// The stream, or [`StreamId::CONNECTION`].
    pub stream_id: StreamId,
}

impl Head {
    /// The octets of a head: 9.
    pub const LEN: usize = 9;

    /// The head of a frame with `payload` octets of payload.
    pub(super) fn new(kind: Kind, flags: Flags, stream_id: StreamId, payload: usize) -> Self {
        // A payload over 4 GiB is caught as too long when it is encoded, like all over 16 MiB.
        let length = u32::try_from(payload).unwrap_or(u32::MAX);
        Self { length, kind, flags, stream_id }
    }

    /// Decodes a head. All octets mean something, so this cannot fail.
    #[inline]
    pub fn decode(octets: &[u8; Self::LEN]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *octets;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind: Kind(kind),
            flags: Flags(flags),
            stream_id: StreamId::from_wire(u32::from_be_bytes([s0, s1, s2, s3])),
        }
    }

    /// Decodes the head at the front of `input`, or `None` if there are fewer than nine octets.
    #[inline]
    pub fn parse(input: &[u8]) -> Option<Self> {
        input.first_chunk().map(Self::decode)
    }

    /// The octets of head and payload together.
    pub fn frame_len(&self) -> usize {
        // At least 32 bits: the crate is for targets with an operating system below it.
        Self::LEN + self.length as usize
    }

    /// The nine octets.
    ///
    /// # Panics
    ///
    /// In debug builds, if `length` is over [`MAX_MAX_FRAME_SIZE`]: no peer could be told so. In
    /// release builds it is written as that.
    pub fn to_octets(&self) -> [u8; Self::LEN] {
        debug_assert!(self.length <= MAX_MAX_FRAME_SIZE, "a payload over 24 bits: {self}");
        let [_, l0, l1, l2] = self.length.min(MAX_MAX_FRAME_SIZE).to_be_bytes();
        let [s0, s1, s2, s3] = self.stream_id.get().to_be_bytes();
        [l0, l1, l2, self.kind.0, self.flags.bits(), s0, s1, s2, s3]
    }

    /// Appends the nine octets to `out`.
    ///
    /// # Panics
    ///
    /// As [`to_octets`](Self::to_octets).
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_octets());
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        // On a kind of the connection, a stream is a mistake of the sender worth showing.
        if !self.kind.is_of_connection() || !self.stream_id.is_connection() {
            write!(f, " stream={}", self.stream_id)?;
        }
        write!(f, " length={}", self.length)?;
        if self.flags != Flags::default() {
            write!(f, " flags={}", self.flags.named(self.kind))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTETS: [u8; 9] = [0x01, 0x02, 0x03, 0x08, 0x25, 0x7a, 0xbb, 0xcc, 0xdd];

    fn head() -> Head {
        Head {
            length: 0x01_02_03,
            kind: Kind::WINDOW_UPDATE,
            flags: Flags(0x25),
            stream_id: StreamId::from_wire(0x7abb_ccdd),
        }
    }

    #[test]
    fn nine_octets_there_and_back() {
        assert_eq!(Head::decode(&OCTETS), head());
        let mut out = vec![0xff];
        head().encode(&mut out);
        assert_eq!(out[1..], OCTETS);
        assert_eq!(out[0], 0xff, "encoding appends");
    }

    #[test]
    fn the_reserved_bit_is_ignored_and_sent_as_zero() {
        let mut octets = OCTETS;
        octets[5] |= 0x80;
        assert_eq!(Head::decode(&octets), head());
        assert_eq!(Head::decode(&octets).to_octets(), OCTETS);
    }

    #[test]
    fn parse_needs_nine_octets() {
        for short in 0..Head::LEN {
            assert_eq!(Head::parse(&OCTETS[..short]), None);
        }
        assert_eq!(Head::parse(&OCTETS), Some(head()));
        assert_eq!(Head::parse(&[&OCTETS[..], &[1, 2, 3]].concat()), Some(head()));
    }

    #[test]
    fn a_kind_of_the_connection_shows_its_stream_only_when_it_is_wrong() {
        assert_eq!(
            Head::decode(&[0, 0, 8, 6, 1, 0, 0, 0, 0]).to_string(),
            "PING length=8 flags=ACK"
        );
        assert_eq!(
            Head::decode(&[0, 0, 8, 6, 0, 0, 0, 0, 5]).to_string(),
            "PING stream=5 length=8"
        );
    }

    #[test]
    fn frame_len_counts_the_head() {
        assert_eq!(head().frame_len(), 9 + 0x01_02_03);
    }
}
