//! What a client on a clear-text port speaks, by its first line.

use std::time::Duration;

use bytes::Bytes;

use super::first::First;
use super::options::Options;
use super::prefixed::Replay;
use super::wire::{SplitOf, Wire};
use crate::error::{Error, ErrorKind};
use crate::frame::{ErrorCode, Frame, Goaway, Settings, StreamId};
use crate::transport::Transport;

/// What a client speaks.
pub(crate) enum Spoken<T: Transport> {
    /// HTTP/2 from the first octet. The stream is as if nothing had been read.
    Http2(Replay<T>),
    /// HTTP/1.x: the stream, and what has been read of it.
    Http1(SplitOf<T>, Bytes),
}

/// Reads the first octets of a connection at a server: four of the preface, or the line of a request.
///
/// A first line of anything else is answered with GOAWAY (PROTOCOL_ERROR): a text in HTTP/1.1 would be
/// a frame to a peer that speaks HTTP/2. Without `takes_http2`, so is the preface, with
/// HTTP_1_1_REQUIRED.
pub(crate) fn sniff<T: Transport>(
    stream: T,
    timeout: Duration,
    takes_http2: bool,
) -> Result<Spoken<T>, Error> {
    let options = Options { timeout: Some(timeout), ..Options::default() };
    let mut wire = Wire::new(stream, &options)?;
    loop {
        match First::of(&wire.buffer) {
            Ok(First::PriorKnowledge) if takes_http2 => {
                return Ok(Spoken::Http2(wire.into_replay()?));
            }
            Ok(First::PriorKnowledge) => {
                go_away(wire, ErrorCode::Http11Required);
                let what = "the peer speaks HTTP/2, which is switched off";
                return Err(Error::upgrade(ErrorKind::Peer, what));
            }
            Ok(First::Http1) => {
                let (halves, octets) = wire.into_halves()?;
                return Ok(Spoken::Http1(halves, octets));
            }
            Ok(First::Undecided) => {}
            Err(refusal) => {
                go_away(wire, ErrorCode::ProtocolError);
                return Err(refusal.into());
            }
        }
        if wire.fill()? == 0 {
            return Err(ended(&wire.buffer));
        }
    }
}

/// The client has closed before its first line was complete.
pub(super) fn ended(octets: &[u8]) -> Error {
    let what = match octets {
        [] => "the peer closed the connection before it spoke",
        _ => "the peer closed the connection within its first line",
    };
    Error::upgrade(ErrorKind::Closed, what)
}

/// Tells a peer in frames that the connection ends, with the SETTINGS that stand first.
pub(super) fn go_away<T: Transport>(mut wire: Wire<T>, error_code: ErrorCode) {
    let mut octets = Vec::new();
    Frame::from(Settings::default()).encode(&mut octets);
    let last_stream_id = StreamId::CONNECTION;
    let goaway = Goaway { last_stream_id, error_code, debug_data: Bytes::new() };
    Frame::from(goaway).encode(&mut octets);
    // A failed write is not what went wrong.
    if wire.write(&octets).is_ok() {
        wire.part();
    }
}
