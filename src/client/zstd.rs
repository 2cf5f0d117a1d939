//! Zstandard (RFC 8878).

use std::fmt;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The window that a content coding may need is at most 8 MiB (RFC 9659, Section 3).
const MAX_WINDOW: u64 = 8 << 20;

/// The first octets of a frame (RFC 8878, Section 3.1.1).
const MAGIC: u32 = 0xfd2f_b528;
/// The first octets of a skippable frame, except for the last four bits (RFC 8878, Section 3.1.2).
const SKIPPABLE: u32 = 0x184d_2a50;

/// Maximum consecutive empty frames: each costs time without producing output.
const MAX_EMPTY_FRAMES: u32 = 64;

/// Decodes frames in sequence.
pub(super) struct Frames<R> {
    reader: R,
    decoder: FrameDecoder,
    is_inside: bool,
    /// A read failed within a block, and decoding cannot resume.
    is_broken: bool,
    /// Empty frames since the last octet of output.
    empty_frames: u32,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(reader: R) -> Self {
        let decoder = FrameDecoder::new();
        Frames { reader, decoder, is_inside: false, is_broken: false, empty_frames: 0 }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.reader
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads the header of the next frame. Returns `false` at the end.
    fn begin_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.reader.fill_buf()?.is_empty() {
                return Ok(false);
            }
            self.empty_frames += 1;
            if self.empty_frames > MAX_EMPTY_FRAMES {
                return Err(invalid("too many frames without content"));
            }
            let mut head = Vec::with_capacity(18);
            let magic = u32::from_le_bytes(self.take(&mut head)?);
            if magic & !0xf == SKIPPABLE {
                let len = u64::from(u32::from_le_bytes(self.take(&mut head)?));
                let skipped = io::copy(&mut self.reader.by_ref().take(len), &mut io::sink())?;
                if skipped < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            if magic != MAGIC {
                return Err(invalid("not a Zstandard frame"));
            }
            self.read_header(&mut head)?;
            self.decoder.reset(&head[..]).map_err(io::Error::other)?;
            return Ok(true);
        }
    }

    /// Reads a frame header (RFC 8878, Section 3.1.1.1). Checks the window before the decoder
    /// allocates it.
    fn read_header(&mut self, head: &mut Vec<u8>) -> io::Result<()> {
        let [descriptor] = self.take(head)?;
        let is_single = descriptor & 0x20 != 0;
        let mut window = 0;
        if !is_single {
            let [octet] = self.take(head)?;
            // Five bits of exponent, three of mantissa.
            let base = 1_u64 << (10 + (octet >> 3));
            window = base + base / 8 * u64::from(octet & 7);
        }
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        for _ in 0..dictionary {
            self.take::<1>(head)?;
        }
        let size = match descriptor >> 6 {
            0 => usize::from(is_single),
            flag => 1 << flag,
        };
        let mut content = [0; 8];
        for place in content.iter_mut().take(size) {
            let [octet] = self.take(head)?;
            *place = octet;
        }
        if is_single {
            window = u64::from_le_bytes(content);
        }
        if window > MAX_WINDOW {
            return Err(invalid("a window of more than 8 MiB"));
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self, head: &mut Vec<u8>) -> io::Result<[u8; N]> {
        let mut octets = [0; N];
        self.reader.read_exact(&mut octets)?;
        head.extend_from_slice(&octets);
        Ok(octets)
    }

    fn read_frames(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_inside {
                if !self.begin_frame()? {
                    return Ok(0);
                }
                self.is_inside = true;
            }
            if self.decoder.can_collect() > 0 {
                self.empty_frames = 0;
                return self.decoder.read(buf);
            }
            if self.decoder.is_finished() {
                let told = self.decoder.get_checksum_from_data();
                if told.is_some() && told != self.decoder.get_calculated_checksum() {
                    return Err(invalid("the checksum does not match"));
                }
                self.is_inside = false;
                continue;
            }
            let strategy = BlockDecodingStrategy::UptoBlocks(1);
            let mut noting = Noting { reader: &mut self.reader, failed: None };
            let decoded = self.decoder.decode_blocks(&mut noting, strategy);
            // The reader's own error takes precedence over the decoder's.
            match noting.failed {
                Some(error) => return Err(error),
                None => decoded.map_err(io::Error::other)?,
            };
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.is_broken {
            return Err(invalid("an earlier read failed in the middle of it"));
        }
        let read = self.read_frames(buf);
        self.is_broken = read.is_err();
        read
    }
}

/// A reader that remembers its error, which the decoder would hide.
struct Noting<'a, R> {
    reader: &'a mut R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            kind.into()
        })
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: fmt::Debug> fmt::Debug for Frames<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("reader", &self.reader).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn frame(octets: &[u8]) -> Vec<u8> {
        compress_to_vec(octets, CompressionLevel::Fastest)
    }

    fn decoded(octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        Frames::new(io::BufReader::with_capacity(3, octets)).read_to_end(&mut decoded)?;
        Ok(decoded)
    }

    #[test]
    fn frames_follow_one_another_and_others_are_skipped() {
        let skipped = [&SKIPPABLE.to_le_bytes()[..], &[3, 0, 0, 0, 1, 2, 3]].concat();
        let all = [frame(b"one "), skipped, frame(&[b'x'; 100_000])].concat();
        let whole = decoded(&all).unwrap();
        assert_eq!(whole.len(), 100_004);
        assert_eq!(&whole[..5], b"one x");
        assert_eq!(decoded(b"").unwrap(), b"");
    }

    #[test]
    fn part_of_a_frame_is_an_error() {
        let whole = frame(b"hello");
        for len in 1..whole.len() {
            assert!(decoded(&whole[..len]).is_err(), "{len}");
        }
        assert!(decoded(b"this is not zstd").is_err());
    }

    #[test]
    fn frame_with_a_large_window_is_refused_before_memory_is_taken() {
        // A window of 2^41 octets, and content of 2^40.
        let window = [&MAGIC.to_le_bytes()[..], &[0, 31 << 3]].concat();
        let single = [&MAGIC.to_le_bytes()[..], &[0xe0], &(1_u64 << 40).to_le_bytes()].concat();
        for head in [window, single] {
            let error = decoded(&head).unwrap_err();
            assert!(error.to_string().contains("8 MiB"), "{error}");
        }
    }

    #[test]
    fn endless_frames_without_content_are_an_error() {
        let empty = [&SKIPPABLE.to_le_bytes()[..], &[0; 4]].concat().repeat(1000);
        assert!(decoded(&empty).unwrap_err().to_string().contains("without content"));
    }
}
