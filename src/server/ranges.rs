//! Requests for a part of the content (RFC 9110, Section 14).

use std::ops::Range;

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED,
};
use http::{Method, StatusCode};

use super::request::Request;
use super::response::Response;
use crate::error::Error;

/// What a `range` field asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Everything: there is no range, or none that is served.
    Whole,
    Part(Range<u64>),
    /// A part that the content does not have.
    Missing,
}

impl Response {
    /// Prepares a response with the part of the content that the request asks for (RFC 9110, Section
    /// 14), and returns that part. `len` is the length of the whole content in octets.
    ///
    /// | the request | status | returns |
    /// | --- | --- | --- |
    /// | has no `range` field, or one that is not served | 200 | `0..len` |
    /// | asks for one range of octets | 206 | that range |
    /// | asks for a range that begins after the content | 416 | `None` |
    ///
    /// It sets `accept-ranges`, `content-length` and `content-range`. Set `etag` and `last-modified`
    /// before: a request with `if-range` gets a part only if it names the same version, and
    /// otherwise the whole content. A date is compared with `last-modified`, which does not tell
    /// changes within a second apart. Weak entity tags never match.
    ///
    /// Ranges are served for GET and with status 200. Several ranges in one request, other units than
    /// octets, and invalid fields are ignored, as the RFC allows. Conditional requests, such as
    /// `if-none-match`, have precedence and are up to the handler.
    ///
    /// ```
    /// use std::io::{self, Read, Seek, SeekFrom};
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn send(
    ///     mut file: impl Read + Seek,
    ///     request: &Request,
    ///     response: &mut Response,
    /// ) -> io::Result<()> {
    ///     let len = file.seek(SeekFrom::End(0))?;
    ///     response.set_header("etag", "\"version 7\"")?;
    ///     let Some(part) = response.select_range(request, len)? else { return Ok(()) };
    ///     file.seek(SeekFrom::Start(part.start))?;
    ///     io::copy(&mut file.take(part.end - part.start), response).map(drop)
    /// }
    ///
    /// let handler = |request: &mut Request, response: &mut Response| {
    ///     send(io::Cursor::new("0123456789"), request, response)
    /// };
    /// let response = Request::builder().header("range", "bytes=2-4").send_to(handler)?;
    /// assert_eq!(response.status(), 206);
    /// assert_eq!(response.headers()["content-range"], "bytes 2-4/10");
    /// assert_eq!(response.text(), "234");
    /// # Ok::<(), io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the header section was sent.
    pub fn select_range(
        &mut self,
        request: &Request,
        len: u64,
    ) -> Result<Option<Range<u64>>, Error> {
        // RFC 9110, Section 14.2: only GET has ranges, and only where the status would be 200.
        let is_served = request.method() == Method::GET && self.status == StatusCode::OK;
        let field = request.field("range").filter(|_| is_served);
        let wanted = match field {
            Some(field) if self.is_same_version(request)? => wanted(field, len),
            _ => Wanted::Whole,
        };
        self.set_header(ACCEPT_RANGES, HeaderValue::from_static("bytes"))?;
        let part = match wanted {
            Wanted::Whole => 0..len,
            Wanted::Part(part) => {
                self.set_status::<StatusCode>(StatusCode::PARTIAL_CONTENT)?;
                let last = part.end - 1;
                let value = format!("bytes {}-{last}/{len}", part.start);
                self.set_header(CONTENT_RANGE, value)?;
                part
            }
            Wanted::Missing => {
                self.set_status::<StatusCode>(StatusCode::RANGE_NOT_SATISFIABLE)?;
                self.set_header(CONTENT_RANGE, format!("bytes */{len}"))?;
                return Ok(None);
            }
        };
        self.set_header(CONTENT_LENGTH, part.end - part.start)?;
        Ok(Some(part))
    }

    /// Returns whether the request has no `if-range` field, or one that names the version of the
    /// content that this response has.
    fn is_same_version(&mut self, request: &Request) -> Result<bool, Error> {
        let Some(theirs) = request.field("if-range") else { return Ok(true) };
        let headers = self.headers_mut()?;
        let ours = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if theirs.starts_with('"') || theirs.starts_with("W/") {
            // RFC 9110, Section 13.1.5: the strong comparison.
            return Ok(theirs.starts_with('"') && ours(ETAG) == Some(theirs));
        }
        let date = |text| httpdate::parse_http_date(text).ok();
        let theirs = date(theirs);
        Ok(theirs.is_some() && ours(LAST_MODIFIED).and_then(date) == theirs)
    }
}

/// Reads a `range` field (RFC 9110, Section 14.1) for a content of `len` octets.
fn wanted(field: &str, len: u64) -> Wanted {
    let ranges = field.split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"));
    let Some((_, ranges)) = ranges else { return Wanted::Whole };
    let ranges = ranges.split(',').map(|range| range.trim_matches([' ', '\t']));
    // RFC 9110, Section 5.6.1.2: a list may have empty elements.
    let mut ranges = ranges.filter(|range| !range.is_empty());
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => Wanted::Whole,
        (Some(first), Some(last)) => part(first, last.saturating_add(1), len),
        (Some(first), None) if last.is_empty() => part(first, len, len),
        // RFC 9110, Section 14.1.2: the last octets. Only a suffix of none is unsatisfiable.
        (None, Some(0)) if first.is_empty() => Wanted::Missing,
        (None, Some(_)) if first.is_empty() && len == 0 => Wanted::Whole,
        (None, Some(octets)) if first.is_empty() => part(len.saturating_sub(octets), len, len),
        _ => Wanted::Whole,
    }
}

