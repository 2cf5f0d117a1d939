//! Frames that carry a field block: HEADERS, PUSH_PROMISE and CONTINUATION.
//!
//! A field section is compressed to a *field block*, which is cut into fragments (RFC 9113, Section
//! 4.3). The first fragment is in a HEADERS or PUSH_PROMISE frame, the others in CONTINUATION
//! frames that follow it directly: no other frame may come between them on the whole connection.
//! The last one has END_HEADERS:
//!
//! ```text
//! HEADERS ──▶ CONTINUATION ──▶ … ──▶ CONTINUATION + END_HEADERS
//! HEADERS + END_HEADERS                    (the usual case)
//! ```

use std::fmt;

use bytes::{Buf, Bytes};

use super::check;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::padding;
use super::priority::Dependency;
use super::stream_id::StreamId;

/// HEADERS: opens a stream, or carries a response or trailers (RFC 9113, Section 6.2).
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use h2_sync::frame::{Headers, StreamId};
///
/// let frame = Headers {
///     stream_id: StreamId::new(1).unwrap(),
///     fragment: Bytes::from_static(&[0x82, 0x84, 0x86]),
///     end_stream: true,
///     end_headers: true,
///     priority: None,
///     padding: None,
/// };
/// let mut wire = Vec::new();
/// frame.encode(&mut wire);
/// assert_eq!(wire, [0, 0, 3, 0x01, 0x05, 0, 0, 0, 1, 0x82, 0x84, 0x86]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The stream of the message.
    pub stream_id: StreamId,
    /// The field block, or its first fragment.
    pub fragment: Bytes,
    /// END_STREAM: no DATA follows, though CONTINUATION may.
    pub end_stream: bool,
    /// END_HEADERS: the field block is complete, and no CONTINUATION follows.
    pub end_headers: bool,
    /// PRIORITY: a dependency of RFC 7540's priority scheme, which has no effect.
    pub priority: Option<Dependency>,
    /// PADDED: the number of padding octets, or `None` if the frame has no pad length field.
    pub padding: Option<u8>,
}

impl Headers {
    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.2: HEADERS on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        let padding = padding::take_length(head, &mut payload)?;
        let priority = if head.flags.contains(Flags::PRIORITY) {
            Some(take_dependency(head, &mut payload)?)
        } else {
            None
        };
        padding::strip(head, &mut payload, padding)?;
        Ok(Self {
            stream_id: head.stream_id,
            fragment: payload,
            end_stream: head.flags.contains(Flags::END_STREAM),
            end_headers: head.flags.contains(Flags::END_HEADERS),
            priority,
            padding,
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let mut flags = Flags::default();
        if self.end_stream {
            flags.insert(Flags::END_STREAM);
        }
        if self.end_headers {
            flags.insert(Flags::END_HEADERS);
        }
        if self.priority.is_some() {
            flags.insert(Flags::PRIORITY);
        }
        if self.padding.is_some() {
            flags.insert(Flags::PADDED);
        }
        let priority = self.priority.map_or(0, |_| Dependency::LEN);
        let payload = padding::octets(self.padding) + priority + self.fragment.len();
        Head::new(Kind::HEADERS, flags, self.stream_id, payload)
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
        out.extend(self.padding);
        if let Some(priority) = self.priority {
            out.extend_from_slice(&priority.to_octets());
        }
        out.extend_from_slice(&self.fragment);
        out.extend_from_slice(padding::zeros(self.padding));
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())?;
        if let Some(priority) = self.priority {
            write!(f, " {priority}")?;
        }
        padding::trace(self.padding, f)
    }
}

/// PUSH_PROMISE: a request that the server will answer without having received it (RFC 9113,
/// Section 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushPromise {
    /// The client's stream that the promise is associated with.
    pub stream_id: StreamId,
    /// The server's stream that will carry the response.
    pub promised_stream_id: StreamId,
    /// The field block of the promised request, or its first fragment.
    pub fragment: Bytes,
    /// END_HEADERS: the field block is complete, and no CONTINUATION follows.
    pub end_headers: bool,
    /// PADDED: the number of padding octets, or `None` if the frame has no pad length field.
    pub padding: Option<u8>,
}

impl PushPromise {
    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.6: PUSH_PROMISE on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        let padding = padding::take_length(head, &mut payload)?;
        let promised_stream_id = match payload.try_get_u32() {
            Ok(octets) => StreamId::from_wire(octets),
            Err(_) => return Err(check::too_short(head, "PUSH_PROMISE has no promised stream")),
        };
        // RFC 9113, Section 6.6: promising a stream that is not idle is a PROTOCOL_ERROR. Stream 0
        // never is; the core checks the others.
        if promised_stream_id.is_connection() {
            return Err(Error::connection(
                head,
                ErrorCode::ProtocolError,
                "PUSH_PROMISE promises stream 0",
            ));
        }
        padding::strip(head, &mut payload, padding)?;
        Ok(Self {
            stream_id: head.stream_id,
            promised_stream_id,
            fragment: payload,
            end_headers: head.flags.contains(Flags::END_HEADERS),
            padding,
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let mut flags = Flags::default();
        if self.end_headers {
            flags.insert(Flags::END_HEADERS);
        }
        if self.padding.is_some() {
            flags.insert(Flags::PADDED);
        }
        let promised = size_of::<u32>();
        let payload = padding::octets(self.padding) + promised + self.fragment.len();
        Head::new(Kind::PUSH_PROMISE, flags, self.stream_id, payload)
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
        out.extend(self.padding);
        out.extend_from_slice(&self.promised_stream_id.get().to_be_bytes());
        out.extend_from_slice(&self.fragment);
        out.extend_from_slice(padding::zeros(self.padding));
    }
}

impl fmt::Display for PushPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} promised_stream={}", self.head(), self.promised_stream_id)?;
        padding::trace(self.padding, f)
    }
}

/// CONTINUATION: continues the field block of the preceding frame (RFC 9113, Section 6.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The stream of the field block, the same as in the preceding frame.
    pub stream_id: StreamId,
    /// The next fragment of the field block.
    pub fragment: Bytes,
    /// END_HEADERS: this fragment is the last one.
    pub end_headers: bool,
}

impl Continuation {
    #[inline]
    pub(super) fn decode(head: &Head, payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.10: CONTINUATION on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        Ok(Self {
            stream_id: head.stream_id,
            fragment: payload,
            end_headers: head.flags.contains(Flags::END_HEADERS),
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let mut flags = Flags::default();
        if self.end_headers {
            flags.insert(Flags::END_HEADERS);
        }
        Head::new(Kind::CONTINUATION, flags, self.stream_id, self.fragment.len())
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
        out.extend_from_slice(&self.fragment);
    }
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())
    }
}

/// Removes the dependency from the front of a HEADERS payload.
fn take_dependency(head: &Head, payload: &mut Bytes) -> Result<Dependency, Error> {
    let Some(octets) = payload.first_chunk().copied() else {
        return Err(check::too_short(head, "HEADERS is too short for its priority fields"));
    };
    // Cannot panic: `first_chunk` has found as many octets.
    payload.advance(Dependency::LEN);
    Ok(Dependency::from_octets(octets))
}
