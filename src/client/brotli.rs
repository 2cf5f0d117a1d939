//! Brotli (RFC 7932).

use std::fmt;
use std::io::{self, BufRead, Read};

use brotli_decompressor::Decompressor;

/// Octets read at once.
const BUFFER: usize = 4 << 10;

/// Decodes a brotli stream. Its window is at most 16 MiB.
pub(super) struct Brotli<R: BufRead> {
    decoder: Decompressor<R>,
    has_begun: bool,
}

impl<R: BufRead> Brotli<R> {
    pub(super) fn new(reader: R) -> Self {
        Brotli { decoder: Decompressor::new(reader, BUFFER), has_begun: false }
    }

    pub(super) fn get_ref(&self) -> &R {
        self.decoder.get_ref()
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        self.decoder.get_mut()
    }
}

impl<R: BufRead> Read for Brotli<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // An empty body, as in the response to HEAD, is not a truncated stream.
        if !self.has_begun && self.get_mut().fill_buf()?.is_empty() {
            return Ok(0);
        }
        self.has_begun = true;
        self.decoder.read(buf)
    }
}

impl<R: BufRead + fmt::Debug> fmt::Debug for Brotli<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("reader", self.get_ref()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello, hello, hello!`, compressed by Node's zlib.
    const HELLO: &[u8] = &[
        139, 9, 128, 104, 101, 108, 108, 111, 44, 32, 104, 101, 108, 108, 111, 44, 32, 104, 101,
        108, 108, 111, 33, 3,
    ];

    fn decoded(octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        Brotli::new(io::BufReader::with_capacity(3, octets)).read_to_end(&mut decoded)?;
        Ok(decoded)
    }

    #[test]
    fn stream_comes_out_whole_and_a_part_is_an_error() {
        assert_eq!(decoded(b"").unwrap(), b"");
        assert_eq!(decoded(HELLO).unwrap(), b"hello, hello, hello!");
        for len in 1..HELLO.len() {
            assert!(decoded(&HELLO[..len]).is_err(), "{len}");
        }
        assert!(decoded(b"this is not brotli").is_err());
    }
}
