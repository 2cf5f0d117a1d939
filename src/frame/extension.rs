//! Frames outside RFC 9113: PRIORITY_UPDATE, ALTSVC, ORIGIN, and frames of unknown types.
//!
//! A receiver skips frames of unknown types (RFC 9113, Section 5.5). The RFCs of ALTSVC and ORIGIN
//! say to ignore malformed ones too, so those decode to [`Unknown`] and not to an error.

use std::fmt;

use bytes::{Buf, Bytes};

use super::check;
use super::display::Quoted;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::stream_id::StreamId;

/// PRIORITY_UPDATE: a client's priority for a response (RFC 9218, Section 7.1).
///
/// It is sent on stream 0, so it can arrive before the stream it refers to is open.
///
/// ```
/// use bytes::Bytes;
/// use h2_sync::frame::{PriorityUpdate, StreamId};
///
/// let frame = PriorityUpdate {
///     prioritized_stream_id: StreamId::new(3).unwrap(),
///     field_value: Bytes::from_static(b"u=1, i"),
/// };
/// assert_eq!(
///     frame.to_string(),
///     r#"PRIORITY_UPDATE length=10 prioritized_stream=3 value="u=1, i""#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityUpdate {
    /// The stream whose response is prioritized.
    pub prioritized_stream_id: StreamId,
    /// The value of a `priority` field: a dictionary in ASCII (RFC 9218, Section 4). It is not
    /// parsed here.
    pub field_value: Bytes,
}

impl PriorityUpdate {
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9218, Section 7.1: PRIORITY_UPDATE on a stream other than 0 is a PROTOCOL_ERROR.
        check::is_on_connection(head)?;
        let prioritized_stream_id = match payload.try_get_u32() {
            Ok(octets) => StreamId::from_wire(octets),
            Err(_) => {
                return Err(check::too_short(head, "PRIORITY_UPDATE has no prioritized stream"));
            }
        };
        // RFC 9218, Section 7.1: a prioritized stream of 0 is a PROTOCOL_ERROR.
        if prioritized_stream_id.is_connection() {
            return Err(Error::connection(
                head,
                ErrorCode::ProtocolError,
                "PRIORITY_UPDATE prioritizes stream 0",
            ));
        }
        Ok(Self { prioritized_stream_id, field_value: payload })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let payload = size_of::<u32>() + self.field_value.len();
        Head::new(Kind::PRIORITY_UPDATE, Flags::default(), StreamId::CONNECTION, payload)
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = self.head();
        out.reserve(head.frame_len());
        head.encode(out);
        out.extend_from_slice(&self.prioritized_stream_id.get().to_be_bytes());
        out.extend_from_slice(&self.field_value);
    }
}

impl fmt::Display for PriorityUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prioritized_stream_id, field_value } = self;
        let value = Quoted(field_value);
        write!(f, "{} prioritized_stream={prioritized_stream_id} value={value}", self.head())
    }
}

/// ALTSVC: alternative services for an origin (RFC 7838, Section 4).
///
/// On stream 0 the frame names the origin. On a stream `origin` is empty: it is that of the
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltSvc {
    /// The stream whose origin this applies to, or [`StreamId::CONNECTION`].
    pub stream_id: StreamId,
    /// The origin in ASCII, such as `https://example.com`; at most 65,535 octets.
    pub origin: Bytes,
    /// The value of an `alt-svc` field (RFC 7838, Section 3). It is not parsed here.
    pub field_value: Bytes,
}

impl AltSvc {
    /// Returns `None` if the frame must be ignored.
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Option<Self> {
        let origin = take_string(&mut payload)?;
        // RFC 7838, Section 4: a frame on stream 0 without an origin, or on a stream with one, is
        // invalid and ignored.
        if head.stream_id.is_connection() == origin.is_empty() {
            return None;
        }
        Some(Self { stream_id: head.stream_id, origin, field_value: payload })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let payload = string_len(&self.origin) + self.field_value.len();
        Head::new(Kind::ALTSVC, Flags::default(), self.stream_id, payload)
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets or the origin over 65,535 (release
    /// builds truncate the origin).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = self.head();
        out.reserve(head.frame_len());
        head.encode(out);
        put_string(&self.origin, out);
        out.extend_from_slice(&self.field_value);
    }
}

impl fmt::Display for AltSvc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, value) = (Quoted(&self.origin), Quoted(&self.field_value));
        write!(f, "{} origin={origin} value={value}", self.head())
    }
}

