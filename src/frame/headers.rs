//! Frames that carry a field block: HEADERS, PUSH_PROMISE and CONTINUATION.
//!
//! RFC 9113, Section 4.3: a field section is compressed to a *field block*, and the block is cut
//! into fragments. The first is in a HEADERS or PUSH_PROMISE, the others in CONTINUATIONs that
//! follow at once, with no other frame between them on the whole connection. END_HEADERS is on the
//! last:
//!
//! ```text
//! HEADERS ──▶ CONTINUATION ──▶ … ──▶ CONTINUATION + END_HEADERS
//! HEADERS + END_HEADERS                    (what nearly always happens)
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
    /// The stream that this is for.
    pub stream_id: StreamId,
    /// The field block, or the start of it.
    pub fragment: Bytes,
    /// END_STREAM: no DATA follows, though CONTINUATIONs may.
    pub end_stream: bool,
    /// END_HEADERS: the fragment is the whole, and no CONTINUATION follows.
    pub end_headers: bool,
    /// PRIORITY: a place in the tree of RFC 7540, which has no effect any more.
    pub priority: Option<Dependency>,
    /// PADDED: the octets of padding, or `None` if there is not even a pad length.
    pub padding: Option<u8>,
}

impl Headers {
    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.2: HEADERS belongs to a stream; on stream 0 it is a PROTOCOL_ERROR.
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

    /// The head that this frame has on the wire.
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

/// PUSH_PROMISE: a server says which request it is going to answer unasked (RFC 9113, Section
/// 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushPromise {
    /// The client's stream that the promise goes with.
    pub stream_id: StreamId,
    /// The server's stream that the response will come on.
    pub promised_stream_id: StreamId,
    /// The field block of the request, or the start of it.
    pub fragment: Bytes,
    /// END_HEADERS: the fragment is the whole, and no CONTINUATION follows.
    pub end_headers: bool,
    /// PADDED: the octets of padding, or `None` if there is not even a pad length.
    pub padding: Option<u8>,
}

impl PushPromise {
    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.6: PUSH_PROMISE goes with a stream; on stream 0 it is a
        // PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        let padding = padding::take_length(head, &mut payload)?;
        let promised_stream_id = match payload.try_get_u32() {
            Ok(octets) => StreamId::from_wire(octets),
            Err(_) => return Err(check::too_short(head, "PUSH_PROMISE promises no stream")),
        };
        // RFC 9113, Section 6.6: promising a stream that cannot be opened is a PROTOCOL_ERROR, and
        // stream 0 never can. Whether another one can, the state of the connection tells.
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

    /// The head that this frame has on the wire.
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

/// CONTINUATION: goes on with the field block of the frame before it (RFC 9113, Section 6.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The stream that the field block is for: the same as that of the frame before.
    pub stream_id: StreamId,
    /// The next part of the field block.
    pub fragment: Bytes,
    /// END_HEADERS: this is the last part.
    pub end_headers: bool,
}

impl Continuation {
    #[inline]
    pub(super) fn decode(head: &Head, payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.10: CONTINUATION belongs to a stream; on stream 0 it is a
        // PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        Ok(Self {
            stream_id: head.stream_id,
            fragment: payload,
            end_headers: head.flags.contains(Flags::END_HEADERS),
        })
    }

    /// The head that this frame has on the wire.
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

/// Takes the dependency of a HEADERS off the front of its payload.
fn take_dependency(head: &Head, payload: &mut Bytes) -> Result<Dependency, Error> {
    let Some(octets) = payload.first_chunk().copied() else {
        return Err(check::too_short(head, "HEADERS is too short for its dependency"));
    };
    // Cannot panic: that many octets have just been read.
    payload.advance(Dependency::LEN);
    Ok(Dependency::from_octets(octets))
}
