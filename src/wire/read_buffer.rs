//! The buffer that a connection is read into.

use std::io::{self, Read};

use bytes::BytesMut;

/// What an idle connection reads with.
const SMALL: usize = 1 << 10;
/// The most that one read asks for: larger reads cost less for each octet, up to here.
const LARGE: usize = 256 << 10;
/// The most that is asked for where nothing may come for long. It is resident all that time: ten
/// thousand connections that rest after an upload are to hold no more than that each.
const REST: usize = 16 << 10;
/// An empty buffer of more than so many times what is asked for is given back.
const KEPT: usize = 4;

/// Octets read and not yet decoded, in a buffer that grows while data flows and shrinks when it
/// does not.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    octets: BytesMut,
    ask: usize,
    /// What `octets` may have been allocated with. Its capacity says less, when something has been taken
    /// off the front: growing, it would find all of that again.
    allocated: usize,
}

impl ReadBuffer {
    pub(crate) fn new() -> Self {
        ReadBuffer { octets: BytesMut::new(), ask: SMALL, allocated: 0 }
    }

    /// What has been read and is to be decoded; whoever decodes takes it off the front.
    pub(crate) fn octets(&mut self) -> &mut BytesMut {
        &mut self.octets
    }

    /// One read, behind the octets that are there.
    pub(crate) fn fill(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        if self.octets.is_empty() && self.allocated > KEPT * self.ask {
            self.octets = BytesMut::new();
            self.allocated = 0;
        }
        let before = self.octets.len();
        self.allocated = self.allocated.max(before + self.ask);
        self.octets.resize(before + self.ask, 0);
        let result = reader.read(&mut self.octets[before..]).and_then(|read| {
            // What lies behind what has been read is nothing that the peer has sent.
            (read <= self.ask).then_some(read).ok_or_else(claims_too_much)
        });
        let read = *result.as_ref().unwrap_or(&0);
        self.octets.truncate(before + read);
        if read == self.ask {
            self.ask = (self.ask * 4).min(LARGE);
        } else if result.is_ok() {
            // The transport has nothing more for now, and the next read may wait for long.
            self.ask = read.next_power_of_two().clamp(SMALL, REST);
            if self.octets.len() < REST && self.allocated > KEPT * REST {
                // DATA is shared with the buffer. Little of it, kept for long, is not to keep all that.
                self.octets = BytesMut::from(&self.octets[..]);
                self.allocated = self.octets.len();
            }
        }
        result
    }
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

    /// A buffer that reads with the most.
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
