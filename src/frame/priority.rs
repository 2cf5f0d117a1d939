//! PRIORITY, and the dependency that HEADERS can carry: RFC 9113, Sections 5.3.2 and 6.3.

use std::fmt;

use super::check;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::stream_id::StreamId;

/// The dependency of a stream on another one, with its weight.
///
/// It belongs to the priority scheme of RFC 7540, which RFC 9113 deprecates (Section 5.3.2). Peers
/// still send it, so it has to be decoded, but it has no effect. [`PriorityUpdate`] replaces it.
///
/// [`PriorityUpdate`]: super::PriorityUpdate
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The parent stream; 0 is the root of the tree.
    ///
    /// A stream that depends on itself is a stream error. That is not checked here, since the field
    /// block of a HEADERS must be decoded before the stream is reset.
    pub stream_id: StreamId,
    /// Whether the stream becomes the only child of its parent.
    pub exclusive: bool,
    /// The weight as on the wire: the weight from 1 to 256, minus one.
    pub weight: u8,
}

impl Dependency {
    /// The length of a dependency in octets.
    pub(super) const LEN: usize = 5;

    /// The bit before the stream identifier that stands for `exclusive`.
    const EXCLUSIVE: u32 = 1 << 31;

    pub(super) fn from_octets([s0, s1, s2, s3, weight]: [u8; Self::LEN]) -> Self {
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        Self {
            stream_id: StreamId::from_wire(stream),
            exclusive: stream & Self::EXCLUSIVE != 0,
            weight,
        }
    }

    pub(super) fn to_octets(self) -> [u8; Self::LEN] {
        let exclusive = if self.exclusive { Self::EXCLUSIVE } else { 0 };
        let [s0, s1, s2, s3] = (self.stream_id.get() | exclusive).to_be_bytes();
        [s0, s1, s2, s3, self.weight]
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exclusive = if self.exclusive { " exclusive" } else { "" };
        write!(f, "depends_on={} weight={}{exclusive}", self.stream_id, self.weight)
    }
}

/// PRIORITY: moves a stream in the dependency tree (RFC 9113, Section 6.3; deprecated).
///
/// It may be sent for a stream in any state, including idle and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// The stream to be moved.
    pub stream_id: StreamId,
    /// The new dependency.
    pub dependency: Dependency,
}

impl Priority {
    #[inline]
    pub(super) fn decode(head: &Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113, Section 6.3: PRIORITY on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        // RFC 9113, Section 6.3: a length other than 5 is a stream error FRAME_SIZE_ERROR.
        let octets = payload.try_into().map_err(|_| {
            Error::stream(head, ErrorCode::FrameSizeError, "PRIORITY is not 5 octets long")
        })?;
        Ok(Self { stream_id: head.stream_id, dependency: Dependency::from_octets(octets) })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        Head::new(Kind::PRIORITY, Flags::default(), self.stream_id, Dependency::LEN)
    }

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.head().encode(out);
        out.extend_from_slice(&self.dependency.to_octets());
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.head(), self.dependency)
    }
}