fn part(start: u64, end: u64, len: u64) -> Wanted {
    match start < len {
        true => Wanted::Part(start..end.min(len)),
        false => Wanted::Missing,
    }
}

/// Reads a number of octets. One that is too large for the type is larger than any content.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a request for a content of ten octets, and returns status, range and text.
    fn get(method: Method, headers: &[(&str, &str)]) -> (u16, String, String) {
        let handler = |request: &mut Request, response: &mut Response| -> Result<(), Error> {
            response.set_header("etag", "\"a\"")?;
            response.set_header("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")?;
            let Some(part) = response.select_range(request, 10)? else { return Ok(()) };
            response.send(&b"0123456789"[part.start as usize..part.end as usize])
        };
        let mut request = Request::builder().method(method);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send_to(handler).unwrap();
        assert_eq!(response.headers()["accept-ranges"], "bytes");
        let range = response.headers().get("content-range");
        let range = range.map_or("", |range| range.to_str().unwrap()).to_owned();
        (response.status().as_u16(), range, response.text().into())
    }

    #[test]
    fn fields_are_read_as_the_rfc_defines_them() {
        use Wanted::{Missing, Part, Whole};
        let cases = [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-4", Part(2..5)),
            ("BYTES=2-4", Part(2..5)),
            ("bytes=, 2-4 ,", Part(2..5)),
            ("bytes=9-", Part(9..10)),
            ("bytes=2-99999999999999999999", Part(2..10)),
            ("bytes=0-18446744073709551615", Part(0..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-11", Part(0..10)),
            ("bytes=10-", Missing),
            ("bytes=10-12", Missing),
            ("bytes=99999999999999999999-", Missing),
            ("bytes=-0", Missing),
            ("bytes=4-2", Whole),
            ("bytes=0-1,4-5", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=1", Whole),
            ("bytes=a-1", Whole),
            ("bytes=1-a", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1-2-3", Whole),
            ("bytes", Whole),
            ("lines=1-2", Whole),
        ];
        for (field, expected) in cases {
            assert_eq!(wanted(field, 10), expected, "{field}");
        }
    }

    #[test]
    fn empty_content_has_no_range() {
        assert_eq!(wanted("bytes=0-", 0), Wanted::Missing);
        assert_eq!(wanted("bytes=0-0", 0), Wanted::Missing);
        assert_eq!(wanted("bytes=-1", 0), Wanted::Whole);
    }

    #[test]
    fn part_of_the_content_is_sent_with_its_place() {
        let part = get(Method::GET, &[("range", "bytes=2-4")]);
        assert_eq!(part, (206, "bytes 2-4/10".to_owned(), "234".to_owned()));
        let missing = get(Method::GET, &[("range", "bytes=10-")]);
        assert_eq!(missing, (416, "bytes */10".to_owned(), String::new()));
    }

    #[test]
    fn whole_content_is_sent_where_no_range_is_served() {
        let whole = (200, String::new(), "0123456789".to_owned());
        assert_eq!(get(Method::GET, &[]), whole);
        assert_eq!(get(Method::GET, &[("range", "bytes=0-1,4-5")]), whole);
        assert_eq!(get(Method::POST, &[("range", "bytes=2-4")]), whole);
        assert_eq!(get(Method::HEAD, &[("range", "bytes=2-4")]).0, 200);
    }

    #[test]
    fn part_of_another_version_is_not_sent() {
        let status = |version| get(Method::GET, &[("range", "bytes=2-4"), ("if-range", version)]).0;
        assert_eq!(status("\"a\""), 206);
        assert_eq!(status("Sun, 06 Nov 1994 08:49:37 GMT"), 206);
        // The same date in the obsolete form.
        assert_eq!(status("Sunday, 06-Nov-94 08:49:37 GMT"), 206);
        for other in ["\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:38 GMT", "a", ""] {
            assert_eq!(status(other), 200, "{other}");
        }
    }

    #[test]
    fn response_with_another_status_has_no_range() {
        let handler = |request: &mut Request, response: &mut Response| -> Result<(), Error> {
            response.set_status(404)?;
            assert_eq!(response.select_range(request, 9)?, Some(0..9));
            response.send("not found")
        };
        let response = Request::builder().header("range", "bytes=2-4").send_to(handler).unwrap();
        assert_eq!(response.status(), 404);
    }
}
