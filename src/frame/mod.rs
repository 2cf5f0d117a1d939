//! Frames: the unit in which HTTP/2 puts everything on the wire.
//!
//! RFC 9113 calls this the framing layer (Section 4), and defines ten types of frame (Section 6).
//! Each is a struct here with public fields, and [`Frame`] is the enum of all of them. This module
//! is pure functions over bytes: it knows no connection and no stream state, so it serves tools
//! and tests as well as it serves the core in `proto`.
//!
//! # On the wire
//!
//! Every frame starts with the same nine octets, the [`Head`]:
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
//! | `0x09` CONTINUATION | [`Continuation`] | a stream | goes on with a field block |
//! | `0x0a` ALTSVC | [`AltSvc`] | either | RFC 7838: an alternative service |
//! | `0x0c` ORIGIN | [`Origin`] | the connection | RFC 8336: origins served here |
//! | `0x10` PRIORITY_UPDATE | [`PriorityUpdate`] | the connection | RFC 9218: a priority |
//! | any other | [`Unknown`] | either | kept as it came |
//!
//! # What is checked here
//!
//! Decoding checks what can be seen in one frame alone: lengths, padding, ranges of settings, and
//! whether a kind may be on stream 0. What needs to know more (the role, the state of the stream,
//! the frames before) is left to the core. An [`Error`] says what to answer, and whether the
//! [stream or the connection](Scope) is to end.
//!
//! Bits that are reserved and flags that a kind does not define are ignored on receipt and zero
//! when sent (RFC 9113, Section 4.1).
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
//! // A reader appends whatever the socket gave it, and decodes until there is no whole frame.
//! let mut input = BytesMut::from(&wire[..12]);
//! assert_eq!(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)?, None);
//! input.extend_from_slice(&wire[12..]);
//! match Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)? {
//!     Some(Frame::Ping(ping)) => assert_eq!(&ping.payload, b"are you?"),
//!     other => panic!("a PING was sent, and {other:?} arrived"),
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
