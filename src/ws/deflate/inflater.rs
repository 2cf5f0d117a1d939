//! Decompressing messages.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::error::Error;
use super::contexts::Contexts;
use super::options::{DeflateParams, Direction, MIN_BITS};

/// The octets to append to those of a compressed message (RFC 7692, Section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// An empty final block. Without context takeover it shows that the previous block has ended.
const FINAL_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// The least room for output, in octets.
const STEP: usize = 4 << 10;

/// The contexts by window bits.
static IDLE: Contexts<u8, Decompress> = Contexts::new();

/// The decompressor of received messages.
pub(in crate::ws) struct Inflater {
    direction: Direction,
    /// The context of the current message; with takeover, of all messages.
    context: Option<Decompress>,
    /// Whether the octets so far end with a final block (RFC 7692, Section 7.2.3.4).
    is_at_end: bool,
}

impl Inflater {
    pub(in crate::ws) fn new(params: &DeflateParams) -> Self {
        let bits = params.receive.bits.max(MIN_BITS);
        let direction = Direction { bits, ..params.receive };
        Inflater { direction, context: None, is_at_end: false }
    }

    #[cfg(test)]
    pub(in crate::ws) fn holds_context(&self) -> bool {
        self.context.is_some()
    }

    /// Decompresses a piece of a message and appends it to `out`, up to a total of `max` octets.
    pub(in crate::ws) fn inflate(
        &mut self,
        mut octets: &[u8],
        out: &mut Vec<u8>,
        max: usize,
    ) -> Result<(), Error> {
        let bits = self.direction.bits;
        let context = self.context.get_or_insert_with(|| {
            let idle = IDLE.take(&bits);
            idle.unwrap_or_else(|| Decompress::new_with_window_bits(false, bits))
        });
        loop {
            if out.len() == out.capacity() {
                // One octet more than allowed, to detect a message that is too large.
                let left = max.saturating_add(1).saturating_sub(out.len());
                out.reserve_exact(out.len().clamp(STEP, left.max(STEP)));
            }
            let (taken, len) = (context.total_in(), out.len());
            let status = context.decompress_vec(octets, out, FlushDecompress::Sync);
            if out.len() > max {
                out.truncate(max);
                let what = format!("a message inflates to more than {max} octets (max_message)");
                return Err(Error::too_big(what));
            }
            let status = status.map_err(|_| Error::data("a compressed message is not DEFLATE"))?;
            let taken = (context.total_in() - taken) as usize;
            octets = &octets[taken..];
            self.is_at_end = status == Status::StreamEnd && octets.is_empty();
            if status == Status::StreamEnd {
                context.reset(false);
            }
            // If the output has room left, the context holds no further output.
            if self.is_at_end || octets.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
            if taken == 0 && out.len() == len && out.len() < out.capacity() {
                return Err(Error::data("a compressed message is not DEFLATE"));
            }
        }
    }

    /// Ends the message.
    pub(in crate::ws) fn end(&mut self, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        if !self.is_at_end {
            self.inflate(&TAIL, out, max)?;
            if !self.direction.takeover {
                self.inflate(&FINAL_BLOCK, out, max)?;
                if !self.is_at_end {
                    return Err(Error::data("a compressed message ends within a block"));
                }
            }
        }
        self.is_at_end = false;
        if !self.direction.takeover {
            if let Some(mut context) = self.context.take() {
                context.reset(false);
                IDLE.put(self.direction.bits, context);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("direction", &self.direction).finish_non_exhaustive()
    }
}
