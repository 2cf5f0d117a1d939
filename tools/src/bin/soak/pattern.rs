//! A known sequence of octets, and reproducible random numbers.

use std::io::{self, Read};

use crate::Result;

/// A prime, so that missing or duplicated pieces are detected.
const PERIOD: usize = 251;

/// Many periods of the sequence.
pub(crate) static PATTERN: [u8; 512 * PERIOD] = {
    let mut octets = [0; 512 * PERIOD];
    let mut n = 0;
    while n < octets.len() {
        octets[n] = (n % PERIOD) as u8;
        n += 1;
    }
    octets
};

/// The sequence from its beginning, to be read or compared with.
#[derive(Default)]
pub(crate) struct Pattern {
    at: usize,
}

impl Pattern {
    /// Checks the next octets.
    pub(crate) fn check(&mut self, mut octets: &[u8]) -> Result {
        while !octets.is_empty() {
            let expected = self.next(octets.len());
            let (here, rest) = octets.split_at(expected.len());
            if here != expected {
                return Err(format!("wrong octets after {}", self.at).into());
            }
            self.at += here.len();
            octets = rest;
        }
        Ok(())
    }

    /// Reads and checks a whole body, and returns its length.
    pub(crate) fn check_all(mut self, mut body: impl Read, piece: usize) -> Result<usize> {
        let mut buffer = vec![0; piece];
        loop {
            match body.read(&mut buffer)? {
                0 => return Ok(self.at),
                n => self.check(&buffer[..n])?,
            }
        }
    }

    fn next(&self, most: usize) -> &'static [u8] {
        let rest = &PATTERN[self.at % PERIOD..];
        &rest[..most.min(rest.len())]
    }
}

impl Read for Pattern {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let octets = self.next(buf.len());
        buf[..octets.len()].copy_from_slice(octets);
        self.at += octets.len();
        Ok(octets.len())
    }
}

/// A random number generator: xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // The state must not be zero.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `bound`, which must not be zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// Returns a size whose magnitude is evenly distributed.
    pub(crate) fn size(&mut self, bound: usize) -> usize {
        let bound = self.below(bound) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }

    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}
