//! The parts of a multipart body (RFC 2046, Section 5.1), which are separated by a boundary.

use std::io::{self, Read};

use http::StatusCode;

use crate::error::Error;

/// The size of a read of the body.
const READ_SIZE: usize = 16 << 10;

/// The most octets of the header section of one part.
const HEAD_MAX: usize = 8 << 10;

/// A parser of a multipart body. It holds up to two reads, and a header section.
#[derive(Debug)]
pub(super) struct Parts<R> {
    source: R,
    /// CRLF, two dashes and the boundary.
    delimiter: Vec<u8>,
    buf: Vec<u8>,
    /// The octets of `buf` before this one have been taken.
    start: usize,
    /// How many octets from `start` on are known to be content of the current part.
    ready: usize,
    has_ended: bool,
}

impl<R: Read> Parts<R> {
    /// Creates a parser. What precedes the first boundary is like a part that is skipped.
    pub(super) fn new(source: R, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first boundary need not follow a line.
        let buf = b"\r\n".to_vec();
        Parts { source, delimiter, buf, start: 0, ready: 0, has_ended: false }
    }

    /// Skips the rest of the current part, and returns the header section of the next one with its
    /// empty line; `None` after the last one.
    pub(super) fn next_head(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        while !self.content()?.is_empty() {
            self.consume(self.ready);
        }
        self.start += self.delimiter.len();
        while self.rest().len() < 2 {
            self.fill()?;
        }
        if self.rest().starts_with(b"--") {
            self.has_ended = true;
            return Ok(None);
        }
        // Spaces may follow the boundary. The CRLF after them is the first half of the empty line
        // if there are no fields.
        let line = self.find(b"\r\n")?;
        if !self.rest()[..line].iter().all(|octet| matches!(octet, b' ' | b'\t')) {
            return Err(malformed("a boundary is not followed by the end of its line"));
        }
        self.start += line;
        let end = self.find(b"\r\n\r\n")?;
        let head = self.rest()[2..end + 4].to_vec();
        self.start += end + 4;
        Ok(Some(head))
    }

    /// Returns content of the current part that is buffered, after a read if necessary; empty at
    /// the end of the part.
    pub(super) fn content(&mut self) -> Result<&[u8], Error> {
        while self.ready == 0 && !self.has_ended {
            match position(self.rest(), &self.delimiter) {
                Some(0) => break,
                Some(at) => self.ready = at,
                None => {
                    // The last octets may be the first ones of a delimiter.
                    self.ready = self.rest().len().saturating_sub(self.delimiter.len() - 1);
                    if self.ready == 0 {
                        self.fill()?;
                    }
                }
            }
        }
        Ok(&self.buf[self.start..self.start + self.ready])
    }

    /// Takes octets of what [`content`](Self::content) has returned.
    pub(super) fn consume(&mut self, octets: usize) {
        let octets = octets.min(self.ready);
        self.start += octets;
        self.ready -= octets;
    }

