//! Reads choices from the octets that a fuzzer makes up.

/// What is left of a fuzzer's input. Past its end everything is zero, so that every input means
/// something.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn octet(&mut self) -> u8 {
        self.octets(1).first().copied().unwrap_or(0)
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub fn flag(&mut self) -> bool {
        self.octet() & 1 == 1
    }

    /// 0 to `end - 1`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.octet()) % end.max(1)
    }

    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        let index = self.below(choices.len());
        choices.get(index)
    }

    /// As many as there are, and `count` at most.
    pub fn octets(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A string with its length before it.
    pub fn string(&mut self) -> &'a [u8] {
        let len = usize::from(self.octet());
        self.octets(len)
    }

    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}
