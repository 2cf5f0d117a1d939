//! Compressing messages.

use std::fmt;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::contexts::Contexts;
use super::options::{DeflateParams, Direction};

/// The end of a flush, which is not sent (RFC 7692, Section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Level and window bits.
type Kind = (u32, u8);

static IDLE: Contexts<Kind, Compress> = Contexts::new();

/// The compressor of sent messages.
pub(in crate::ws) struct Deflater {
    direction: Direction,
    level: u32,
    min_size: usize,
    /// The context; with takeover, kept from the first message on.
    context: Option<Compress>,
}

impl Deflater {
    pub(in crate::ws) fn new(params: &DeflateParams) -> Self {
        let DeflateParams { send, level, min_size, .. } = *params;
        Deflater { direction: send, level, min_size, context: None }
    }

    #[cfg(test)]
    pub(in crate::ws) fn holds_context(&self) -> bool {
        self.context.is_some()
    }

    /// Compresses a message. Returns `None` if it is sent uncompressed, since it is small or would become
    /// larger.
    pub(in crate::ws) fn deflate(&mut self, message: &[u8]) -> Option<Bytes> {
        if message.is_empty() || message.len() < self.min_size {
            return None;
        }
        let kind = (self.level, self.direction.bits);
        let context = self.context.take().or_else(|| IDLE.take(&kind));
        let mut context = context.unwrap_or_else(|| {
            Compress::new_with_window_bits(Compression::new(kind.0), false, kind.1)
        });
        let compressed = run(&mut context, message);
        if self.direction.takeover {
            // A failed context is not used again. A new one does not refer to earlier messages.
            self.context = compressed.is_some().then_some(context);
            return compressed.map(Bytes::from);
        }
        context.reset();
        IDLE.put(kind, context);
        compressed.filter(|compressed| compressed.len() < message.len()).map(Bytes::from)
    }
}

/// Compresses one message, up to the empty block that is not sent.
fn run(context: &mut Compress, message: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len() / 4 + 64);
    let begin = context.total_in();
    loop {
        let taken = (context.total_in() - begin) as usize;
        let status = context.compress_vec(&message[taken..], &mut out, FlushCompress::Sync).ok()?;
        let is_taken = context.total_in() - begin == message.len() as u64;
        // If the output has room left, the context holds no further output.
        if is_taken && out.len() < out.capacity() {
            break;
        }
        if status == Status::StreamEnd {
            return None;
        }
        out.reserve(out.len().max(64));
    }
    out.ends_with(&TAIL).then(|| out.truncate(out.len() - TAIL.len()))?;
    Some(out)
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("direction", &self.direction).finish_non_exhaustive()
    }
}
