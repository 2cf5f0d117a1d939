//! The [`Frame`] enum: bytes to frames and back.

use std::fmt;

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

/// Any frame.
///
/// Printed, it is one line, as for a trace.
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
    /// PRIORITY: a dependency of the deprecated scheme.
    Priority(Priority),
    /// RST_STREAM: ends a stream at once.
    RstStream(RstStream),
    /// SETTINGS: what one side asks of the other.
    Settings(Settings),
    /// PUSH_PROMISE: a request that the server will answer unasked.
    PushPromise(PushPromise),
    /// PING: asks for the same back.
    Ping(Ping),
    /// GOAWAY: no more streams after this one.
    Goaway(Goaway),
    /// WINDOW_UPDATE: more DATA may be sent.
    WindowUpdate(WindowUpdate),
    /// CONTINUATION: goes on with a field block.
    Continuation(Continuation),
    /// PRIORITY_UPDATE: how urgent a response is.
    PriorityUpdate(PriorityUpdate),
    /// ALTSVC: where else an origin is to be had.
    AltSvc(AltSvc),
    /// ORIGIN: what origins are to be had here.
    Origin(Origin),
    /// A frame to be ignored.
    Unknown(Unknown),
}

/// Evaluates one expression for whichever frame is inside.
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
    /// Takes one whole frame off the front of `input`.
    ///
    /// `Ok(None)` says that there is no whole frame yet, and `input` is as it was;
    /// [`Head::parse`] tells how much is missing, if there is a head already. `max_frame_size` is
    /// what this side has announced with SETTINGS_MAX_FRAME_SIZE. A longer frame is an error as
    /// soon as its head is there, so that its payload never needs to be stored.
    ///
    /// Payloads are not copied: `data`, `fragment` and the like are slices of the buffer behind
    /// `input`, and keep it alive as long as they are. Kinds without any (PRIORITY, RST_STREAM,
    /// SETTINGS, PING, WINDOW_UPDATE) leave the buffer unshared.
    ///
    /// # Errors
    ///
    /// An [`Error`] of the [stream](super::Scope::Stream) has taken the frame off `input`, and the
    /// next one can be decoded. After one of the [connection](super::Scope::Connection), what is
    /// left in `input` means nothing, and no more is to be decoded.
    // A frame is 80 octets. Inlined down from here, it is built where the caller wants it, which
    // takes a third off the time that handing it up by copies takes.
    #[inline]
    pub fn decode(input: &mut BytesMut, max_frame_size: u32) -> Result<Option<Self>, Error> {
        let Some(head) = Head::parse(input) else {
            return Ok(None);
        };
        // RFC 9113, Section 4.2: a frame longer than the receiver allows is a FRAME_SIZE_ERROR. For
        // a DATA it could be one of the stream alone; but then a payload has to be skipped which
        // the peer knew it must not send.
        if head.length > max_frame_size {
            let reason = "the frame is longer than SETTINGS_MAX_FRAME_SIZE";
            return Err(Error::connection(&head, ErrorCode::FrameSizeError, reason));
        }
        let frame_len = head.frame_len();
        let Some(payload) = input.get(Head::LEN..frame_len) else {
            return Ok(None);
        };
        if let Some(result) = decode_by_value(&head, payload) {
            // Neither this nor what follows can panic: the whole frame is there.
            input.advance(frame_len);
            return result.map(Some);
        }
        input.advance(Head::LEN);
        let payload = if head.length == 0 {
            // An empty slice would keep the buffer alive for nothing.
            Bytes::new()
        } else {
            input.split_to(frame_len - Head::LEN).freeze()
        };
        decode_by_slice(&head, payload).map(Some)
    }

    /// Decodes a frame whose head and payload are apart.
    ///
    /// It is the length of `payload` that counts; `head.length` is only looked at for what an error
    /// says, and not checked against a largest size.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), but for the largest size.
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

    /// The head that this frame has on the wire.
    pub fn head(&self) -> Head {
        for_inner!(self, frame => frame.head())
    }

    /// The kind of the frame.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// The stream that the frame is on, or [`StreamId::CONNECTION`].
    pub fn stream_id(&self) -> StreamId {
        self.head().stream_id
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets: whoever makes frames of a field block
    /// or of content cuts it up. In release builds the peer gets bytes that it cannot understand.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for_inner!(self, frame => frame.encode(out));
    }
}

/// Decodes the kinds that keep nothing of the payload: they need not share its buffer. `None` is
/// for the other kinds.
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

/// Decodes the kinds that keep slices of the payload.
#[inline]
fn decode_by_slice(head: &Head, payload: Bytes) -> Result<Frame, Error> {
    match head.kind {
        Kind::DATA => Data::decode(head, payload).map(Frame::from),
        Kind::HEADERS => Headers::decode(head, payload).map(Frame::from),
        Kind::PUSH_PROMISE => PushPromise::decode(head, payload).map(Frame::from),
        Kind::GOAWAY => Goaway::decode(head, payload).map(Frame::from),
        Kind::CONTINUATION => Continuation::decode(head, payload).map(Frame::from),
        Kind::PRIORITY_UPDATE => PriorityUpdate::decode(head, payload).map(Frame::from),
        // The RFCs of these two say to ignore what makes no sense: it is kept as it came.
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
