//! What is sent as the body of a request.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};

use bytes::Bytes;

/// The body of a request.
///
/// Text and octets make one, and so does a file. Anything else that can be read is given by
/// [`from_reader`](Self::from_reader).
///
/// One of octets can be sent again, when a request is retried or redirected. One that is read
/// cannot.
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
    Reader {
        reader: Box<dyn Read + Send>,
        len: Option<u64>,
    },
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
        Body { kind: Kind::Reader { reader: Box::new(reader), len: None } }
    }

    /// The same with a length that is known: it is told to the server in `content-length`, and the
    /// request fails if it turns out to be another.
    pub fn from_reader_with_len(reader: impl Read + Send + 'static, len: u64) -> Self {
        Body { kind: Kind::Reader { reader: Box::new(reader), len: Some(len) } }
    }

    /// How many octets there are, if that is known.
    pub fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Empty => Some(0),
            Kind::Octets(octets) => Some(octets.len() as u64),
            Kind::Reader { len, .. } => *len,
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
            Kind::Reader { .. } => return None,
        };
        Some(Body { kind })
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

/// From where the file stands to its end. For a regular file, the length is known.
impl From<File> for Body {
    fn from(file: File) -> Self {
        match rest_of(&file) {
            Ok(Some(len)) => Body::from_reader_with_len(file.take(len), len),
            _ => Body::from_reader(file),
        }
    }
}

fn rest_of(mut file: &File) -> io::Result<Option<u64>> {
    let about = file.metadata()?;
    let is_regular = about.is_file();
    let rest = if is_regular { about.len().checked_sub(file.stream_position()?) } else { None };
    // Files of /proc and the like say zero and have something.
    Ok(rest.filter(|&rest| rest > 0))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}
