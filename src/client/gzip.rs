//! Compressed responses.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind};

/// Inflates what it reads, up to a bound.
#[derive(Debug)]
pub(super) struct Inflate<R> {
    decoder: MultiGzDecoder<Held<R>>,
    /// Octets that may still come out.
    left: u64,
    limit: u64,
    has_begun: bool,
}

impl<R: BufRead> Inflate<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        let mut decoder = MultiGzDecoder::new(Held { reader, is_held: true });
        decoder.get_mut().is_held = false;
        Inflate { decoder, left: limit, limit, has_begun: false }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.decoder.get_ref().reader
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.decoder.get_mut().reader
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.has_begun {
            // No body at all, as in the answer to HEAD, is not a compressed one that was cut short.
            if self.get_mut().fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.has_begun = true;
        }
        let n = self.decoder.read(buf).map_err(damaged)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => self.left = left,
            None => {
                self.left = 0;
                let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
                return Err(Error::body_too_large(limit).into());
            }
        }
        Ok(n)
    }
}

/// A decoder reads when it is made already. Then the response would wait for its body, and a body that
/// ends within the first octets would not be told from one that has none.
#[derive(Debug)]
struct Held<R> {
    reader: R,
    is_held: bool,
}

impl<R> Held<R> {
    fn check(&self) -> io::Result<()> {
        // It tries again when it is read from.
        if self.is_held {
            Err(io::ErrorKind::WouldBlock.into())
        } else {
            Ok(())
        }
    }
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.reader.read(buf)
    }
}

impl<R: BufRead> BufRead for Held<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.reader.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.reader.consume(n);
    }
}

/// What the decoder finds is the server's fault; what it was given is told as it is.
fn damaged(error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return error;
    }
    Error::text(ErrorKind::Peer, format!("the compressed body is damaged: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_fits_comes_out_whole() {
        let coded = gzip(&[7; 1000]);
        let mut inflate = Inflate::new(&coded[..], 1000);
        let mut octets = Vec::new();
        inflate.read_to_end(&mut octets).unwrap();
        assert_eq!(octets, [7; 1000]);
    }

    #[test]
    fn nothing_is_nothing_and_a_part_is_an_error() {
        let whole = gzip(b"hello");
        let read = |octets: &[u8]| {
            let mut inflated = Vec::new();
            Inflate::new(octets, 1000).read_to_end(&mut inflated).map(|_| inflated)
        };
        assert_eq!(read(b"").unwrap(), b"");
        assert_eq!(read(&whole).unwrap(), b"hello");
        for len in 1..whole.len() {
            let error = read(&whole[..len]).unwrap_err();
            assert_eq!(Error::from(error).kind(), ErrorKind::Peer, "{len}");
        }
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let coded = gzip(&vec![0; 10 << 20]);
        let mut inflate = Inflate::new(&coded[..], 1 << 20);
        let error = io::copy(&mut inflate, &mut io::sink()).unwrap_err();
        assert!(Error::from(error).is_body_too_large());
        let again = io::copy(&mut inflate, &mut io::sink()).unwrap_err();
        assert!(Error::from(again).is_body_too_large());
    }
}
