//! Encodes field blocks: HEADERS, PUSH_PROMISE and CONTINUATION.

use std::fmt;

use crate::frame::{Flags, Head, Kind, StreamId};
use crate::hpack::{Encoder, Headers};

/// The frame that starts a field block.
#[derive(Debug, Clone, Copy)]
pub(in crate::proto) enum BlockStart {
    Headers { end_stream: bool },
    PushPromise { promised: StreamId },
}

/// Encodes a field block as HEADERS or PUSH_PROMISE, followed by CONTINUATION if it exceeds one
/// frame (RFC 9113, Section 4.3).
pub(super) fn encode_block(
    encoder: &mut Encoder,
    stream_id: StreamId,
    start: BlockStart,
    headers: &Headers,
    max_frame_size: usize,
    out: &mut Vec<u8>,
) {
    let begin = out.len();
    let (kind, mut flags) = match start {
        BlockStart::Headers { end_stream: true } => (Kind::HEADERS, Flags::END_STREAM),
        BlockStart::Headers { end_stream: false } => (Kind::HEADERS, Flags::default()),
        BlockStart::PushPromise { .. } => (Kind::PUSH_PROMISE, Flags::default()),
    };
    // Nearly every block fits into one frame, so it is encoded in place and the length is filled in
    // afterwards.
    Head { length: 0, kind, flags, stream_id }.encode(out);
    if let BlockStart::PushPromise { promised } = start {
        out.extend_from_slice(&promised.get().to_be_bytes());
    }
    encoder.encode_section(headers, out);
    let length = out.len() - begin - Head::LEN;
    if length <= max_frame_size {
        flags.insert(Flags::END_HEADERS);
        set_head(out, begin, length, flags);
        return;
    }
    let rest = out.split_off(begin + Head::LEN + max_frame_size);
    set_head(out, begin, max_frame_size, flags);
    let mut pieces = rest.chunks(max_frame_size).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { Flags::END_HEADERS } else { Flags::default() };
        Head { length: piece.len() as u32, kind: Kind::CONTINUATION, flags, stream_id }.encode(out);
        out.extend_from_slice(piece);
    }
}

/// Fills in the length and flags of an encoded frame header.
fn set_head(out: &mut [u8], begin: usize, length: usize, flags: Flags) {
    out[begin..begin + 3].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    out[begin + 4] = flags.bits();
}

/// A frame of a field block, for logging.
pub(super) struct BlockFrame {
    pub(super) head: Head,
    pub(super) start: BlockStart,
}

impl fmt::Display for BlockFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head)?;
        match self.start {
            BlockStart::PushPromise { promised } if self.head.kind == Kind::PUSH_PROMISE => {
                write!(f, " promised={promised}")
            }
            _ => Ok(()),
        }
    }
}
