//! Gzip (RFC 1952).

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Maximum consecutive empty members (RFC 1952, Section 2.2): each costs time without producing
/// output.
const MAX_EMPTY_MEMBERS: u32 = 64;

/// Decodes the members of a body in sequence.
#[derive(Debug)]
pub(super) struct Members<R> {
    /// `None` only during a state transition.
    state: Option<State<R>>,
    /// Empty members since the last octet of output.
    empty_members: u32,
}

#[derive(Debug)]
enum State<R> {
    /// Before the first member.
    Start(R),
    Member(Box<GzDecoder<R>>),
    /// After a member: another one, padding or the end follows.
    Between(R),
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Self {
        Members { state: Some(State::Start(reader)), empty_members: 0 }
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

    /// Starts the next member. Returns `false` at the end.
    fn begin_member(&mut self) -> io::Result<bool> {
        let is_first = matches!(self.state, Some(State::Start(_)));
        let reader = self.get_mut();
        loop {
            let octets = reader.fill_buf()?;
            if octets.is_empty() {
                return Ok(false);
            }
            // Trailing zero padding is skipped, as gunzip does.
            let padding = octets.iter().take_while(|&&octet| octet == 0 && !is_first).count();
            if padding == 0 {
                break;
            }
            reader.consume(padding);
        }
        self.step(|state| match state {
            State::Start(reader) | State::Between(reader) => {
                State::Member(Box::new(GzDecoder::new(reader)))
            }
            member => member,
        });
        Ok(true)
    }

    /// Ends a member. Fails after too many consecutive empty ones.
    fn end_member(&mut self) -> io::Result<()> {
        self.step(|state| match state {
            State::Member(decoder) => State::Between(decoder.into_inner()),
            outside => outside,
        });
        self.empty_members += 1;
        if self.empty_members > MAX_EMPTY_MEMBERS {
            let what = "too many members without content";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(())
    }

    fn step(&mut self, next: impl FnOnce(State<R>) -> State<R>) {
        self.state = self.state.take().map(next);
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(State::Member(decoder)) = &mut self.state else {
                if !self.begin_member()? {
                    return Ok(0);
                }
                continue;
            };
            match decoder.read(buf)? {
                0 if buf.is_empty() => return Ok(0),
                0 => self.end_member()?,
                n => {
                    self.empty_members = 0;
                    return Ok(n);
                }
            }
        }
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

    fn inflated(octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut inflated = Vec::new();
        Members::new(io::BufReader::with_capacity(3, octets)).read_to_end(&mut inflated)?;
        Ok(inflated)
    }

    #[test]
    fn what_fits_comes_out_whole() {
        let coded = gzip(&[7; 1000]);
        assert_eq!(inflated(&coded).unwrap(), [7; 1000]);
    }

    #[test]
    fn empty_input_is_an_empty_body_and_a_truncated_one_an_error() {
        let whole = gzip(b"hello");
        assert_eq!(inflated(b"").unwrap(), b"");
        assert_eq!(inflated(&whole).unwrap(), b"hello");
        for len in 1..whole.len() {
            assert!(inflated(&whole[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn members_follow_one_another_and_padding_is_ignored() {
        let two = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(inflated(&two).unwrap(), b"one two");
        assert_eq!(inflated(&[two.clone(), vec![0; 500]].concat()).unwrap(), b"one two");
        assert!(inflated(&[two.clone(), b"rest".to_vec()].concat()).is_err());
        // Zeros count as padding only after a member.
        assert!(inflated(&[0; 100]).is_err());
    }

    #[test]
    fn endless_members_without_content_are_an_error() {
        let empty = gzip(b"").repeat(1000);
        assert!(inflated(&empty).unwrap_err().to_string().contains("without content"));
        let honest: Vec<u8> = (0..100).flat_map(|_| [gzip(b"x"), gzip(b"")].concat()).collect();
        assert_eq!(inflated(&honest).unwrap().len(), 100);
    }
}