/// ORIGIN: the origins that a server is authoritative for on this connection (RFC 8336, Section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The origins in ASCII, such as `https://example.com`; at most 65,535 octets each. They are
    /// not parsed here; the receiver skips entries that are not origins.
    pub origins: Vec<Bytes>,
}

impl Origin {
    /// Flags that RFC 8336, Section 2.1, reserves for changes to the meaning of the frame.
    const RESERVED_FLAGS: u8 = 0x0f;

    /// The most origins that `Display` prints.
    const SHOWN: usize = 8;

    /// Returns `None` if the frame must be ignored.
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Option<Self> {
        // RFC 8336, Sections 2.1 and 2.2: a frame on a stream or with a reserved flag is ignored.
        if !head.stream_id.is_connection() || head.flags.bits() & Self::RESERVED_FLAGS != 0 {
            return None;
        }
        let mut origins = Vec::new();
        while !payload.is_empty() {
            origins.push(take_string(&mut payload)?);
        }
        Some(Self { origins })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let payload = self.origins.iter().map(|origin| string_len(origin)).sum();
        Head::new(Kind::ORIGIN, Flags::default(), StreamId::CONNECTION, payload)
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets or an origin over 65,535 (release
    /// builds truncate the origin).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = self.head();
        out.reserve(head.frame_len());
        head.encode(out);
        for origin in &self.origins {
            put_string(origin, out);
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())?;
        for origin in self.origins.iter().take(Self::SHOWN) {
            write!(f, " origin={}", Quoted(origin))?;
        }
        if self.origins.len() > Self::SHOWN {
            f.write_str(" ...")?;
        }
        Ok(())
    }
}

/// A frame of an unknown type, or one that its RFC says to ignore; kept as received.
///
/// The receiver skips it, except inside a field block, where any frame but CONTINUATION is an error
/// (RFC 9113, Section 5.5).
///
/// ```
/// use bytes::Bytes;
/// use h2_sync::frame::{Flags, Kind, StreamId, Unknown};
///
/// let frame = Unknown {
///     kind: Kind(0x2a),
///     flags: Flags(0x05),
///     stream_id: StreamId::new(1).unwrap(),
///     payload: Bytes::from_static(&[1, 2, 3]),
/// };
/// assert_eq!(frame.to_string(), "UNKNOWN(0x2a) stream=1 length=3 flags=0x05");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The type. Of the types that have a struct, only ALTSVC and ORIGIN occur here.
    pub kind: Kind,
    /// The flags.
    pub flags: Flags,
    /// The stream, or [`StreamId::CONNECTION`].
    pub stream_id: StreamId,
    /// The payload.
    pub payload: Bytes,
}

impl Unknown {
    pub(super) fn decode(head: &Head, payload: Bytes) -> Self {
        Self { kind: head.kind, flags: head.flags, stream_id: head.stream_id, payload }
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        Head::new(self.kind, self.flags, self.stream_id, self.payload.len())
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = self.head();
        out.reserve(head.frame_len());
        head.encode(out);
        out.extend_from_slice(&self.payload);
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())
    }
}

/// Removes a string with a 16-bit length prefix from the front, or returns `None` if it is
/// incomplete.
fn take_string(payload: &mut Bytes) -> Option<Bytes> {
    let length = usize::from(payload.try_get_u16().ok()?);
    // The check keeps `split_to` from panicking.
    (length <= payload.len()).then(|| payload.split_to(length))
}

/// Appends a string with a 16-bit length prefix.
fn put_string(string: &[u8], out: &mut Vec<u8>) {
    debug_assert!(u16::try_from(string.len()).is_ok(), "an origin over 65,535 octets");
    let length = u16::try_from(string.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    // In bounds: `length` is at most that of the string.
    out.extend_from_slice(&string[..usize::from(length)]);
}

/// Returns the number of octets that [`put_string`] appends.
fn string_len(string: &[u8]) -> usize {
    size_of::<u16>() + string.len().min(usize::from(u16::MAX))
}
