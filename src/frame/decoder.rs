//! The [`Frame`] enum, and decoding and encoding of any frame.

use std::fmt;
use std::ops::Deref;

use bytes::{Buf, Bytes, BytesMut};

use super::control::{Goaway, Ping, RstStream, WindowUpdate};
use super::data::Data;
use super::error::Error;
use super::error_code::ErrorCode;
use super::extension::{AltSvc, Origin, PriorityUpdate, Unknown};
use super::head::Head;
use super::headers::{Continuation, Headers, PushPromise};
use super::kind::Kind;
use super::priority::Priority;
use super::settings::Settings;
use super::stream_id::StreamId;

/// A frame of any type.
///
/// `Display` prints one line, suitable for a trace.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use h2_sync::frame::{Frame, Settings, StreamId, WindowUpdate, DEFAULT_MAX_FRAME_SIZE};
///
/// let mut wire = Vec::new();
/// Frame::from(Settings::default()).encode(&mut wire);
/// Frame::from(WindowUpdate { stream_id: StreamId::CONNECTION, increment: 7 }).encode(&mut wire);
///
/// let mut input = BytesMut::from(&wire[..]);
/// let mut trace = Vec::new();
/// while let Some(frame) = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)? {
///     trace.push(frame.to_string());
/// }
/// assert_eq!(trace, ["SETTINGS length=0", "WINDOW_UPDATE stream=0 length=4 increment=7"]);
/// # Ok::<(), h2_sync::frame::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// DATA: a part of the content of a message.
    Data(Data),
    /// HEADERS: opens a stream, or carries a response or trailers.
    Headers(Headers),
    /// PRIORITY: a dependency of the deprecated priority scheme.
    Priority(Priority),
    /// RST_STREAM: ends a stream at once.
    RstStream(RstStream),
    /// SETTINGS: configuration that one side announces, or an acknowledgement.
    Settings(Settings),
    /// PUSH_PROMISE: a request that the server will answer without having received it.
    PushPromise(PushPromise),
    /// PING: asks the peer to send the payload back.
    Ping(Ping),
    /// GOAWAY: no new streams on this connection.
    Goaway(Goaway),
    /// WINDOW_UPDATE: lets the receiver send more DATA.
    WindowUpdate(WindowUpdate),
    /// CONTINUATION: continues a field block.
    Continuation(Continuation),
    /// PRIORITY_UPDATE: the priority of a response.
    PriorityUpdate(PriorityUpdate),
    /// ALTSVC: alternative services for an origin.
    AltSvc(AltSvc),
    /// ORIGIN: the origins that this connection serves.
    Origin(Origin),
    /// A frame that the receiver ignores.
    Unknown(Unknown),
}

/// Received octets in one piece, from which payloads are taken without a copy.
pub(crate) trait Input: Buf + Deref<Target = [u8]> {}

impl Input for BytesMut {}
impl Input for Bytes {}

/// Evaluates one expression for the frame in any variant.
macro_rules! for_inner {
    ($frame:expr, $inner:ident => $result:expr) => {
        match $frame {
            Frame::Data($inner) => $result,
            Frame::Headers($inner) => $result,
            Frame::Priority($inner) => $result,
            Frame::RstStream($inner) => $result,
            Frame::Settings($inner) => $result,
            Frame::PushPromise($inner) => $result,
            Frame::Ping($inner) => $result,
            Frame::Goaway($inner) => $result,
            Frame::WindowUpdate($inner) => $result,
            Frame::Continuation($inner) => $result,
            Frame::PriorityUpdate($inner) => $result,
            Frame::AltSvc($inner) => $result,
            Frame::Origin($inner) => $result,
            Frame::Unknown($inner) => $result,
        }
    };
}

impl Frame {
    /// Decodes one whole frame from the front of `input` and removes it.
    ///
    /// `Ok(None)` means that `input` does not hold a whole frame yet and is unchanged;
    /// [`Head::parse`] gives the frame's length once the frame header is there. `max_frame_size` is
    /// the SETTINGS_MAX_FRAME_SIZE that this side has announced. A longer frame is an error as soon
    /// as its header is there, so an oversized payload is never stored.
    ///
    /// Payloads are not copied: fields such as `data` and `fragment` are slices of the buffer
    /// behind `input` and keep it alive. PRIORITY, RST_STREAM, SETTINGS, PING and WINDOW_UPDATE
    /// hold no slices and leave the buffer unshared.
    ///
    /// # Errors
    ///
    /// An [`Error`] of [`Scope::Stream`](super::Scope::Stream) has removed the frame from `input`,
    /// and decoding can go on. After an error of [`Scope::Connection`](super::Scope::Connection),
    /// the rest of `input` must not be decoded.
    #[inline]
    pub fn decode(input: &mut BytesMut, max_frame_size: u32) -> Result<Option<Self>, Error> {
        Self::decode_from(input, max_frame_size)
    }

