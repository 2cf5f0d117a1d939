//! What is sent as the body of a request.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use bytes::Bytes;

use super::source::{Slice, Source};

/// The body of a request.
///
/// Text and octets make one, and so does a file. Anything else that can be read is given by
/// [`from_reader`](Self::from_reader).
///
/// A body of octets, of a regular file or [from a function](Self::from_fn) can be sent again, when a
/// request is repeated or redirected. One that is read from a reader can be repeated, while no more
/// than 256 KiB of it have been read: so much is kept until the response begins.
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
    /// No body.
    pub fn empty() -> Self {
        Body::default()
    }

    /// What `reader` gives, up to its end.
    ///
    /// It is read on the thread that sends the request, and, where the response comes before all of
    /// it has been sent, on the thread that reads the response. While a read of it waits, the thread
    /// does nothing else.
    pub fn from_reader(reader: impl Read + Send + 'static) -> Self {
        Body { kind: Kind::Source(Source::once(Box::new(reader), None)) }
    }

    /// The same with a length that is known: it is told to the server in `content-length`, and the
    /// request fails if it turns out to be another.
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

    /// What the readers give that `make` makes, one for each time that the body is sent.
    ///
    /// `make` is called on the thread that sends the request, when the first octet is needed. Its
    /// error fails the request.
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

    /// The same with a length that is known, as in
    /// [`from_reader_with_len`](Self::from_reader_with_len).
    pub fn from_fn_with_len<R: Read + Send + 'static>(
        make: impl Fn() -> io::Result<R> + Send + Sync + 'static,
        len: u64,
    ) -> Self {
        Body { kind: Kind::Source(Source::again(make, Some(len))) }
    }

    /// How many octets there are, if that is known.
    pub fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Empty => Some(0),
            Kind::Octets(octets) => Some(octets.len() as u64),
            Kind::Source(source) => source.len(),
        }
    }

    /// Whether it is known that there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The same once more, if it can be had twice.
    pub fn try_clone(&self) -> Option<Self> {
        let kind = match &self.kind {
            Kind::Empty => Kind::Empty,
            Kind::Octets(octets) => Kind::Octets(octets.clone()),
            Kind::Source(source) => Kind::Source(source.try_clone()?),
        };
        Some(Body { kind })
    }

    /// Whether it can be sent any number of times.
    pub(super) fn is_repeatable(&self) -> bool {
        match &self.kind {
            Kind::Empty | Kind::Octets(_) => true,
            Kind::Source(source) => source.is_repeatable(),
        }
    }

    /// Has it begin anew, if it can: it has not been read, or can be had twice.
    pub(super) fn rewind(&mut self) -> bool {
        match &mut self.kind {
            Kind::Empty | Kind::Octets(_) => true,
            Kind::Source(source) => source.rewind(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Self {
        if octets.is_empty() {
            Body::empty()
        } else {
            Body { kind: Kind::Octets(octets) }
        }
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

/// From where the file stands to its end. For a regular file, the length is known, and the body can be
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

/// Where a regular file stands, and how many octets are left of it.
fn rest_of(mut file: &File) -> io::Result<Option<(u64, u64)>> {
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(None);
    }
    let start = file.stream_position()?;
    let rest = about.len().checked_sub(start);
    // Files of /proc and the like say zero and have something.
    Ok(rest.filter(|&rest| rest > 0).map(|rest| (start, rest)))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}
