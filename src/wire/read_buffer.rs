//! The read buffer of a connection.

use std::io::{self, Read};

use bytes::BytesMut;

use super::blocks::BLOCK;

/// The read size of an idle connection, in octets.
const SMALL: usize = 1 << 10;
/// The largest read size in octets; beyond it, larger reads are no cheaper per octet.
const LARGE: usize = BLOCK;
/// The largest read size when the next read may block for long. The buffer stays allocated during
/// that time, which matters with ten thousand idle connections.
const REST: usize = 16 << 10;
/// An empty buffer is freed if its capacity exceeds the read size by this factor.
const KEPT: usize = 4;

/// Octets that were read but not decoded. The buffer grows while data flows, and shrinks otherwise.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    octets: BytesMut,
    ask: usize,
    /// The allocated size of the buffer behind `octets`. The capacity of `octets` excludes what was
    /// taken from the front, which would be reclaimed on growth.
    allocated: usize,
}

impl ReadBuffer {
    pub(crate) fn new() -> Self {
        ReadBuffer { octets: BytesMut::new(), ask: SMALL, allocated: 0 }
    }

    /// Returns the octets to be decoded. The decoder removes them from the front.
    pub(crate) fn octets(&mut self) -> &mut BytesMut {
        &mut self.octets
    }

    /// Reads once and appends to the buffer.
    pub(crate) fn fill(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        if self.octets.is_empty() && self.allocated > KEPT * self.ask {
            self.octets = BytesMut::new();
            self.allocated = 0;
        }
        let before = self.octets.len();
        self.allocated = self.allocated.max(before + self.ask);
        self.octets.resize(before + self.ask, 0);
        let result = read_into(reader, &mut self.octets[before..]);
        let read = *result.as_ref().unwrap_or(&0);
        self.octets.truncate(before + read);
        let is_full = read == self.ask;
        if result.is_ok() {
            self.note_read(read, self.ask);
            if !is_full && self.octets.len() < REST && self.allocated > KEPT * REST {
                // DATA shares the buffer. Copying a small remainder keeps it from retaining a large
                // buffer.
                self.octets = BytesMut::from(&self.octets[..]);
                self.allocated = self.octets.len();
            }
        } else {
            self.rest();
        }
        result
    }

    /// Frees the buffer if it is empty: the connection is idle, and may remain so.
    pub(crate) fn rest(&mut self) {
        if self.octets.is_empty() {
            (self.octets, self.allocated) = (BytesMut::new(), 0);
        }
    }

    /// Returns whether the next read should be one of the largest size, and there is little before it.
    pub(super) fn wants_block(&self) -> bool {
        self.ask == LARGE && self.octets.len() <= LARGE / 2
    }

    /// Chooses the size of the next read, after one that found `read` octets with room for `room`.
    pub(super) fn note_read(&mut self, read: usize, room: usize) {
        self.ask = if read == room {
            // After a size just below the largest one, the buffer would grow once more.
            if self.ask * 4 > LARGE / 2 { LARGE } else { self.ask * 4 }
        } else {
            // The transport has no more data for now, so the next read may block for long.
            read.next_power_of_two().clamp(SMALL, REST)
        };
    }

    /// Appends octets that were read elsewhere.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
        self.allocated = self.allocated.max(self.octets.len());
    }
}

/// Reads once.
pub(super) fn read_into(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let room = buf.len();
    let read = reader.read(buf)?;
    // Octets beyond what was requested do not come from the peer.
    (read <= room).then_some(read).ok_or_else(claims_too_much)
}

fn claims_too_much() -> io::Error {
    let what = "a read says that it has read more octets than there was room for";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_reads_fill_it_and_shrinks_when_they_do_not() {
        let mut buffer = ReadBuffer::new();
        for _ in 0..8 {
            buffer.fill(&mut io::repeat(1)).unwrap();
            buffer.octets.clear();
        }
        assert_eq!(buffer.ask, LARGE);
        buffer.fill(&mut &[1u8; 100_000][..]).unwrap();
        buffer.octets.clear();
        assert_eq!(buffer.ask, REST);
        buffer.fill(&mut &[1u8; 10][..]).unwrap();
        buffer.octets.clear();
        assert_eq!(buffer.ask, SMALL);
        buffer.fill(&mut &[1u8; 10][..]).unwrap();
        assert!(buffer.octets.capacity() <= KEPT * SMALL);
    }

    /// A buffer with the largest read size.
    fn grown() -> ReadBuffer {
        let mut buffer = ReadBuffer::new();
        while buffer.ask < LARGE {
            buffer.fill(&mut io::repeat(1)).unwrap();
            buffer.octets.clear();
        }
        buffer
    }

    #[test]
    fn a_large_buffer_is_given_back_also_when_nearly_all_of_it_was_taken() {
        let mut buffer = grown();
        let read = buffer.fill(&mut &vec![1; LARGE - 100][..]).unwrap();
        drop(buffer.octets.split_to(read));
        buffer.fill(&mut &[1; 10][..]).unwrap();
        assert!(buffer.octets.capacity() <= KEPT * REST);
    }

    #[test]
    fn little_that_has_come_does_not_keep_a_large_buffer() {
        let mut buffer = grown();
        let read = buffer.fill(&mut &[1; 5_000][..]).unwrap();
        assert_eq!((read, &buffer.octets[..]), (5_000, &[1; 5_000][..]));
        assert!(buffer.octets.capacity() < 2 * 5_000);
    }

    #[test]
    fn a_read_that_claims_more_than_it_had_room_for_is_an_error() {
        struct Claims;
        impl Read for Claims {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                Ok(buf.len() + 1)
            }
        }
        let mut buffer = ReadBuffer::new();
        assert_eq!(buffer.fill(&mut Claims).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(buffer.octets.is_empty());
    }

    #[test]
    fn an_error_leaves_what_was_read_before() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        let mut buffer = ReadBuffer::new();
        buffer.fill(&mut &b"abc"[..]).unwrap();
        buffer.fill(&mut Fails).unwrap_err();
        assert_eq!(&buffer.octets[..], b"abc");
    }
}