    /// [`decode`](Self::decode) from either kind of input.
    // A `Frame` is 80 octets. Inlining this builds it in the caller's place and takes a third off
    // the decoding time, compared with moving it up through the calls.
    #[inline]
    pub(crate) fn decode_from<I: Input>(
        input: &mut I,
        max_frame_size: u32,
    ) -> Result<Option<Self>, Error> {
        let Some(head) = Head::parse(input) else {
            return Ok(None);
        };
        // RFC 9113, Section 4.2: a frame longer than the receiver allows is a FRAME_SIZE_ERROR. For
        // DATA a stream error would be allowed, but then the oversized payload would have to be
        // skipped.
        if head.length > max_frame_size {
            let reason = "the frame is longer than SETTINGS_MAX_FRAME_SIZE";
            return Err(Error::connection(&head, ErrorCode::FrameSizeError, reason));
        }
        let frame_len = head.frame_len();
        let Some(payload) = input.get(Head::LEN..frame_len) else {
            return Ok(None);
        };
        if let Some(result) = decode_by_value(&head, payload) {
            // `advance` and `copy_to_bytes` cannot panic: the whole frame is in `input`.
            input.advance(frame_len);
            return result.map(Some);
        }
        input.advance(Head::LEN);
        let payload = if head.length == 0 {
            // An empty slice would needlessly keep the buffer alive.
            Bytes::new()
        } else {
            input.copy_to_bytes(frame_len - Head::LEN)
        };
        decode_by_slice(&head, payload).map(Some)
    }

    /// Decodes a frame from its header and its payload.
    ///
    /// The length of `payload` counts. `head.length` appears only in error messages and is not
    /// checked against a maximum frame size.
    ///
    /// # Errors
    ///
    /// The same as [`decode`](Self::decode), except for frames that are too long.
    ///
    /// # Example
    ///
    /// ```
    /// use bytes::Bytes;
    /// use h2_sync::frame::{Flags, Frame, Head, Kind, StreamId};
    ///
    /// let head = Head {
    ///     length: 4,
    ///     kind: Kind::RST_STREAM,
    ///     flags: Flags::default(),
    ///     stream_id: StreamId::new(1).unwrap(),
    /// };
    /// let frame = Frame::decode_payload(head, Bytes::from_static(&[0, 0, 0, 8]))?;
    /// assert_eq!(frame.to_string(), "RST_STREAM stream=1 length=4 error=CANCEL");
    /// # Ok::<(), h2_sync::frame::Error>(())
    /// ```
    pub fn decode_payload(head: Head, payload: Bytes) -> Result<Self, Error> {
        match decode_by_value(&head, &payload) {
            Some(result) => result,
            None => decode_by_slice(&head, payload),
        }
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        for_inner!(self, frame => frame.head())
    }

    /// Returns the type of the frame.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// Returns the stream that the frame is on, or [`StreamId::CONNECTION`].
    pub fn stream_id(&self) -> StreamId {
        self.head().stream_id
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets: the caller must split content and
    /// field blocks. In release builds the length on the wire is then wrong, and the peer cannot
    /// decode what follows.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for_inner!(self, frame => frame.encode(out));
    }
}

/// Decodes frame types that hold no slice of the payload, so its buffer stays unshared. Returns
/// `None` for other types.
#[inline]
fn decode_by_value(head: &Head, payload: &[u8]) -> Option<Result<Frame, Error>> {
    Some(match head.kind {
        Kind::PRIORITY => Priority::decode(head, payload).map(Frame::from),
        Kind::RST_STREAM => RstStream::decode(head, payload).map(Frame::from),
        Kind::SETTINGS => Settings::decode(head, payload).map(Frame::from),
        Kind::PING => Ping::decode(head, payload).map(Frame::from),
        Kind::WINDOW_UPDATE => WindowUpdate::decode(head, payload).map(Frame::from),
        _ => return None,
    })
}

/// Decodes frame types that hold slices of the payload.
#[inline]
fn decode_by_slice(head: &Head, payload: Bytes) -> Result<Frame, Error> {
    match head.kind {
        Kind::DATA => Data::decode(head, payload).map(Frame::from),
        Kind::HEADERS => Headers::decode(head, payload).map(Frame::from),
        Kind::PUSH_PROMISE => PushPromise::decode(head, payload).map(Frame::from),
        Kind::GOAWAY => Goaway::decode(head, payload).map(Frame::from),
        Kind::CONTINUATION => Continuation::decode(head, payload).map(Frame::from),
        Kind::PRIORITY_UPDATE => PriorityUpdate::decode(head, payload).map(Frame::from),
        // The RFCs of these two say to ignore a malformed frame, so it becomes `Unknown`.
        Kind::ALTSVC => Ok(AltSvc::decode(head, payload.clone())
            .map_or_else(|| Unknown::decode(head, payload).into(), Frame::from)),
        Kind::ORIGIN => Ok(Origin::decode(head, payload.clone())
            .map_or_else(|| Unknown::decode(head, payload).into(), Frame::from)),
        _ => Ok(Unknown::decode(head, payload).into()),
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for_inner!(self, frame => frame.fmt(f))
    }
}

/// Wraps each kind in the variant of its name.
macro_rules! impl_from {
    ($($name:ident)*) => {$(
        impl From<$name> for Frame {
            fn from(frame: $name) -> Self {
                Self::$name(frame)
            }
        }
    )*};
}

impl_from!(Data Headers Priority RstStream Settings PushPromise Ping Goaway WindowUpdate);
impl_from!(Continuation PriorityUpdate AltSvc Origin Unknown);
