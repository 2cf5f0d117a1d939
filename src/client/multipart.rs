//! Multipart bodies (RFC 7578).

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::body::Body;
use super::source::Slice;

/// A form that may contain files: `multipart/form-data` (RFC 7578).
///
/// A form without [readers](Self::reader) can be sent again when a request is retried or
/// redirected.
///
/// ```no_run
/// use h2_sync::client::{Client, Multipart};
///
/// let form = Multipart::new().text("title", "A picture").file("picture", "cat.png", "image/png")?;
/// let client = Client::new()?;
/// client.post("https://example.com/upload").multipart(form).send()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Multipart {
    boundary: String,
    pieces: Vec<Piece>,
}

enum Piece {
    Kept(Kept),
    Reader(Box<dyn Read + Send>, Option<u64>),
}

/// The content of a part that can be read any number of times.
#[derive(Clone)]
enum Kept {
    Octets(Bytes),
    /// A regular file and its length.
    File(Arc<File>, u64),
}

impl Multipart {
    /// Returns a form without parts.
    pub fn new() -> Self {
        // Random: a part contains the boundary with a probability of 2^-128.
        let [a, b] = [0, 1].map(|half| RandomState::new().hash_one(half));
        Multipart { boundary: format!("h2-sync-{a:016x}{b:016x}"), pieces: Vec::new() }
    }

    /// Adds a text field.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(name, None, None, Piece::octets(value.as_bytes().to_vec()))
    }

    /// Adds octets as a file with a name and a media type.
    ///
    /// ```
    /// use h2_sync::client::Multipart;
    ///
    /// let form = Multipart::new().octets("report", "report.csv", "text/csv", "a,b\n1,2\n");
    /// ```
    #[must_use]
    pub fn octets(
        self,
        name: &str,
        file_name: &str,
        media_type: &str,
        octets: impl Into<Vec<u8>>,
    ) -> Self {
        self.part(name, Some(file_name), Some(media_type), Piece::octets(octets.into()))
    }

    /// Adds the octets of a reader as a file with a name and a media type. `len`, if given, must be
    /// exact: it contributes to `content-length`.
    ///
    /// ```
    /// use std::io::{self, Read};
    ///
    /// use h2_sync::client::Multipart;
    ///
    /// let zeros = io::repeat(0).take(1 << 20);
    /// let form = Multipart::new();
    /// let form = form.reader("disk", "disk.img", "application/x-raw", zeros, Some(1 << 20));
    /// ```
    #[must_use]
    pub fn reader(
        self,
        name: &str,
        file_name: &str,
        media_type: &str,
        reader: impl Read + Send + 'static,
        len: Option<u64>,
    ) -> Self {
        self.part(name, Some(file_name), Some(media_type), Piece::Reader(Box::new(reader), len))
    }

    /// Adds a file, which is read when the request is sent. A regular file is read again when the
    /// request is retried.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn file(self, name: &str, path: impl AsRef<Path>, media_type: &str) -> io::Result<Self> {
        let path = path.as_ref();
        let file = File::open(path)?;
        let about = file.metadata()?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        // Files such as those in /proc report a size of 0 but have content.
        let content = match about.len() {
            len @ 1.. if about.is_file() => Piece::Kept(Kept::File(Arc::new(file), len)),
            _ => Piece::Reader(Box::new(file), None),
        };
        Ok(self.part(name, Some(&file_name), Some(media_type), content))
    }

    /// Returns the value of `content-type`.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(super) fn into_body(mut self) -> Body {
        self.pieces.push(Piece::octets(format!("--{}--\r\n", self.boundary).into_bytes()));
        if self.pieces.iter().all(|piece| matches!(piece, Piece::Kept(Kept::Octets(_)))) {
            let mut octets = Vec::new();
            // Reading from memory does not fail.
            let _ =
                chained(self.pieces.into_iter().map(Piece::into_reader)).read_to_end(&mut octets);
            return Body::from(octets);
        }
        let len = self.pieces.iter().map(Piece::len).sum::<Option<u64>>();
        let kept: Option<Vec<_>> = self.pieces.iter().map(Piece::kept).collect();
        match (kept, len) {
            (Some(kept), Some(len)) => {
                let make = move || Ok(chained(kept.iter().cloned().map(Kept::into_reader)));
                Body::from_fn_with_len(make, len)
            }
            (_, len) => {
                let all = chained(self.pieces.into_iter().map(Piece::into_reader));
                match len {
                    Some(len) => Body::from_reader_with_len(all, len),
                    None => Body::from_reader(all),
                }
            }
        }
    }

    fn part(
        mut self,
        name: &str,
        file_name: Option<&str>,
        media_type: Option<&str>,
        content: Piece,
    ) -> Self {
        let mut head = format!("--{}\r\n", self.boundary);
        head.push_str(&format!("content-disposition: form-data; name=\"{}\"", escaped(name)));
        if let Some(file_name) = file_name {
            head.push_str(&format!("; filename=\"{}\"", escaped(file_name)));
        }
        if let Some(media_type) = media_type {
            // A line break would start another field.
            head.push_str(&format!("\r\ncontent-type: {}", media_type.replace(['\r', '\n'], "")));
        }
        head.push_str("\r\n\r\n");
        let end = Piece::octets(b"\r\n".to_vec());
        self.pieces.extend([Piece::octets(head.into_bytes()), content, end]);
        self
    }
}

