//! A stream with octets that were already read.

use std::fmt;
use std::io::{self, IoSliceMut, Read};

use bytes::{Buf, Bytes};

use crate::transport::{Halves, Transport};

/// The halves of `T`, preceded by what was already read. This is a [`Transport`] itself.
///
/// With a `TcpStream`, `replay.reader.get_ref().get_ref()` is the socket.
pub type Replay<T> = Halves<Prefixed<<T as Transport>::Reader>, <T as Transport>::Writer>;

/// A reader that returns some octets before those of another reader.
///
/// A single read never combines both sources, so it does not block while prefix octets are left.
/// After that, a read costs one comparison more than a read of the inner reader.
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
    /// Creates a reader of `prefix` followed by `reader`.
    pub fn new(prefix: impl Into<Bytes>, reader: R) -> Self {
        Prefixed { prefix: prefix.into(), reader }
    }

    /// Returns the prefix octets that have not been read yet.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the inner reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Returns the rest of the prefix and the inner reader.
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
            // Frees the buffer, which is not needed for the rest of the connection.
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

/// Omits the octets, which may be confidential.
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
    fn a_read_of_the_prefix_does_not_call_the_inner_reader() {
        struct Untouched;
        impl Read for Untouched {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("the inner reader must not be called");
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
