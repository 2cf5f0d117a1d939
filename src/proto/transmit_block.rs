//! Field blocks that we send: HEADERS, PUSH_PROMISE and CONTINUATION.

use std::fmt;

use super::connection::Connection;
use super::trace::Way;
use crate::frame::{Flags, Head, Kind, StreamId};
use crate::hpack::{Encoder, Headers};

/// Octets of the promised stream in a PUSH_PROMISE.
const PROMISED_LEN: u64 = 4;

/// The start of a field block.
#[derive(Debug, Clone, Copy)]
pub(super) enum BlockStart {
    Headers { end_stream: bool },
    PushPromise { promised: StreamId },
}

impl Connection {
    /// Queues a field block. From here on it will be sent, whatever becomes of its stream: the
    /// peer's HPACK table depends on it (RFC 9113, Section 4.3).
    pub(super) fn queue_block(&mut self, id: StreamId, start: BlockStart, headers: &Headers) {
        let begin = self.fifo.len();
        let max = self.remote.max_frame_size as usize;
        encode_block(&mut self.encoder, id, start, headers, max, &mut self.fifo);
        self.stats.hpack_sent.plain += (headers.section_size() - 32 * headers.len()) as u64;
        let mut octets = 0;
        let mut rest = &self.fifo[begin..];
        while let Some(head) = Head::parse(rest) {
            self.stats.sent.count(head.kind, head.frame_len());
            octets += u64::from(head.length);
            // The frames have just been written there, one behind the other.
            rest = &rest[head.frame_len()..];
            let line = BlockFrame { head, start };
            if rest.is_empty() {
                self.tracer.frame_with_fields(Way::Sent, &line, headers);
            } else {
                self.tracer.frame(Way::Sent, &line);
            }
        }
        // All but the promised stream's identifier is field block.
        let is_promise = matches!(start, BlockStart::PushPromise { .. });
        self.stats.hpack_sent.wire += octets - if is_promise { PROMISED_LEN } else { 0 };
    }
}

/// Encodes a field block as HEADERS or PUSH_PROMISE, and CONTINUATION where it is larger than one
/// frame (RFC 9113, Section 4.3).
fn encode_block(
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
    // Nearly every block fits into one frame, so it is encoded in place and the length is filled
    // in afterwards.
    Head { length: 0, kind, flags, stream_id }.encode(out);
    if let BlockStart::PushPromise { promised } = start {
        out.extend_from_slice(&promised.get().to_be_bytes());
    }
    encoder.encode(headers.iter(), out);
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

/// Fills in what was not known when the head was written.
fn set_head(out: &mut [u8], begin: usize, length: usize, flags: Flags) {
    out[begin..begin + 3].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    out[begin + 4] = flags.bits();
}

/// A frame of a field block, for the log.
struct BlockFrame {
    head: Head,
    start: BlockStart,
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
