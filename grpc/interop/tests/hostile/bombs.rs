//! Octets that announce or hold more than they are.

use std::io::Write;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::write::GzEncoder;

use crate::memory::MIB;
use crate::support::wire;

/// Octets of a field block in one frame.
const PIECE: usize = 16 << 10;

/// A message with its prefix.
pub(crate) fn message(flag: u8, octets: &[u8]) -> Vec<u8> {
    let len = u32::try_from(octets.len()).expect("the length of a message");
    [&[flag][..], &len.to_be_bytes(), octets].concat()
}

/// The prefix of a message of this length, which may never come.
pub(crate) fn prefix(len: u32) -> Vec<u8> {
    [&[0][..], &len.to_be_bytes()].concat()
}

/// A compressed message that inflates to 64 MiB of zeros: a gzip file with many members.
pub(crate) fn gzip_bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    let bomb = BOMB.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[0; MIB]).expect("a vector takes all");
        let member = encoder.finish().expect("a vector takes all");
        message(1, &member.repeat(64)).into()
    });
    bomb.clone()
}

/// A field section of any size, in HEADERS and CONTINUATION. It ends its stream.
pub(crate) fn section(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let block = wire::block(fields);
    let last = (block.len() - 1) / PIECE;
    let mut frames = Vec::new();
    for (n, piece) in block.chunks(PIECE).enumerate() {
        let end = if n == last { wire::END_HEADERS } else { 0 };
        frames.extend(match n {
            0 => wire::headers(stream, end | wire::END_STREAM, piece),
            _ => wire::continuation(stream, end, piece),
        });
    }
    frames
}
