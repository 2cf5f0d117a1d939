//! Forms with files in requests: `multipart/form-data` (RFC 7578).

use std::fmt;
use std::io::{self, BufRead, Read};

use http::StatusCode;

use super::parts::{Parts, malformed};
use super::request::Request;
use crate::error::Error;
use crate::halves::RecvHalf;

const FORM_DATA: &str = "multipart/form-data";

/// The most fields of one part.
const FIELDS_MAX: usize = 16;

/// The parts of a form that may contain files, in their order. [`Request::multipart`] returns it.
///
/// About 32 KiB of the body are in memory at a time.
#[derive(Debug)]
pub struct Multipart {
    parts: Parts<RecvHalf>,
    /// How many octets may still be taken into memory.
    left: usize,
    max_body: usize,
}

/// A part of a form: a text field or a file. Its content is read as it arrives, by [`Read`] or
/// [`BufRead`]; what is not read is skipped.
pub struct Part<'a> {
    form: &'a mut Multipart,
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
}

impl Request {
    /// Takes the body, as a form that may contain files.
    ///
    /// ```
    /// use std::io::{copy, sink};
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn upload(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let mut form = request.multipart()?;
    ///     let mut title = String::new();
    ///     while let Some(mut part) = form.next_part()? {
    ///         match part.name() {
    ///             "title" => title = part.text()?,
    ///             "picture" => {
    ///                 // Choose the name of the stored file yourself: this one is the client's.
    ///                 println!("{:?} of type {:?}", part.file_name(), part.content_type());
    ///                 println!("{} octets", copy(&mut part, &mut sink())?);
    ///             }
    ///             _ => {}
    ///         }
    ///     }
    ///     response.send(format!("thanks for {title}"))
    /// }
    ///
    /// let body = "--b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\na cat\r\n--b--\r\n";
    /// let request = Request::builder().method("POST").body(body);
    /// let request = request.header("content-type", "multipart/form-data; boundary=b");
    /// assert_eq!(request.send_to(upload)?.text(), "thanks for a cat");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// The body is taken as by [`take_body`](Self::take_body): the request stays usable beside it.
    ///
    /// # Errors
    ///
    /// If `content-type` is not `multipart/form-data`; a handler that returns this error is answered
    /// with 415. If it has no valid boundary, which is answered with 400. Or if the body was taken before.
    pub fn multipart(&mut self) -> Result<Multipart, Error> {
        let field = self.field("content-type").unwrap_or_default();
        let media_type = field.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(FORM_DATA) {
            let what =
                format!("the content-type of the request is {media_type:?}, not {FORM_DATA:?}");
            return Err(Error::content(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        // RFC 2046, Section 5.1.1: 1 to 70 characters.
        let boundary = parameter(field, "boundary").filter(|it| (1..=70).contains(&it.len()));
        let boundary = boundary.ok_or_else(|| malformed("the content-type has no boundary"))?;
        let Some(body) = self.take_body() else {
            return Err(Error::usage("the body of the request was taken before"));
        };
        let max_body = self.max_body;
        Ok(Multipart { parts: Parts::new(body, &boundary), left: max_body, max_body })
    }
}

impl Multipart {
    /// Waits for the next part, and skips what was not read of the last one. `None` after the last
    /// part.
    ///
    /// # Errors
    ///
    /// If the body is not valid multipart (a handler that returns this error is answered with 400), if
    /// the header sections of the parts, together with what [`Part::bytes`] and [`Part::text`] have returned,
    /// exceed [`max_body`](super::Config::max_body) (413), and those of reading a body.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, Error> {
        let Some(head) = self.parts.next_head()? else { return Ok(None) };
        self.take(head.len())?;
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let parsed = httparse::parse_headers(&head, &mut fields);
        let Ok(httparse::Status::Complete((_, fields))) = parsed else {
            return Err(malformed("the header section of a part is malformed"));
        };
        let value = |name: &str| {
            let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(field.value).into_owned())
        };
        let disposition = value("content-disposition").unwrap_or_default();
        let name = parameter(&disposition, "name").map(|name| plain(&name));
        let name = name.ok_or_else(|| malformed("a part of the form has no name"))?;
        let file_name = parameter(&disposition, "filename").map(|name| plain(&name));
        let content_type = value("content-type");
        Ok(Some(Part { form: self, name, file_name, content_type }))
    }

    /// Counts octets that are taken into memory.
    fn take(&mut self, octets: usize) -> Result<(), Error> {
        let left = self.left.checked_sub(octets);
        self.left = left.ok_or_else(|| Error::body_too_large(self.max_body))?;
        Ok(())
    }
}

impl Part<'_> {
    /// Returns the name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the file, as the client has sent it; `None` for a text field. It may contain
    /// `/`, `..` and any other character, so it is not a safe path.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Returns the media type, as the client has sent it.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Reads the whole content.
    ///
    /// # Errors
    ///
    /// Those of [`Multipart::next_part`].
    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        loop {
            let octets = self.form.parts.content()?;
            let n = octets.len();
            if n == 0 {
                return Ok(all);
            }
            if n > self.form.left {
                return Err(Error::body_too_large(self.form.max_body));
            }
            all.extend_from_slice(octets);
            self.form.parts.consume(n);
            self.form.take(n)?;
        }
    }

    /// Reads the whole content as UTF-8 text. Invalid sequences are replaced by U+FFFD.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes).
    pub fn text(self) -> Result<String, Error> {
        let octets = self.bytes()?;
        Ok(String::from_utf8(octets)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Part<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.form.parts.content()?)
    }

    fn consume(&mut self, octets: usize) {
        self.form.parts.consume(octets);
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("file_name", &self.file_name)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// Returns a parameter of a field value such as `form-data; name="a"; filename="b"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let (_, mut rest) = value.split_once(';')?;
    loop {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_matches([' ', '\t', ';']);
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, behind) = after.split_once(';').unwrap_or((after, ""));
                (value.trim_end().to_owned(), behind)
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind;
    }
}

/// Returns a quoted string up to its closing quote, and what follows. A backslash escapes quotes and
/// backslashes only, since browsers send it as it is in names of files.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let escaped = chars.next_if(|(_, next)| char == '\\' && matches!(next, '"' | '\\'));
        match (escaped, char) {
            (Some((_, escaped)), _) => value.push(escaped),
            (None, '"') => return (value, &text[at + 1..]),
            (None, char) => value.push(char),
        }
    }
    (value, "")
}

/// Decodes the three characters that browsers encode in the names of fields and files.
fn plain(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_among_others() {
        let value = r#"form-data; filename="a; name=x" ; NAME = b; size=3"#;
        assert_eq!(parameter(value, "name").unwrap(), "b");
        assert_eq!(parameter(value, "filename").unwrap(), "a; name=x");
        assert_eq!(parameter(value, "size").unwrap(), "3");
        assert_eq!(parameter(value, "other"), None);
        assert_eq!(parameter("form-data", "name"), None);
        assert_eq!(parameter("form-data; name", "name"), None);
    }

    #[test]
    fn quotes_are_escaped_as_curl_and_browsers_do() {
        assert_eq!(parameter(r#"f; name="a\"b\\c""#, "name").unwrap(), r#"a"b\c"#);
        assert_eq!(parameter(r#"f; name="C:\temp\x.txt""#, "name").unwrap(), r"C:\temp\x.txt");
        assert_eq!(plain("a%22%0D%0Ab%20"), "a\"\r\nb%20");
        assert_eq!(parameter(r#"f; name="open"#, "name").unwrap(), "open");
    }
}
