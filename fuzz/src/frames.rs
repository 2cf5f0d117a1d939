//! Frames and their bytes (RFC 9113, Section 4).

use bytes::BytesMut;
use h2_sync::frame::{Error, Frame, Scope};

use super::input::Input;

/// Any octets as frames.
///
/// - The result does not depend on how the octets arrive.
/// - An incomplete frame is left where it is, and every other one is taken.
/// - What was decoded is decoded again after it has been encoded, as long as its head says.
pub fn frame_decode(data: &[u8]) {
    let mut input = Input::new(data);
    let max_frame_size = 1 << input.below(25);
    let piece_len = 1 + input.below(20);
    let octets = input.rest();

    let mut whole = Vec::new();
    let mut buffer = BytesMut::from(octets);
    decode_all(&mut buffer, max_frame_size, &mut whole);

    let mut pieces = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in octets.chunks(piece_len) {
        buffer.extend_from_slice(piece);
        if !decode_all(&mut buffer, max_frame_size, &mut pieces) {
            break;
        }
    }
    assert_eq!(whole, pieces);
}

/// `false` after an error that ends the connection.
fn decode_all(
    input: &mut BytesMut,
    max_frame_size: u32,
    results: &mut Vec<Result<Frame, Error>>,
) -> bool {
    loop {
        let before = input.len();
        match Frame::decode(input, max_frame_size) {
            Ok(Some(frame)) => {
                check_round_trip(&frame);
                results.push(Ok(frame));
            }
            Ok(None) => {
                assert_eq!(input.len(), before, "nothing is taken");
                return true;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let ends = error.scope == Scope::Connection;
                results.push(Err(error));
                if ends {
                    return false;
                }
            }
        }
        assert!(input.len() < before, "a frame is taken");
    }
}

fn check_round_trip(frame: &Frame) {
    let line = frame.to_string();
    assert!(!line.contains(['\n', '\r']), "a frame is one line of the log");
    let mut wire = Vec::new();
    frame.encode(&mut wire);
    assert_eq!(wire.len(), frame.head().frame_len());
    let mut input = BytesMut::from(&wire[..]);
    assert_eq!(Frame::decode(&mut input, u32::MAX).as_ref(), Ok(&Some(frame.clone())));
    assert!(input.is_empty());
}
