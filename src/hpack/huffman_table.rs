//! The tables of [`huffman`](super::huffman), computed at compile time.
//!
//! RFC 7541, Appendix B lists the code of every symbol. The code is *canonical*: sorted by length
//! and then by symbol, each code is the previous one plus one. So [`LENGTHS`] defines all of it.

/// The end-of-string symbol, which follows the 256 octets.
const EOS: usize = 256;
/// The length of the longest code in bits.
pub(super) const MAX_LENGTH: u32 = 30;
/// The number of bits that the decoder looks up in one step.
pub(super) const STEP_BITS: u32 = 12;

/// The length of each symbol's code in bits: octets 0 to 255, then the end of the string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The code of one octet: its lowest `length` bits.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) length: u8,
}

/// The codes by octet, for the encoder.
pub(super) static CODES: [Code; 256] = {
    let canonical = Canonical::new();
    let mut codes = [Code { bits: 0, length: 0 }; 256];
    let mut rank = 0;
    while rank < canonical.symbols.len() {
        let symbol = canonical.symbols[rank] as usize;
        if symbol != EOS {
            let length = LENGTHS[symbol];
            let place = rank as u32 - canonical.first_rank[length as usize];
            codes[symbol] = Code { bits: canonical.first_code[length as usize] + place, length };
        }
        rank += 1;
    }
    codes
};

/// The result of looking up the next [`STEP_BITS`] bits of a string.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// One or two octets, then zeros.
    pub(super) symbols: [u8; 2],
    /// The number of octets; zero if the code is longer than the step.
    pub(super) count: u8,
    /// The number of bits that the codes of these octets take together.
    pub(super) bits: u8,
}

/// The decoder's table: the next [`STEP_BITS`] bits give the next one or two octets.
pub(super) static STEPS: [Step; 1 << STEP_BITS] = {
    const NONE: Step = Step { symbols: [0; 2], count: 0, bits: 0 };

    // First pass: one symbol each. A code fills every index that begins with it.
    let mut single = [NONE; 1 << STEP_BITS];
    let mut octet = 0;
    while octet < 256 {
        let code = CODES[octet];
        if code.length as u32 <= STEP_BITS {
            let free = STEP_BITS - code.length as u32;
            let first = (code.bits << free) as usize;
            let mut place = first;
            while place < first + (1 << free) {
                single[place] = Step { symbols: [octet as u8, 0], count: 1, bits: code.length };
                place += 1;
            }
        }
        octet += 1;
    }

    // Second pass: a second symbol, where the rest of the step holds all of its code.
    let mut steps = single;
    let mut place = 0;
    while place < steps.len() {
        let one = single[place];
        let two = single[(place << one.bits) & (steps.len() - 1)];
        let bits = one.bits + two.bits;
        if one.count > 0 && two.count > 0 && bits as u32 <= STEP_BITS {
            steps[place] = Step { symbols: [one.symbols[0], two.symbols[0]], count: 2, bits };
        }
        place += 1;
    }
    steps
};

/// Returns the octet and the length of a code longer than a step, or `None` for the end-of-string
/// symbol. `bits` begins with the code.
pub(super) fn long_symbol(bits: u64) -> Option<(u8, u32)> {
    static CANONICAL: Canonical = Canonical::new();
    for length in STEP_BITS + 1..=MAX_LENGTH {
        let code = (bits >> (u64::BITS - length)) as u32;
        // Codes of one length are consecutive, and longer codes have larger prefixes.
        let place = code.wrapping_sub(CANONICAL.first_code[length as usize]);
        let rank = CANONICAL.first_rank[length as usize] + place;
        if place < CANONICAL.first_rank[length as usize + 1] - CANONICAL.first_rank[length as usize]
        {
            return u8::try_from(CANONICAL.symbols[rank as usize])
                .ok()
                .map(|octet| (octet, length));
        }
    }
    None
}

/// The canonical code, computed from the lengths.
struct Canonical {
    /// The symbols, sorted by length and then by value. An index into it is a rank.
    symbols: [u16; 257],
    /// By length: the rank of the first symbol with that length, or a greater one.
    first_rank: [u32; MAX_LENGTH as usize + 2],
    /// By length: the code of that symbol, if it has one of that length.
    first_code: [u32; MAX_LENGTH as usize + 2],
}

impl Canonical {
    const fn new() -> Self {
        let mut symbols = [0; 257];
        let mut first_rank = [0; MAX_LENGTH as usize + 2];
        let mut first_code = [0; MAX_LENGTH as usize + 2];
        let (mut rank, mut code, mut length) = (0, 0, 0);
        while length < first_rank.len() {
            code <<= 1;
            first_rank[length] = rank as u32;
            first_code[length] = code;
            let mut symbol = 0;
            while symbol < LENGTHS.len() {
                if LENGTHS[symbol] as usize == length {
                    symbols[rank] = symbol as u16;
                    rank += 1;
                    code += 1;
                }
                symbol += 1;
            }
            length += 1;
        }
        Self { symbols, first_rank, first_code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541, Appendix B: the first and last code of every length, and EOS.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (octet, bits, length) in [
            (b'0', 0x0, 5),
            (b't', 0x9, 5),
            (b' ', 0x14, 6),
            (b'u', 0x2d, 6),
            (b':', 0x5c, 7),
            (b'z', 0x7b, 7),
            (b'&', 0xf8, 8),
            (b'Z', 0xfd, 8),
            (b'!', 0x3f8, 10),
            (b'?', 0x3fc, 10),
            (b'\'', 0x7fa, 11),
            (b'|', 0x7fc, 11),
            (b'#', 0xffa, 12),
            (b'>', 0xffb, 12),
            (0, 0x1ff8, 13),
            (b'~', 0x1ffd, 13),
            (b'^', 0x3ffc, 14),
            (b'}', 0x3ffd, 14),
            (b'<', 0x7ffc, 15),
            (b'{', 0x7ffe, 15),
            (b'\\', 0x7fff0, 19),
            (208, 0x7fff2, 19),
            (128, 0xfffe6, 20),
            (226, 0xfffed, 20),
            (153, 0x1fffdc, 21),
            (230, 0x1fffe8, 21),
            (129, 0x3fffd2, 22),
            (233, 0x3fffeb, 22),
            (1, 0x7fffd8, 23),
            (239, 0x7ffff4, 23),
            (9, 0xffffea, 24),
            (237, 0xfffff5, 24),
            (199, 0x1ffffec, 25),
            (235, 0x1ffffef, 25),
            (192, 0x3ffffe0, 26),
            (255, 0x3ffffee, 26),
            (203, 0x7ffffde, 27),
            (254, 0x7fffff0, 27),
            (2, 0xfffffe2, 28),
            (249, 0xffffffe, 28),
            (10, 0x3ffffffc, 30),
            (22, 0x3ffffffe, 30),
        ] {
            let code = CODES[octet as usize];
            assert_eq!((code.bits, code.length), (bits, length), "octet {octet}");
        }
        assert_eq!(Canonical::new().symbols[256], EOS as u16);
    }

    #[test]
    fn code_is_complete() {
        let sum: u64 = LENGTHS.iter().map(|length| 1 << (MAX_LENGTH - u32::from(*length))).sum();
        assert_eq!(sum, 1 << MAX_LENGTH);
    }
}
