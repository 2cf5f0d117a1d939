//! A body with known octets, so that a large one can be compared bit for bit without keeping it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;

/// The size of a large body: 100 MiB.
pub(crate) const LARGE: usize = 100 << 20;

/// The period of the body in octets: a prime, so that swapped, lost or doubled pieces are detected.
const PERIOD: usize = 65_521;

/// Two periods, so that any piece up to one long is a slice.
static OCTETS: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let period: Vec<u8> = std::iter::repeat_with(|| {
        // xorshift64: any sequence without a short period would do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(PERIOD)
    .collect();
    period.repeat(2).into()
});

/// The longest piece of the body from `at` that ends before `end`.
pub(crate) fn piece(at: usize, end: usize) -> Bytes {
    let start = at % PERIOD;
    OCTETS.slice(start..start + PERIOD.min(end - at))
}

/// Compares what arrives with the body that it should be.
#[derive(Debug, Default)]
pub(crate) struct Check {
    octets: usize,
    /// The first piece that differs.
    wrong_at: Option<usize>,
}

impl Check {
    pub(crate) fn take(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let expected = piece(self.octets, self.octets + data.len());
            if data[..expected.len()] != expected[..] {
                self.wrong_at.get_or_insert(self.octets);
            }
            self.octets += expected.len();
            data = &data[expected.len()..];
        }
    }

    /// Whether these were the first `octets` of the body, and no more.
    pub(crate) fn result(&self, octets: usize) -> Result<(), String> {
        match self.wrong_at {
            Some(at) => Err(format!("the piece at {at} differs")),
            None if self.octets != octets => {
                Err(format!("{} octets came, not {octets}", self.octets))
            }
            None => Ok(()),
        }
    }
}

/// Writes a body of `octets` octets.
pub(crate) fn write_file(path: &Path, octets: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut at = 0;
    while at < octets {
        let piece = piece(at, octets);
        file.write_all(&piece)?;
        at += piece.len();
    }
    Ok(())
}

/// Compares a file with a body of `octets` octets.
pub(crate) fn check_file(path: &Path, octets: usize) -> Result<(), String> {
    let mut check = Check::default();
    let mut buffer = vec![0; 1 << 20];
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    loop {
        match file.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return check.result(octets),
            len => check.take(&buffer[..len]),
        }
    }
}