impl Piece {
    fn octets(octets: Vec<u8>) -> Self {
        Piece::Kept(Kept::Octets(octets.into()))
    }

    fn len(&self) -> Option<u64> {
        match self {
            Piece::Kept(Kept::Octets(octets)) => Some(octets.len() as u64),
            Piece::Kept(Kept::File(_, len)) => Some(*len),
            Piece::Reader(_, len) => *len,
        }
    }

    fn kept(&self) -> Option<Kept> {
        match self {
            Piece::Kept(kept) => Some(kept.clone()),
            Piece::Reader(..) => None,
        }
    }

    fn into_reader(self) -> Box<dyn Read + Send> {
        match self {
            Piece::Kept(kept) => kept.into_reader(),
            Piece::Reader(reader, _) => reader,
        }
    }
}

impl Kept {
    fn into_reader(self) -> Box<dyn Read + Send> {
        match self {
            Kept::Octets(octets) => Box::new(octets.reader()),
            Kept::File(file, len) => Box::new(Slice::of(&file, 0, len)),
        }
    }
}

/// Concatenates readers. Iterative rather than nested: a form may have thousands of parts.
fn chained(readers: impl Iterator<Item = Box<dyn Read + Send>>) -> Chained {
    Chained(readers.collect())
}

struct Chained(VecDeque<Box<dyn Read + Send>>);

impl Read for Chained {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(first) = self.0.front_mut() {
            match first.read(buf)? {
                0 if !buf.is_empty() => drop(self.0.pop_front()),
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}

/// Escapes a name as browsers do (the HTML standard, "multipart/form-data encoding algorithm").
fn escaped(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

impl Default for Multipart {
    fn default() -> Self {
        Multipart::new()
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").field("boundary", &self.boundary).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::Kind;
    use super::*;

    #[test]
    fn form_has_the_shape_of_rfc_7578() {
        let form = Multipart { boundary: "B".to_owned(), pieces: Vec::new() }
            .text("a\"\r\n", "1")
            .octets("f", "x.txt", "text/plain\r\nx: y", "22")
            .reader("r", "y", "text/html", &b"333"[..], Some(3));
        assert_eq!(form.content_type(), "multipart/form-data; boundary=B");
        let body = form.into_body();
        let expected = "--B\r\ncontent-disposition: form-data; name=\"a%22%0D%0A\"\r\n\r\n1\r\n\
            --B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\
            content-type: text/plainx: y\r\n\r\n22\r\n\
            --B\r\ncontent-disposition: form-data; name=\"r\"; filename=\"y\"\r\n\
            content-type: text/html\r\n\r\n333\r\n--B--\r\n";
        assert_eq!(body.len(), Some(expected.len() as u64));
    }

    #[test]
    fn form_of_unknown_length_has_none_and_one_in_memory_can_be_sent_again() {
        let unknown = Multipart::new().reader("r", "y", "text/html", io::empty(), None);
        assert_eq!(unknown.into_body().len(), None);
        assert!(Multipart::new().text("a", "b").into_body().try_clone().is_some());
    }

    #[test]
    fn form_with_a_file_can_be_sent_again_and_one_with_a_reader_cannot() {
        let path = std::env::temp_dir().join(format!("h2-sync-multipart-{}", std::process::id()));
        std::fs::write(&path, "content").unwrap();
        let form = Multipart::new().file("f", &path, "text/plain").unwrap();
        std::fs::remove_file(&path).unwrap();
        let body = form.into_body();
        for mut body in [body.try_clone().unwrap(), body] {
            assert!(content(&mut body).contains("\r\n\r\ncontent\r\n--"));
        }
        let reader = Multipart::new().reader("r", "y", "text/html", &b"333"[..], Some(3));
        assert!(reader.into_body().try_clone().is_none());
    }

    #[test]
    fn form_of_thousands_of_parts_is_read() {
        let form = (0..20_000).fold(Multipart::new(), |form, _| form.text("a", "b"));
        let mut body = form.reader("r", "y", "text/html", &b"333"[..], Some(3)).into_body();
        assert_eq!(content(&mut body).matches("\r\n\r\nb\r\n").count(), 20_000);
    }

    fn content(body: &mut Body) -> String {
        let Kind::Source(source) = &mut body.kind else { panic!("{body:?}") };
        let pieces = std::iter::from_fn(|| source.next_piece().unwrap());
        String::from_utf8(pieces.flatten().collect()).unwrap()
    }
}
