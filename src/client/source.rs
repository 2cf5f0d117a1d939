//! Sources of request bodies, readable once or repeatedly.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

type Make = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// Maximum octets per read: large writes cost less per octet.
const PIECE: usize = 256 << 10;

/// Octets of a reader that are kept in case the server refuses the request.
const MAX_KEPT: usize = PIECE;

/// Maximum number of kept pieces, since each has a memory overhead.
const MAX_KEPT_PIECES: usize = 64;

/// The source of a body.
pub(super) struct Source {
    /// Creates the reader anew.
    make: Option<Make>,
    reader: Option<Box<dyn Read + Send>>,
    len: Option<u64>,
    buffer: BytesMut,
    /// The reader is at its end.
    has_ended: bool,
    /// Everything read so far, unless it exceeded the limits.
    kept: Option<Vec<Bytes>>,
    /// Number of pieces of `kept` returned since the last rewind.
    given: usize,
}

impl Source {
    pub(super) fn once(reader: Box<dyn Read + Send>, len: Option<u64>) -> Self {
        Source::new(None, Some(reader), len)
    }

    pub(super) fn again<R: Read + Send + 'static>(
        make: impl Fn() -> io::Result<R> + Send + Sync + 'static,
        len: Option<u64>,
    ) -> Self {
        Source::new(Some(Arc::new(move || Ok(Box::new(make()?)))), None, len)
    }

    /// Returns a source that cannot be read again, used while its octets are being sent.
    pub(super) fn taken() -> Self {
        Source { kept: None, ..Source::new(None, None, None) }
    }

    fn new(make: Option<Make>, reader: Option<Box<dyn Read + Send>>, len: Option<u64>) -> Self {
        let (buffer, kept) = (BytesMut::new(), Some(Vec::new()));
        Source { make, reader, len, buffer, has_ended: false, kept, given: 0 }
    }

    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Returns a copy, if the reader can be created anew.
    pub(super) fn try_clone(&self) -> Option<Self> {
        Some(Source::new(Some(Arc::clone(self.make.as_ref()?)), None, self.len))
    }

    /// Whether it can be read any number of times.
    pub(super) fn is_repeatable(&self) -> bool {
        self.make.is_some()
    }

    /// Resets to the first octet. Returns `false` if that is not possible.
    pub(super) fn rewind(&mut self) -> bool {
        if self.make.is_some() {
            (self.reader, self.has_ended) = (None, false);
        }
        self.given = 0;
        self.make.is_some() || self.kept.is_some()
    }

    /// Stops keeping octets: the request will not be sent again.
    pub(super) fn commit(&mut self) {
        self.kept = None;
    }

    /// Returns the next octets; `None` at the end.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(piece) = self.kept.as_ref().and_then(|kept| kept.get(self.given)) {
            self.given += 1;
            return Ok(Some(piece.clone()));
        }
        if self.has_ended {
            return Ok(None);
        }
        let piece = self.read_piece()?;
        match &piece {
            Some(piece) => self.keep(piece),
            None => {
                self.has_ended = true;
                self.buffer = BytesMut::new();
            }
        }
        Ok(piece)
    }

    fn read_piece(&mut self) -> io::Result<Option<Bytes>> {
        let reader = match (&mut self.reader, &self.make) {
            (Some(reader), _) => reader,
            (None, Some(make)) => self.reader.insert(make()?),
            (None, None) => return Ok(None),
        };
        self.buffer.resize(PIECE, 0);
        let read = loop {
            match reader.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?.min(PIECE),
            }
        };
        Ok(match read {
            0 => None,
            // Copied, to avoid giving away a mostly empty buffer.
            1..LARGE => Some(Bytes::copy_from_slice(&self.buffer[..read])),
            _ => Some(self.buffer.split_to(read).freeze()),
        })
    }

    fn keep(&mut self, piece: &Bytes) {
        if self.make.is_some() {
            return;
        }
        self.kept.take_if(|kept| {
            let octets: usize = kept.iter().map(Bytes::len).sum();
            octets + piece.len() > MAX_KEPT || kept.len() >= MAX_KEPT_PIECES
        });
        if let Some(kept) = &mut self.kept {
            kept.push(piece.clone());
            self.given = kept.len();
        }
    }
}

/// Reads of at least this size give their buffer away.
const LARGE: usize = PIECE / 2;

/// A range of a file, read without moving the file's position, so that other readers of the file
/// are not affected.
#[derive(Debug)]
pub(super) struct Slice {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Slice {
    pub(super) fn of(file: &Arc<File>, start: u64, len: u64) -> Self {
        Slice { file: Arc::clone(file), at: start, left: len }
    }
}

impl Read for Slice {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let read = read_at(&self.file, &mut buf[..most], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, at)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, at)
}

#[cfg(not(any(unix, windows)))]
fn read_at(mut file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(at))?;
    file.read(buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &mut Source) -> Vec<u8> {
        let pieces = std::iter::from_fn(|| source.next_piece().unwrap());
        pieces.flatten().collect()
    }

    #[test]
    fn a_short_reader_can_be_had_again_in_part_or_whole() {
        let mut source = Source::once(Box::new((&b"ab"[..]).chain(&b"cd"[..])), None);
        assert_eq!(source.next_piece().unwrap().unwrap(), "ab");
        assert!(source.rewind());
        assert_eq!(all(&mut source), b"abcd");
        assert!(source.rewind());
        assert_eq!(all(&mut source), b"abcd");
    }

    #[test]
    fn a_long_reader_can_be_had_once() {
        let mut source = Source::once(Box::new(io::repeat(1).take(MAX_KEPT as u64 + 1)), None);
        assert_eq!(all(&mut source).len(), MAX_KEPT + 1);
        assert!(!source.rewind());
    }

    #[test]
    fn what_is_kept_of_a_slow_reader_is_bounded_in_pieces() {
        struct Slow(usize);
        impl Read for Slow {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.saturating_sub(1);
                Ok(usize::from(self.0 > 0).min(buf.len()))
            }
        }
        let mut source = Source::once(Box::new(Slow(MAX_KEPT_PIECES + 1)), None);
        assert_eq!(all(&mut source).len(), MAX_KEPT_PIECES);
        assert!(source.rewind());
        let mut source = Source::once(Box::new(Slow(MAX_KEPT_PIECES + 2)), None);
        assert_eq!(all(&mut source).len(), MAX_KEPT_PIECES + 1);
        assert!(!source.rewind());
    }

    #[test]
    fn what_is_made_anew_is_not_kept() {
        let mut source = Source::again(|| Ok(io::repeat(1).take(1 << 20)), None);
        assert_eq!(all(&mut source).len(), 1 << 20);
        assert!(source.kept.as_ref().is_some_and(Vec::is_empty) && source.rewind());
        assert_eq!(all(&mut source).len(), 1 << 20);
    }
}
