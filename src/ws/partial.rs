//! A message that has come in part.

use std::str;

use bytes::Bytes;

use super::deflate::Inflater;
use super::error::Error;
use super::mask;
use super::message::Message;
use super::text::Text;

/// Octets that are made room for before they have come.
const AHEAD: usize = 64 << 10;

/// A message under way.
#[derive(Debug)]
pub(super) struct Partial {
    is_text: bool,
    is_compressed: bool,
    octets: Vec<u8>,
    /// How many of the octets are known to be UTF-8.
    checked: usize,
    /// Compressed octets without their mask.
    unmasked: Vec<u8>,
}

impl Partial {
    pub(super) fn new(is_text: bool, is_compressed: bool) -> Self {
        let (octets, unmasked) = (Vec::new(), Vec::new());
        Partial { is_text, is_compressed, octets, checked: 0, unmasked }
    }

    /// A message that has come in one piece.
    pub(super) fn whole(is_text: bool, octets: Bytes) -> Result<Message, Error> {
        if !is_text {
            return Ok(Message::Binary(octets));
        }
        Text::try_from(octets).map(Message::Text).map_err(|_| not_utf8())
    }

    pub(super) fn is_text(&self) -> bool {
        self.is_text
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Whether nothing of it has come.
    pub(super) fn is_untouched(&self) -> bool {
        self.octets.capacity() == 0 && self.len() == 0
    }

    /// Octets so far, inflated.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Octets that there is room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.octets.capacity()
    }

    /// Makes room for a frame of which `left` octets are still to come, and `here` are there. A peer that
    /// announces much and sends little costs little.
    pub(super) fn expect(&mut self, left: u64, here: usize) {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let next = left.min(here);
        if self.is_compressed || self.octets.capacity() - self.octets.len() >= next {
            return;
        }
        let ahead = (3 * self.octets.len()).max(AHEAD) + next;
        self.octets.reserve_exact(left.min(ahead));
    }

    /// Adds octets as they are, or masked.
    pub(super) fn push(&mut self, piece: &[u8], key: Option<[u8; 4]>, offset: usize) {
        let begin = self.octets.len();
        self.octets.extend_from_slice(piece);
        if let Some(key) = key {
            mask::apply(key, offset, &mut self.octets[begin..]);
        }
    }

    /// Adds what compressed octets inflate to.
    pub(super) fn inflate(
        &mut self,
        piece: &[u8],
        key: Option<[u8; 4]>,
        offset: usize,
        inflater: &mut Inflater,
        max: usize,
    ) -> Result<(), Error> {
        let mut piece = piece;
        if let Some(key) = key {
            self.unmasked.clear();
            self.unmasked.extend_from_slice(piece);
            mask::apply(key, offset, &mut self.unmasked);
            piece = &self.unmasked;
        }
        let result = inflater.inflate(piece, &mut self.octets, max);
        self.first_error(result)
    }

    /// What is wrong with the text comes before what is wrong behind it, however the octets were cut.
    fn first_error(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if result.is_err() {
            self.check()?;
        }
        result
    }

    /// Checks the text as far as it has come: a character may not be complete.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if !self.is_text {
            return Ok(());
        }
        match str::from_utf8(&self.octets[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(not_utf8()),
        }
        Ok(())
    }

    /// The message is complete.
    pub(super) fn finish(
        mut self,
        inflater: Option<&mut Inflater>,
        max: usize,
    ) -> Result<Message, Error> {
        if let Some(inflater) = inflater {
            let result = inflater.end(&mut self.octets, max);
            self.first_error(result)?;
        }
        if self.octets.capacity() > 2 * self.octets.len() {
            self.octets.shrink_to_fit();
        }
        Partial::whole(self.is_text, Bytes::from(self.octets))
    }
}

fn not_utf8() -> Error {
    Error::data("a message of text is not UTF-8")
}
