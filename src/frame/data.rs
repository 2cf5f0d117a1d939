//! DATA: RFC 9113, Section 6.1.

use std::fmt;

use bytes::Bytes;

use super::check;
use super::error::Error;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::padding;
use super::stream_id::StreamId;

/// DATA: a part of a message's content (RFC 9113, Section 6.1).
///
/// DATA is the only frame type subject to flow control, which counts [the whole
/// payload](Self::flow_len), padding included. In a decoded frame, `data` is a slice of the input
/// buffer and keeps that buffer alive.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use h2_sync::frame::{Data, StreamId};
///
/// let frame = Data {
///     stream_id: StreamId::new(1).unwrap(),
///     data: Bytes::from_static(b"hello"),
///     end_stream: true,
///     padding: None,
/// };
/// let mut wire = Vec::new();
/// frame.encode(&mut wire);
/// assert_eq!(wire, b"\x00\x00\x05\x00\x01\x00\x00\x00\x01hello");
/// assert_eq!(frame.to_string(), "DATA stream=1 length=5 flags=END_STREAM");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The stream of the message.
    pub stream_id: StreamId,
    /// The content, without padding.
    pub data: Bytes,
    /// END_STREAM: this frame ends the message.
    pub end_stream: bool,
    /// PADDED: the number of padding octets, or `None` if the frame has no pad length field.
    pub padding: Option<u8>,
}

impl Data {
    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.1: DATA on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        let padding = padding::take_length(head, &mut payload)?;
        padding::strip(head, &mut payload, padding)?;
        Ok(Self {
            stream_id: head.stream_id,
            data: payload,
            end_stream: head.flags.contains(Flags::END_STREAM),
            padding,
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let mut flags = Flags::default();
        if self.end_stream {
            flags.insert(Flags::END_STREAM);
        }
        if self.padding.is_some() {
            flags.insert(Flags::PADDED);
        }
        let payload = self.data.len() + padding::octets(self.padding);
        Head::new(Kind::DATA, flags, self.stream_id, payload)
    }

    /// Returns the octets that flow control counts: the pad length field, data and padding (RFC
    /// 9113, Section 6.9.1).
    pub fn flow_len(&self) -> u32 {
        self.head().length
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.head().frame_len());
        self.encode_head(out);
        out.extend_from_slice(&self.data);
        out.extend_from_slice(self.zeros());
    }

    /// Appends everything before `data`: the frame header, and the pad length if there is one.
    ///
    /// For a writer that passes `data` on without a copy. The writer must append
    /// [`zeros`](Self::zeros) after `data`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        self.head().encode(out);
        out.extend(self.padding);
    }

    /// Returns the padding, which comes after `data`.
    pub fn zeros(&self) -> &'static [u8] {
        padding::zeros(self.padding)
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())?;
        padding::trace(self.padding, f)
    }
}
