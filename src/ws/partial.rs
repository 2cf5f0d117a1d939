//! A message that has arrived in part.

use std::str;

use bytes::Bytes;

use super::deflate::Inflater;
use super::error::Error;
use super::mask;
use super::message::Message;
use super::text::Text;

/// The most octets to reserve for a frame before they arrive.
const AHEAD: usize = 64 << 10;

/// The message that is being received.
#[derive(Debug)]
pub(super) struct Partial {
    is_text: bool,
    is_compressed: bool,
    octets: Vec<u8>,
    /// The number of octets that are known to be UTF-8.
    checked: usize,
    /// Unmasked compressed octets.
    unmasked: Vec<u8>,
}

impl Partial {
    pub(super) fn new(is_text: bool, is_compressed: bool) -> Self {
        let (octets, unmasked) = (Vec::new(), Vec::new());
        Partial { is_text, is_compressed, octets, checked: 0, unmasked }
    }

    /// A message that arrived in one piece.
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

    /// Whether no octet of it has arrived.
    pub(super) fn is_untouched(&self) -> bool {
        self.octets.capacity() == 0 && self.len() == 0
    }

    /// The octets so far, inflated.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// The capacity in octets.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.octets.capacity()
    }

    /// Makes room for a frame of which `here` octets have arrived and `left` have not. Reserves
    /// little for a peer that announces much and sends little.
    pub(super) fn expect(&mut self, left: u64, here: usize) {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let next = left.min(here);
        if self.is_compressed || self.octets.capacity() - self.octets.len() >= next {
            return;
        }
        let ahead = (3 * self.octets.len()).max(AHEAD) + next;
        self.octets.reserve_exact(left.min(ahead));
    }

    /// Appends uncompressed octets, masked or not.
    pub(super) fn push(&mut self, piece: &[u8], key: Option<[u8; 4]>, offset: usize) {
        let begin = self.octets.len();
        self.octets.extend_from_slice(piece);
        if let Some(key) = key {
            mask::apply(key, offset, &mut self.octets[begin..]);
        }
    }

    /// Inflates octets and appends the result.
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

    /// Reports invalid text before later faults, however the input was cut.
    fn first_error(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if result.is_err() {
            self.check()?;
        }
        result
    }

    /// Checks the text so far. Its last character may be incomplete.
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

    /// Completes the message.
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
    Error::data("a text message that is not UTF-8")
}
