//! Tests of frames through [`Frame`], as a connection uses it.
//!
//! `wire` has the octets of each frame type, `rules` every check, `input` partial and oversized
//! input, `trace` the lines of the log, and `random` the properties that hold for any input.

mod input;
mod random;
mod rules;
mod trace;
mod wire;

use bytes::BytesMut;

use super::{DEFAULT_MAX_FRAME_SIZE, Error, Frame, Head, Kind, StreamId};

/// A stream identifier.
fn id(number: u32) -> StreamId {
    StreamId::new(number).unwrap()
}

/// The octets of a frame with any payload.
fn octets(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut octets = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    octets.extend([kind.0, flags]);
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// Decodes octets that are exactly one frame.
fn decode(octets: &[u8]) -> Result<Frame, Error> {
    let mut input = BytesMut::from(octets);
    let frame = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)?;
    assert!(input.is_empty(), "{} octets are left", input.len());
    Ok(frame.expect("the octets are a whole frame"))
}

/// Encodes a frame.
fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    assert_eq!(Head::parse(&out), Some(frame.head()));
    assert_eq!(frame.head().frame_len(), out.len());
    out
}
