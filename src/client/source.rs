//! What the body of a request is read from, once or any number of times.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

type Make = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// What a body is read from.
pub(super) struct Source {
    /// Makes it anew.
    make: Option<Make>,
    reader: Option<Box<dyn Read + Send>>,
    len: Option<u64>,
    /// The first octet has been asked for.
    has_begun: bool,
}

impl Source {
    pub(super) fn once(reader: Box<dyn Read + Send>, len: Option<u64>) -> Self {
        Source { make: None, reader: Some(reader), len, has_begun: false }
    }

    pub(super) fn again<R: Read + Send + 'static>(
        make: impl Fn() -> io::Result<R> + Send + Sync + 'static,
        len: Option<u64>,
    ) -> Self {
        let make: Make = Arc::new(move || Ok(Box::new(make()?)));
        Source { make: Some(make), reader: None, len, has_begun: false }
    }

    /// One that has been read, while its octets are on their way.
    pub(super) fn taken() -> Self {
        Source { make: None, reader: None, len: None, has_begun: true }
    }

    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Another one that gives the same, if this one can be made anew.
    pub(super) fn try_clone(&self) -> Option<Self> {
        let make = Some(Arc::clone(self.make.as_ref()?));
        Some(Source { make, reader: None, len: self.len, has_begun: false })
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.make.is_some()
    }

    /// Goes back to the first octet. `false` if it has been asked for and cannot be had again.
    pub(super) fn rewind(&mut self) -> bool {
        if self.has_begun && self.make.is_some() {
            (self.reader, self.has_begun) = (None, false);
        }
        !self.has_begun
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.has_begun = true;
        let reader = match (&mut self.reader, &self.make) {
            (Some(reader), _) => reader,
            (None, Some(make)) => self.reader.insert(make()?),
            (None, None) => return Ok(0),
        };
        reader.read(buf)
    }
}

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
