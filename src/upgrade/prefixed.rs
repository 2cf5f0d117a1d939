//! A stream whose first octets have been read already.

use std::fmt;
use std::io::{self, IoSliceMut, Read};

use bytes::{Buf, Bytes};

use crate::transport::{Halves, Transport};

/// The halves of `T`, with what has been read of it in front. It is a [`Transport`] in its turn.
///
/// With a `TcpStream`, `replay.reader.get_ref().get_ref()` is the socket.
pub type Replay<T> = Halves<Prefixed<<T as Transport>::Reader>, <T as Transport>::Writer>;

/// A reader that gives out some octets first, and then those of another reader.
///
/// A read never takes from both, so it does not wait while there are octets in front. Once they are
/// through, a read costs one comparison more than that of the reader behind.
///
/// # Examples
///
/// ```
/// use std::io::Read;
///
/// use h2_sync::upgrade::Prefixed;
///
/// let mut reader = Prefixed::new("PRI * ", &b"HTTP/2.0"[..]);
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "PRI * HTTP/2.0");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Prefixed<R> {
    prefix: Bytes,
    reader: R,
}

impl<R> Prefixed<R> {
    /// A reader of `prefix`, and then of `reader`.
    pub fn new(prefix: impl Into<Bytes>, reader: R) -> Self {
        Prefixed { prefix: prefix.into(), reader }
    }

    /// The octets in front that have not been read again yet.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The reader behind.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Both, apart again.
    pub fn into_parts(self) -> (Bytes, R) {
        (self.prefix, self.reader)
    }
}

impl<R: Read> Read for Prefixed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.prefix.is_empty() {
            return self.reader.read(buf);
        }
        let len = buf.len().min(self.prefix.len());
        self.prefix.copy_to_slice(&mut buf[..len]);
        if self.prefix.is_empty() {
            // The memory is not needed any more, for as long as the connection may last.
            self.prefix = Bytes::new();
        }
        Ok(len)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if self.prefix.is_empty() {
            return self.reader.read_vectored(bufs);
        }
        let first = bufs.iter_mut().find(|buf| !buf.is_empty());
        first.map_or(Ok(0), |buf| self.read(buf))
    }
}

/// Without the octets: they may hold what nobody is to see in a log.
impl<R: fmt::Debug> fmt::Debug for Prefixed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefixed")
            .field("prefix_len", &self.prefix.len())
            .field("reader", &self.reader)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_takes_what_is_in_front_and_does_not_touch_the_reader_behind() {
        struct Untouched;
        impl Read for Untouched {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("nobody should wait here");
            }
        }
        let mut reader = Prefixed::new("abc", Untouched);
        let mut buf = [0; 2];
        assert_eq!(reader.read(&mut buf).unwrap(), 2);
        assert_eq!(reader.read(&mut buf).unwrap(), 1);
        assert_eq!(reader.prefix(), b"");
    }

    #[test]
    fn a_vectored_read_fills_the_first_buffer_that_is_not_empty() {
        let mut reader = Prefixed::new("abc", io::empty());
        let (mut empty, mut full) = ([0; 0], [0; 8]);
        let mut bufs = [IoSliceMut::new(&mut empty), IoSliceMut::new(&mut full)];
        assert_eq!(reader.read_vectored(&mut bufs).unwrap(), 3);
        assert_eq!(&full[..3], b"abc");
    }
}