    fn rest(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    /// Reads until `what` is buffered, and returns its position.
    fn find(&mut self, what: &[u8]) -> Result<usize, Error> {
        loop {
            match position(self.rest(), what) {
                Some(at) if at <= HEAD_MAX => return Ok(at),
                None if self.rest().len() <= HEAD_MAX => self.fill()?,
                _ => {
                    let what = format!("the header section of a part exceeds {HEAD_MAX} octets");
                    return Err(Error::content(StatusCode::BAD_REQUEST, what));
                }
            }
        }
    }

    /// Reads once.
    fn fill(&mut self) -> Result<(), Error> {
        self.buf.drain(..self.start);
        self.start = 0;
        let len = self.buf.len();
        self.buf.resize(len + READ_SIZE, 0);
        let read = loop {
            match self.source.read(&mut self.buf[len..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buf.truncate(len + read.as_ref().map_or(0, |octets| *octets));
        match read? {
            0 => Err(malformed("the body ends before its last boundary")),
            _ => Ok(()),
        }
    }
}

/// Returns the error of a body that is not multipart.
pub(super) fn malformed(what: &'static str) -> Error {
    Error::content(StatusCode::BAD_REQUEST, what)
}

/// Returns the position of `what`, which begins with CR, in `octets`.
fn position(octets: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = octets[from..].iter().position(|octet| *octet == b'\r') {
        if octets[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that limits the octets of each read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(buf.len());
            self.0.read(&mut buf[..n])
        }
    }

    fn parse(body: &[u8], read: usize) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut parts = Parts::new(Slow(body, read), "B");
        let mut all = Vec::new();
        while let Some(head) = parts.next_head()? {
            let mut content = Vec::new();
            loop {
                let octets = parts.content()?;
                let n = octets.len().min(3);
                if n == 0 {
                    break;
                }
                content.extend_from_slice(&octets[..n]);
                parts.consume(n);
            }
            all.push((String::from_utf8(head).unwrap(), content));
        }
        assert!(parts.next_head()?.is_none());
        Ok(all)
    }

    fn contents(body: &[u8]) -> Vec<Vec<u8>> {
        let all = parse(body, usize::MAX).unwrap();
        // However the body is cut into reads.
        for read in 1..40 {
            assert_eq!(parse(body, read).unwrap(), all, "{read}");
        }
        all.into_iter().map(|(_, content)| content).collect()
    }

    #[test]
    fn parts_are_separated_by_the_boundary() {
        let body = b"preamble\r\n--B \t\r\na: 1\r\nb: 2\r\n\r\none\r\n--B\r\na: 3\r\n\r\n\r\n--B--\r\nepilogue";
        assert_eq!(contents(body), [&b"one"[..], b""]);
        assert_eq!(parse(body, 7).unwrap()[0].0, "a: 1\r\nb: 2\r\n\r\n");
    }

    #[test]
    fn content_may_resemble_the_boundary() {
        let body = b"--B\r\n\r\n\r\n--A\r\r\n--\r\n-B\n--B\r\r\n--B--";
        assert_eq!(contents(body), [b"\r\n--A\r\r\n--\r\n-B\n--B\r"]);
    }

    #[test]
    fn part_may_have_no_fields_and_a_form_no_parts() {
        assert_eq!(contents(b"--B\r\n\r\nx\r\n--B--\r\n"), [b"x"]);
        assert!(contents(b"--B--").is_empty());
    }

    #[test]
    fn unread_content_is_skipped() {
        let body = [b"--B\r\n\r\n", &[b'x'; 50_000][..], b"\r\n--B\r\n\r\nend\r\n--B--"].concat();
        let mut parts = Parts::new(&body[..], "B");
        assert!(parts.next_head().unwrap().is_some());
        assert!(parts.next_head().unwrap().is_some());
        assert_eq!(parts.content().unwrap(), b"end");
        assert!(parts.next_head().unwrap().is_none());
    }

    #[test]
    fn truncated_body_is_an_error_wherever_it_ends() {
        let body = b"--B\r\na: 1\r\n\r\none\r\n--B--";
        for end in 0..body.len() {
            let error = parse(&body[..end], 5).unwrap_err();
            assert_eq!(error.response_status(), 400, "{end}");
        }
        assert!(parse(body, 5).is_ok());
    }

    #[test]
    fn line_of_a_boundary_has_nothing_else() {
        assert_eq!(parse(b"--Bx\r\n\r\none\r\n--B--", 9).unwrap_err().response_status(), 400);
    }

    #[test]
    fn header_section_of_a_part_is_bounded() {
        let of = |len| [b"--B\r\na: ", &vec![b'x'; len][..], b"\r\n\r\n\r\n--B--"].concat();
        assert!(parse(&of(HEAD_MAX - 10), 1000).is_ok());
        assert_eq!(parse(&of(HEAD_MAX), 1000).unwrap_err().response_status(), 400);
        assert_eq!(parse(&of(100_000), 1000).unwrap_err().response_status(), 400);
    }
}
