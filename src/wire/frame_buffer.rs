//! The read buffer of an HTTP/2 connection: a [`ReadBuffer`], with blocks in its place while data
//! arrives fast.

use std::io::{self, Read};
use std::time::Instant;

use bytes::Bytes;

use super::blocks::{self, BLOCK};
use super::read_buffer::{ReadBuffer, read_into};
use crate::proto::{Connection, ConnectionError};

/// Octets that were read but not decoded.
#[derive(Debug)]
pub(super) struct FrameBuffer {
    small: ReadBuffer,
    /// The octets in place of those in `small`, after a read into a block.
    block: Bytes,
}

impl FrameBuffer {
    pub(super) fn new() -> Self {
        FrameBuffer { small: ReadBuffer::new(), block: Bytes::new() }
    }

    /// Reads once and appends to the buffer.
    pub(super) fn fill(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        if !self.small.wants_block() {
            return self.small.fill(reader);
        }
        let mut block = blocks::take();
        let left = self.small.octets();
        let before = left.len();
        block[..before].copy_from_slice(left);
        let result = read_into(reader, &mut block[before..]);
        let block = block.freeze();
        if let Ok(read @ 1..) = result {
            left.clear();
            self.block = block.slice(..before + read);
        }
        blocks::keep(block);
        match result {
            Ok(read) => self.small.note_read(read, BLOCK - before),
            Err(_) => self.small.rest(),
        }
        result
    }

    /// Passes the octets to the core, which leaves the beginning of a frame.
    pub(super) fn pass_to(
        &mut self,
        core: &mut Connection,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if self.block.is_empty() {
            return core.receive(self.small.octets(), now);
        }
        let mut block = std::mem::take(&mut self.block);
        let result = core.receive_from(&mut block, now);
        self.small.push(&block);
        result
    }

    /// Frees the buffer if it is empty.
    pub(super) fn rest(&mut self) {
        self.small.rest();
    }

    /// Discards the octets.
    pub(super) fn clear(&mut self) {
        self.block = Bytes::new();
        self.small.octets().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FrameBuffer {
        fn octets(&mut self) -> &[u8] {
            if self.block.is_empty() { self.small.octets() } else { &self.block }
        }
    }

    /// A buffer whose next read is one of a block, after `left` octets.
    fn grown(left: &[u8]) -> FrameBuffer {
        let mut buffer = FrameBuffer::new();
        while !buffer.small.wants_block() {
            buffer.fill(&mut io::repeat(1)).unwrap();
            buffer.clear();
        }
        buffer.small.push(left);
        buffer
    }

    #[test]
    fn full_block_is_shared_and_begins_with_what_was_left() {
        let mut buffer = grown(b"left");
        assert_eq!(buffer.fill(&mut io::repeat(7)).unwrap(), BLOCK - 4);
        assert!(!buffer.block.is_empty() && buffer.small.octets().is_empty());
        let octets = buffer.octets();
        assert_eq!((&octets[..5], octets.len()), (&b"left\x07"[..], BLOCK));
    }

    #[test]
    fn reads_become_small_after_a_short_one() {
        let mut buffer = grown(b"left");
        assert_eq!(buffer.fill(&mut &b" and read"[..]).unwrap(), 9);
        assert_eq!(buffer.octets(), b"left and read");
        buffer.clear();
        assert!(!buffer.small.wants_block());
    }

    #[test]
    fn failed_read_leaves_what_was_there() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        let mut buffer = grown(b"left");
        buffer.fill(&mut Fails).unwrap_err();
        assert_eq!(buffer.octets(), b"left");
    }
}
