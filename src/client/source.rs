//! What the body of a request is read from, once or any number of times.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

type Make = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// The most that is read at once: large writes cost less for each octet.
const PIECE: usize = 256 << 10;

/// Octets of a reader that are kept, in case that the server refuses the request.
const MAX_KEPT: usize = PIECE;

/// The same in pieces, since each costs some memory of its own.
const MAX_KEPT_PIECES: usize = 64;

/// What a body is read from.
pub(super) struct Source {
    /// Makes it anew.
    make: Option<Make>,
    reader: Option<Box<dyn Read + Send>>,
    len: Option<u64>,
    buffer: BytesMut,
    /// All of it has been read.
    has_ended: bool,
    /// What has been read, if that is all in there.
    kept: Option<Vec<Bytes>>,
    /// Pieces of `kept` that have been given out since it was rewound.
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

    /// One that cannot be had again, while its octets are on their way.
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

    /// Another one that gives the same, if this one can be made anew.
    pub(super) fn try_clone(&self) -> Option<Self> {
        Some(Source::new(Some(Arc::clone(self.make.as_ref()?)), None, self.len))
    }

    /// Whether it can be had any number of times.
    pub(super) fn is_repeatable(&self) -> bool {
        self.make.is_some()
    }

    /// Goes back to the first octet. `false` if that cannot be had again.
    pub(super) fn rewind(&mut self) -> bool {
        if self.make.is_some() {
            (self.reader, self.has_ended) = (None, false);
        }
        self.given = 0;
        self.make.is_some() || self.kept.is_some()
    }

    /// The request is not sent again: nothing need be kept any more.
    pub(super) fn commit(&mut self) {
        self.kept = None;
    }

    /// The next octets; `None` at the end.
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
            // Not worth a buffer that is mostly empty.
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

/// A read of this size fills enough of the buffer to be given away with it.
const LARGE: usize = PIECE / 2;

/// A part of a file, read without moving the file's own position: other readers of the same file are
/// not disturbed.
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
