//! The frame header, nine octets at the start of every frame: RFC 9113, Section 4.1.

use std::fmt;

use super::constants::MAX_MAX_FRAME_SIZE;
use super::flags::Flags;
use super::kind::Kind;
use super::stream_id::StreamId;

/// The frame header: the length, type, flags and stream of a frame, in nine octets (RFC 9113,
/// Section 4.1).
///
/// `Display` prints the start of a frame's trace line. It omits the stream for frame types that are
/// always on stream 0.
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
    /// The length of the payload in octets: 24 bits.
    pub length: u32,
    /// The type of the frame.
    pub kind: Kind,
    /// The flags, including undefined ones.
    pub flags: Flags,
    /// The stream, or [`StreamId::CONNECTION`].
    pub stream_id: StreamId,
}

impl Head {
    /// The length of a frame header in octets.
    pub const LEN: usize = 9;

    /// Creates the header of a frame with `payload` octets of payload.
    pub(super) fn new(kind: Kind, flags: Flags, stream_id: StreamId, payload: usize) -> Self {
        // A payload over 4 GiB is rejected on encoding, like any payload over 16 MiB.
        let length = u32::try_from(payload).unwrap_or(u32::MAX);
        Self { length, kind, flags, stream_id }
    }

    /// Decodes a frame header. Every combination of octets is valid, so this cannot fail.
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

    /// Decodes the frame header at the front of `input`, or returns `None` if `input` is shorter
    /// than nine octets.
    #[inline]
    pub fn parse(input: &[u8]) -> Option<Self> {
        input.first_chunk().map(Self::decode)
    }

    /// Returns the length of header and payload together, in octets.
    pub fn frame_len(&self) -> usize {
        // `usize` has at least 32 bits: the crate targets platforms with an operating system.
        Self::LEN + self.length as usize
    }

    /// Returns the nine octets.
    ///
    /// # Panics
    ///
    /// In debug builds, if `length` is over [`MAX_MAX_FRAME_SIZE`], which 24 bits cannot hold. In
    /// release builds that maximum is written instead.
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
        // A connection frame on a stream is an error of the sender; the trace shows the stream
        // then.
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
    fn nine_octets_round_trip() {
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
    fn a_connection_frame_shows_its_stream_only_if_it_is_not_0() {
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
