//! Frames, the unit of transmission in HTTP/2.
//!
//! RFC 9113 calls this the framing layer (Section 4) and defines ten frame types (Section 6). Each
//! is a struct here with public fields, and [`Frame`] is the enum of all of them. The module
//! consists of pure functions over bytes. It has no connection and no stream state, so tools and
//! tests can use it as well as the core in `proto`.
//!
//! # On the wire
//!
//! Every frame starts with nine octets, the frame header or [`Head`]:
//!
//! ```text
//! octet    0     1     2     3      4       5     6     7     8     9 …
//!       ┌─────────────────┬──────┬───────┬───────────────────────┬───────────────────┐
//!       │ length (24 bit) │ kind │ flags │ 0 + stream id (31 bit)│ `length` octets … │
//!       └─────────────────┴──────┴───────┴───────────────────────┴───────────────────┘
//! ```
//!
//! | kind | struct | belongs to | payload |
//! | --- | --- | --- | --- |
//! | `0x00` DATA | [`Data`] | a stream | content of a message, counted by flow control |
//! | `0x01` HEADERS | [`Headers`] | a stream | starts a field block |
//! | `0x02` PRIORITY | [`Priority`] | a stream | a deprecated dependency, 5 octets |
//! | `0x03` RST_STREAM | [`RstStream`] | a stream | an error code, 4 octets |
//! | `0x04` SETTINGS | [`Settings`] | the connection | id and value, 6 octets each |
//! | `0x05` PUSH_PROMISE | [`PushPromise`] | a stream | a promised stream and a field block |
//! | `0x06` PING | [`Ping`] | the connection | 8 opaque octets |
//! | `0x07` GOAWAY | [`Goaway`] | the connection | last stream, error code, debug data |
//! | `0x08` WINDOW_UPDATE | [`WindowUpdate`] | either | an increment, 4 octets |
//! | `0x09` CONTINUATION | [`Continuation`] | a stream | continues a field block |
//! | `0x0a` ALTSVC | [`AltSvc`] | either | RFC 7838: an alternative service |
//! | `0x0c` ORIGIN | [`Origin`] | the connection | RFC 8336: origins served here |
//! | `0x10` PRIORITY_UPDATE | [`PriorityUpdate`] | the connection | RFC 9218: a priority |
//! | any other | [`Unknown`] | either | kept as received |
//!
//! # What is checked here
//!
//! Decoding checks what one frame alone shows: lengths, padding, ranges of settings, and whether a
//! frame type may be on stream 0. Checks that need the role, the stream's state or earlier frames
//! are made by the core. An [`Error`] gives the error code to answer with, and whether the [stream
//! or the connection](Scope) ends.
//!
//! Reserved bits and undefined flags are ignored on receipt and sent as zero (RFC 9113, Section
//! 4.1).
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use h2_sync::frame::{Frame, Ping, DEFAULT_MAX_FRAME_SIZE};
//!
//! let mut wire = Vec::new();
//! Ping { ack: false, payload: *b"are you?" }.encode(&mut wire);
//!
//! // A reader appends what the socket returned, and decodes until no whole frame is left.
//! let mut input = BytesMut::from(&wire[..12]);
//! assert_eq!(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)?, None);
//! input.extend_from_slice(&wire[12..]);
//! match Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)? {
//!     Some(Frame::Ping(ping)) => assert_eq!(&ping.payload, b"are you?"),
//!     other => panic!("expected a PING, got {other:?}"),
//! }
//! # Ok::<(), h2_sync::frame::Error>(())
//! ```

mod check;
mod constants;
mod control;
mod data;
mod decoder;
mod display;
mod error;
mod error_code;
mod extension;
mod flags;
mod head;
mod headers;
mod kind;
mod padding;
mod priority;
mod settings;
mod stream_id;

#[cfg(test)]
mod tests;

pub use self::constants::{
    DEFAULT_HEADER_TABLE_SIZE, DEFAULT_MAX_FRAME_SIZE, DEFAULT_WINDOW, MAX_MAX_FRAME_SIZE,
    MAX_WINDOW, PREFACE,
};
pub use self::control::{Goaway, Ping, RstStream, WindowUpdate};
pub use self::data::Data;
pub use self::decoder::Frame;
pub(crate) use self::decoder::Input;
pub use self::error::{Error, Scope};
pub use self::error_code::ErrorCode;
pub use self::extension::{AltSvc, Origin, PriorityUpdate, Unknown};
pub use self::flags::Flags;
pub use self::head::Head;
pub use self::headers::{Continuation, Headers, PushPromise};
pub use self::kind::Kind;
pub use self::priority::{Dependency, Priority};
pub use self::settings::{Setting, Settings};
pub use self::stream_id::{InvalidStreamId, StreamId};
