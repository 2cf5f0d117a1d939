//! The body of a request.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use bytes::Bytes;

use super::source::{Slice, Source};

/// The body of a request.
///
/// It is created from text, octets or a file with `From`, or from any reader with
/// [`from_reader`](Self::from_reader).
///
/// A body of octets, of a regular file or [from a function](Self::from_fn) can be sent again when a
/// request is retried or redirected. A body from a reader can be sent again while at most 256 KiB
/// of it have been read: that much is buffered until the response begins.
///
/// ```
/// use h2_sync::client::Body;
///
/// let text = Body::from("hello");
/// assert_eq!(text.len(), Some(5));
/// let unknown = Body::from_reader(std::io::stdin());
/// assert_eq!(unknown.len(), None);
/// ```
#[derive(Default)]
pub struct Body {
    pub(super) kind: Kind,
}

#[derive(Default)]
pub(super) enum Kind {
    #[default]
    Empty,
    Octets(Bytes),
    Source(Source),
}

impl Body {
    /// Returns an empty body.
    ///
    /// ```
    /// use h2_sync::client::Body;
    ///
    /// assert!(Body::empty().is_empty());
    /// ```
    pub fn empty() -> Self {
        Body::default()
    }

    /// Returns a body with the octets of `reader`, up to its end.
    ///
    /// The reader is read on the thread that sends the request or, if the response arrives before
    /// all of it has been sent, on the thread that reads the response. A blocking read blocks that
    /// thread.
    pub fn from_reader(reader: impl Read + Send + 'static) -> Self {
        Body { kind: Kind::Source(Source::once(Box::new(reader), None)) }
    }

    /// Returns a body with the octets of `reader` and a known length, which is sent as
    /// `content-length`. The request fails if the reader yields more or fewer octets.
    ///
    /// ```
    /// use std::io::{self, Read};
    ///
    /// use h2_sync::client::Body;
    ///
    /// let zeros = Body::from_reader_with_len(io::repeat(0).take(1_000_000), 1_000_000);
    /// assert_eq!(zeros.len(), Some(1_000_000));
    /// ```
    pub fn from_reader_with_len(reader: impl Read + Send + 'static, len: u64) -> Self {
        Body { kind: Kind::Source(Source::once(Box::new(reader), Some(len))) }
    }

    /// Returns a body with the octets of a reader that `make` creates each time the body is sent.
    ///
    /// `make` runs on the thread that sends the request, when the first octet is needed. Its error
    /// fails the request.
    ///
    /// ```
    /// use std::fs::File;
    ///
    /// use h2_sync::client::Body;
    ///
    /// let body = Body::from_fn(|| File::open("/var/log/messages"));
    /// assert_eq!(body.len(), None);
    /// ```
    pub fn from_fn<R: Read + Send + 'static>(
        make: impl Fn() -> io::Result<R> + Send + Sync + 'static,
    ) -> Self {
        Body { kind: Kind::Source(Source::again(make, None)) }
    }

    /// Returns a body from a function, with a known length as in
    /// [`from_reader_with_len`](Self::from_reader_with_len).
    ///
    /// ```
    /// use std::io::{self, Read};
    ///
    /// use h2_sync::client::Body;
    ///
    /// // A retry sends the same octets once more.
    /// let ones = Body::from_fn_with_len(|| Ok(io::repeat(1).take(1_000)), 1_000);
    /// assert_eq!(ones.len(), Some(1_000));
    /// ```
    pub fn from_fn_with_len<R: Read + Send + 'static>(
        make: impl Fn() -> io::Result<R> + Send + Sync + 'static,
        len: u64,
    ) -> Self {
        Body { kind: Kind::Source(Source::again(make, Some(len))) }
    }

    /// Returns the number of octets, if known.
    pub fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Empty => Some(0),
            Kind::Octets(octets) => Some(octets.len() as u64),
            Kind::Source(source) => source.len(),
        }
    }

    /// Whether the body is known to be empty.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Returns a copy of the body, if it can be sent more than once.
    ///
    /// ```
    /// use h2_sync::client::Body;
    ///
    /// let text = Body::from("hello");
    /// assert_eq!(text.try_clone().and_then(|copy| copy.len()), Some(5));
    /// assert!(Body::from_reader(std::io::stdin()).try_clone().is_none());
    /// ```
    pub fn try_clone(&self) -> Option<Self> {
        let kind = match &self.kind {
            Kind::Empty => Kind::Empty,
            Kind::Octets(octets) => Kind::Octets(octets.clone()),
            Kind::Source(source) => Kind::Source(source.try_clone()?),
        };
        Some(Body { kind })
    }

    /// Whether the body can be sent any number of times.
    pub(super) fn is_repeatable(&self) -> bool {
        match &self.kind {
            Kind::Empty | Kind::Octets(_) => true,
            Kind::Source(source) => source.is_repeatable(),
        }
    }

    /// Resets the body to its beginning. Fails if it has been read and cannot be read again.
    pub(super) fn rewind(&mut self) -> bool {
        match &mut self.kind {
            Kind::Empty | Kind::Octets(_) => true,
            Kind::Source(source) => source.rewind(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Self {
        if octets.is_empty() { Body::empty() } else { Body { kind: Kind::Octets(octets) } }
    }
}

impl From<Vec<u8>> for Body {
    fn from(octets: Vec<u8>) -> Self {
        Body::from(Bytes::from(octets))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::from(Bytes::from(text))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Body::from(Bytes::from_static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Body {
    fn from(octets: &'static [u8]) -> Self {
        Body::from(Bytes::from_static(octets))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Body::empty()
    }
}

/// Sends from the file's current position to its end. A regular file has a known length and can be
/// sent again.
impl From<File> for Body {
    fn from(file: File) -> Self {
        match rest_of(&file) {
            Ok(Some((start, len))) => {
                let file = Arc::new(file);
                Body::from_fn_with_len(move || Ok(Slice::of(&file, start, len)), len)
            }
            _ => Body::from_reader(file),
        }
    }
}

/// Returns the current position of a regular file and the number of octets after it.
fn rest_of(mut file: &File) -> io::Result<Option<(u64, u64)>> {
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(None);
    }
    let start = file.stream_position()?;
    let rest = about.len().checked_sub(start);
    // Files such as those in /proc report a size of 0 but have content.
    Ok(rest.filter(|&rest| rest > 0).map(|rest| (start, rest)))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}
