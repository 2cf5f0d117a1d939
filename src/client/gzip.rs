//! Compressed responses.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::error::{Error, ErrorKind};

/// Members without content that may follow one another (RFC 1952, Section 2.2): each is work for
/// nothing.
const MAX_EMPTY_MEMBERS: u32 = 64;

/// Inflates what it reads, up to a bound.
#[derive(Debug)]
pub(super) struct Inflate<R> {
    /// `None` only while one state becomes the next.
    state: Option<State<R>>,
    /// Octets that may still come out.
    left: u64,
    limit: u64,
    /// Members without content since the last octet.
    empty_members: u32,
    /// What is wrong with the body: it stays wrong.
    failed: Option<Error>,
}

#[derive(Debug)]
enum State<R> {
    /// Before the first member.
    Start(R),
    Member(GzDecoder<R>),
    /// After a member: another one, padding, or the end.
    Between(R),
}

impl<R: BufRead> Inflate<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Inflate {
            state: Some(State::Start(reader)),
            left: limit,
            limit,
            empty_members: 0,
            failed: None,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        match &self.state {
            Some(State::Start(reader) | State::Between(reader)) => reader,
            Some(State::Member(decoder)) => decoder.get_ref(),
            None => unreachable!("`step` puts the next state back"),
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        match &mut self.state {
            Some(State::Start(reader) | State::Between(reader)) => reader,
            Some(State::Member(decoder)) => decoder.get_mut(),
            None => unreachable!("`step` puts the next state back"),
        }
    }

    /// Goes from one member to the next. `false` at the end.
    fn begin_member(&mut self) -> io::Result<bool> {
        let is_first = matches!(self.state, Some(State::Start(_)));
        let reader = self.get_mut();
        loop {
            let octets = reader.fill_buf()?;
            if octets.is_empty() {
                return Ok(false);
            }
            // Padding of zeros at the end is passed over, as gunzip does.
            let padding = octets.iter().take_while(|&&octet| octet == 0 && !is_first).count();
            if padding == 0 {
                break;
            }
            reader.consume(padding);
        }
        self.step(|state| match state {
            State::Start(reader) | State::Between(reader) => State::Member(GzDecoder::new(reader)),
            member => member,
        });
        Ok(true)
    }

    /// Ends a member. Fails where members without content do not end.
    fn end_member(&mut self) -> io::Result<()> {
        self.step(|state| match state {
            State::Member(decoder) => State::Between(decoder.into_inner()),
            outside => outside,
        });
        self.empty_members += 1;
        if self.empty_members > MAX_EMPTY_MEMBERS {
            let what = "the compressed body has too many members without content";
            return Err(self.fail(Error::text(ErrorKind::Limit, what)));
        }
        Ok(())
    }

    /// What the decoder finds is the server's fault; what it was given is told as it is.
    fn damaged(&mut self, error: io::Error) -> io::Error {
        if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
            return error;
        }
        let what = format!("the compressed body is damaged: {error}");
        self.fail(Error::text(ErrorKind::Peer, what))
    }

    fn fail(&mut self, error: Error) -> io::Error {
        self.failed.insert(error).clone().into()
    }

    fn step(&mut self, next: impl FnOnce(State<R>) -> State<R>) {
        self.state = self.state.take().map(next);
    }

    fn read_members(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(State::Member(decoder)) = &mut self.state else {
                if !self.begin_member()? {
                    return Ok(0);
                }
                continue;
            };
            match decoder.read(buf) {
                Ok(0) if buf.is_empty() => return Ok(0),
                Ok(0) => self.end_member()?,
                Ok(n) => {
                    self.empty_members = 0;
                    return Ok(n);
                }
                Err(error) => return Err(self.damaged(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let n = self.read_members(buf)?;
        let Some(left) = self.left.checked_sub(n as u64) else {
            let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
            return Err(self.fail(Error::body_too_large(limit)));
        };
        self.left = left;
        Ok(n)
    }
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

    fn inflated(octets: &[u8]) -> Result<Vec<u8>, Error> {
        let mut inflated = Vec::new();
        let mut inflate = Inflate::new(io::BufReader::with_capacity(3, octets), 1000);
        inflate.read_to_end(&mut inflated).map_err(Error::from).map(|_| inflated)
    }

    #[test]
    fn what_fits_comes_out_whole() {
        let coded = gzip(&[7; 1000]);
        assert_eq!(inflated(&coded).unwrap(), [7; 1000]);
    }

    #[test]
    fn nothing_is_nothing_and_a_part_is_an_error() {
        let whole = gzip(b"hello");
        assert_eq!(inflated(b"").unwrap(), b"");
        assert_eq!(inflated(&whole).unwrap(), b"hello");
        for len in 1..whole.len() {
            assert_eq!(inflated(&whole[..len]).unwrap_err().kind(), ErrorKind::Peer, "{len}");
        }
    }

    #[test]
    fn members_follow_one_another_and_padding_is_ignored() {
        let two = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(inflated(&two).unwrap(), b"one two");
        assert_eq!(inflated(&[two.clone(), vec![0; 500]].concat()).unwrap(), b"one two");
        assert_eq!(
            inflated(&[two.clone(), b"rest".to_vec()].concat()).unwrap_err().kind(),
            ErrorKind::Peer
        );
        // There is no member before it.
        assert!(inflated(&[0; 100]).is_err());
    }

    #[test]
    fn endless_members_without_content_are_an_error() {
        let empty = gzip(b"").repeat(1000);
        assert_eq!(inflated(&empty).unwrap_err().kind(), ErrorKind::Limit);
        let honest: Vec<u8> = (0..100).flat_map(|_| [gzip(b"x"), gzip(b"")].concat()).collect();
        assert_eq!(inflated(&honest).unwrap().len(), 100);
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
