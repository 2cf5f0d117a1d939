//! Large blocks of memory for reads, shared by all connections of the process.
//!
//! While a body arrives fast, each read fills a block, and the pieces of DATA in it are slices that
//! the application holds for a while. A fresh block for each read would be set to zero, and cost a
//! page fault for each 4 KiB: a quarter of the CPU of a large upload. So a block is kept by a second
//! handle, and used again when that handle is the last one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::frame::{DEFAULT_MAX_FRAME_SIZE, Head};

/// The size of a block in octets: sixteen frames of the default maximum size. A block begins with a
/// frame, so a full one ends with one.
pub(super) const BLOCK: usize = 16 * (Head::LEN + DEFAULT_MAX_FRAME_SIZE as usize);

/// The most blocks that are kept: a little over 2 MiB. Beyond that, they are freed after use.
const KEPT: usize = 8;

static BLOCKS: Blocks = Blocks(Mutex::new(Vec::new()));

/// Blocks of which some octets may still be in use, the oldest first.
struct Blocks(Mutex<Vec<Bytes>>);

/// Takes a block. Its octets are those of earlier reads, or zero.
pub(super) fn take() -> BytesMut {
    BLOCKS.take()
}

/// Keeps a whole block for later reads.
pub(super) fn keep(block: Bytes) {
    BLOCKS.keep(block);
}

impl Blocks {
    fn take(&self) -> BytesMut {
        let mut kept = self.lock();
        let unused = kept.iter().position(Bytes::is_unique).map(|index| kept.remove(index));
        drop(kept);
        let block = unused.and_then(|block| block.try_into_mut().ok());
        block.unwrap_or_else(|| BytesMut::zeroed(BLOCK))
    }

    fn keep(&self, block: Bytes) {
        debug_assert_eq!(block.len(), BLOCK);
        let mut kept = self.lock();
        // The oldest one has been in use for long: the application does not read it now.
        let oldest = (kept.len() >= KEPT).then(|| kept.remove(0));
        kept.push(block);
        drop(kept);
        drop(oldest);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_is_used_again_when_no_slice_of_it_is_left() {
        let blocks = Blocks(Mutex::default());
        let whole = blocks.take().freeze();
        let (address, slice) = (whole.as_ptr(), whole.slice(10..20));
        blocks.keep(whole);
        let other = blocks.take();
        assert_ne!(other.as_ptr(), address);
        drop(slice);
        let again = blocks.take();
        assert_eq!((again.as_ptr(), again.len()), (address, BLOCK));
    }

    #[test]
    fn few_blocks_are_kept() {
        let blocks = Blocks(Mutex::default());
        let whole: Vec<Bytes> = (0..KEPT + 3).map(|_| blocks.take().freeze()).collect();
        whole.iter().for_each(|block| blocks.keep(block.clone()));
        assert_eq!(blocks.lock().len(), KEPT);
    }
}
