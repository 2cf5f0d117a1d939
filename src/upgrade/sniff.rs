//! Recognition of a client's protocol on a cleartext port, by its first line.

use std::time::Duration;

use bytes::Bytes;

use super::first::First;
use super::options::Options;
use super::prefixed::Replay;
use super::wire::{SplitOf, Wire};
use crate::error::{Error, ErrorKind};
use crate::frame::{ErrorCode, Frame, Goaway, Settings, StreamId};
use crate::transport::Transport;

/// The protocol of a client.
pub(crate) enum Spoken<T: Transport> {
    /// HTTP/2 from the first octet. The stream replays what was read.
    Http2(Replay<T>),
    /// HTTP/1.x: the stream, and what was already read from it.
    Http1(SplitOf<T>, Bytes),
}

/// Reads the first octets of a connection at a server: four of the preface, or a request line.
///
/// Any other first line is answered with GOAWAY (PROTOCOL_ERROR), since an HTTP/2 peer would take
/// an HTTP/1.1 response for a frame. If `takes_http2` is false, the preface is answered with GOAWAY
/// (HTTP_1_1_REQUIRED).
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
                let what = "the peer speaks HTTP/2, which is disabled";
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

/// The error for a client that has closed before the end of its first line.
pub(super) fn ended(octets: &[u8]) -> Error {
    let what = match octets {
        [] => "the peer closed the connection without sending anything",
        _ => "the peer closed the connection within its first line",
    };
    Error::upgrade(ErrorKind::Closed, what)
}

/// Ends the connection in HTTP/2: sends SETTINGS, which must come first, and GOAWAY.
pub(super) fn go_away<T: Transport>(mut wire: Wire<T>, error_code: ErrorCode) {
    let mut octets = Vec::new();
    Frame::from(Settings::default()).encode(&mut octets);
    let last_stream_id = StreamId::CONNECTION;
    let goaway = Goaway { last_stream_id, error_code, debug_data: Bytes::new() };
    Frame::from(goaway).encode(&mut octets);
    // A failed write must not hide the reason for the GOAWAY.
    if wire.write(&octets).is_ok() {
        wire.shut_down();
    }
}
