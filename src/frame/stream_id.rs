//! Stream identifiers: RFC 9113, Section 5.1.1.

use std::fmt;

/// The identifier of a stream: 31 bits (RFC 9113, Section 5.1.1).
///
/// Streams that a client opens have odd numbers, streams that a server promises have even ones, and
/// [zero](Self::CONNECTION) stands for the connection itself. Each side uses its numbers in
/// ascending order and never reuses one.
///
/// # Example
///
/// ```
/// use h2_sync::frame::StreamId;
///
/// let first = StreamId::new(1).unwrap();
/// assert!(first.is_client_initiated());
/// assert_eq!(first.next(), StreamId::new(3));
/// assert_eq!(StreamId::MAX.next(), None);
/// assert_eq!(first, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    /// The connection as a whole: 0.
    pub const CONNECTION: Self = Self(0);

    /// The largest identifier: 2^31-1, a client's stream.
    pub const MAX: Self = Self(0x7fff_ffff);

    /// Creates an identifier, or returns `None` if `id` is over 2^31-1.
    pub const fn new(id: u32) -> Option<Self> {
        if id <= Self::MAX.0 { Some(Self(id)) } else { None }
    }

    /// Creates an identifier from four octets of the wire, without the reserved first bit.
    pub const fn from_wire(octets: u32) -> Self {
        // RFC 9113, Section 4.1: a receiver ignores the reserved bit.
        Self(octets & Self::MAX.0)
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns whether this is 0, the connection as a whole.
    pub const fn is_connection(self) -> bool {
        self.0 == 0
    }

    /// Returns whether a client opens this stream: the number is odd.
    pub const fn is_client_initiated(self) -> bool {
        self.0 % 2 == 1
    }

    /// Returns whether a server opens this stream: the number is even and not 0.
    pub const fn is_server_initiated(self) -> bool {
        self.0 != 0 && self.0 % 2 == 0
    }

    /// Returns the next identifier of the same side, or `None` after the last one.
    ///
    /// Identifiers cannot be reused: a side that has used up its own needs a new connection (RFC
    /// 9113, Section 5.1.1).
    pub const fn next(self) -> Option<Self> {
        // No overflow: the number is at most 2^31-1.
        Self::new(self.0 + 2)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<StreamId> for u32 {
    fn from(id: StreamId) -> Self {
        id.0
    }
}

impl TryFrom<u32> for StreamId {
    type Error = InvalidStreamId;

    fn try_from(id: u32) -> Result<Self, InvalidStreamId> {
        Self::new(id).ok_or(InvalidStreamId(id))
    }
}

impl PartialEq<u32> for StreamId {
    fn eq(&self, other: &u32) -> bool {
        self.0 == *other
    }
}

impl PartialEq<StreamId> for u32 {
    fn eq(&self, other: &StreamId) -> bool {
        *self == other.0
    }
}

/// A number over 2^31-1, which is not a valid stream identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidStreamId(u32);

impl fmt::Display for InvalidStreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid stream identifier {}: the largest is {}", self.0, StreamId::MAX)
    }
}

impl std::error::Error for InvalidStreamId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_takes_31_bits_and_no_more() {
        assert_eq!(StreamId::new(0), Some(StreamId::CONNECTION));
        assert_eq!(StreamId::new(0x7fff_ffff), Some(StreamId::MAX));
        assert_eq!(StreamId::new(0x8000_0000), None);
        assert_eq!(StreamId::try_from(u32::MAX), Err(InvalidStreamId(u32::MAX)));
    }

    #[test]
    fn from_wire_drops_the_reserved_bit() {
        assert_eq!(StreamId::from_wire(0x8000_0003), 3);
        assert_eq!(StreamId::from_wire(u32::MAX), StreamId::MAX);
    }

    #[test]
    fn parity_gives_the_side_that_opens_a_stream() {
        let [zero, odd, even] = [0, 1, 2].map(StreamId::from_wire);
        assert!(zero.is_connection() && !zero.is_client_initiated() && !zero.is_server_initiated());
        assert!(odd.is_client_initiated() && !odd.is_server_initiated() && !odd.is_connection());
        assert!(even.is_server_initiated() && !even.is_client_initiated() && !even.is_connection());
    }

    #[test]
    fn next_stays_on_one_side_and_ends() {
        assert_eq!(StreamId::from_wire(2).next(), StreamId::new(4));
        assert_eq!(StreamId::from_wire(0x7fff_fffd).next(), Some(StreamId::MAX));
        assert_eq!(StreamId::from_wire(0x7fff_fffe).next(), None);
        assert_eq!(StreamId::MAX.next(), None);
    }

    #[test]
    fn prints_its_number() {
        let id = StreamId::from_wire(3);
        assert_eq!(id.to_string(), "3");
        assert_eq!(format!("{id:?}"), "StreamId(3)");
        assert_eq!(
            InvalidStreamId(1 << 31).to_string(),
            "invalid stream identifier 2147483648: the largest is 2147483647"
        );
    }
}
