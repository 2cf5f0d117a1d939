//! Bodies in chunks (RFC 9112, Section 7.1).

use bytes::{Buf, BytesMut};
use http::StatusCode;

use super::refusal::Refusal;

/// A line with the size of a chunk, extensions included, is not longer than this.
const MAX_LINE: usize = 256;

/// Takes chunks apart as they come, however they are cut.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// Octets that lines may still have: sizes, extensions and trailers.
    lines_left: usize,
    /// Octets that the body may still have.
    body_left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data(usize),
    /// The line end behind the data.
    DataEnd,
    Trailers,
    Done,
}

impl Chunked {
    pub(super) fn new(max_body: usize, max_lines: usize) -> Self {
        Chunked { state: State::Size, lines_left: max_lines, body_left: max_body }
    }

    /// Moves what there is of the body from `input` to `body`. Whether that was all of it: what is
    /// left of `input` then comes behind the body. Trailers are dropped, as RFC 9110, Section 6.5.1
    /// allows.
    pub(super) fn decode(
        &mut self,
        input: &mut BytesMut,
        body: &mut BytesMut,
    ) -> Result<bool, Refusal> {
        loop {
            self.state = match self.state {
                State::Size => {
                    let Some(line) = self.take_line(input)? else { return Ok(false) };
                    match self.parse_size(&line)? {
                        0 => State::Trailers,
                        size => State::Data(size),
                    }
                }
                State::Data(left) => {
                    let len = left.min(input.len());
                    body.extend_from_slice(&input[..len]);
                    input.advance(len);
                    if len < left {
                        self.state = State::Data(left - len);
                        return Ok(false);
                    }
                    State::DataEnd
                }
                State::DataEnd => {
                    let len = input.len().min(2);
                    if input[..len] != b"\r\n"[..len] {
                        return Err(Refusal::bad("a chunk is longer than it says"));
                    }
                    if len < 2 {
                        return Ok(false);
                    }
                    input.advance(len);
                    State::Size
                }
                State::Trailers => {
                    let Some(line) = self.take_line(input)? else { return Ok(false) };
                    match &line[..] {
                        [] => State::Done,
                        _ => State::Trailers,
                    }
                }
                State::Done => return Ok(true),
            };
        }
    }

    /// A line without its end, which is CR LF and nothing else.
    fn take_line(&mut self, input: &mut BytesMut) -> Result<Option<BytesMut>, Refusal> {
        let end = input.iter().take(self.lines_left + 1).position(|&octet| octet == b'\n');
        let len = end.map_or(input.len(), |end| end + 1);
        if len > self.lines_left || (self.state == State::Size && len > MAX_LINE) {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(Refusal::limit(status, "the lines between the chunks are too long"));
        }
        let Some(end) = end else { return Ok(None) };
        self.lines_left -= len;
        let mut line = input.split_to(end + 1);
        line.truncate(end);
        match line.last() {
            Some(b'\r') => line.truncate(end - 1),
            _ => return Err(Refusal::bad("a line between the chunks does not end with CR LF")),
        }
        if line.contains(&b'\r') {
            return Err(Refusal::bad("there is a bare CR between the chunks"));
        }
        Ok(Some(line))
    }

    /// The size in a line; extensions are ignored.
    fn parse_size(&mut self, line: &[u8]) -> Result<usize, Refusal> {
        let digits = line.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
        let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
        let is_end =
            |rest: &[u8]| matches!(rest.iter().find(|octet| !is_space(octet)), None | Some(b';'));
        let size = std::str::from_utf8(&line[..digits]).ok();
        let size = size.filter(|_| is_end(&line[digits..]) && (1..=16).contains(&digits));
        let size = size.and_then(|size| u64::from_str_radix(size, 16).ok());
        let size = size.ok_or(Refusal::bad("the size of a chunk is not a number"))?;
        match usize::try_from(size).ok().and_then(|size| self.body_left.checked_sub(size)) {
            Some(left) => {
                let size = self.body_left - left;
                self.body_left = left;
                Ok(size)
            }
            None => Err(Refusal::body_too_large()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body and what is behind it, or the status; the same however the input is cut.
    fn decode(text: &str) -> Result<Option<(String, String)>, u16> {
        let decode_in = |len| {
            let (mut chunked, mut body) = (Chunked::new(100, 300), BytesMut::new());
            let (mut input, mut is_done) = (BytesMut::new(), false);
            for piece in text.as_bytes().chunks(len) {
                input.extend_from_slice(piece);
                if !is_done {
                    is_done = chunked.decode(&mut input, &mut body)?;
                }
            }
            let text = |octets: BytesMut| String::from_utf8(octets.to_vec()).unwrap();
            Ok(is_done.then(|| (text(body), text(input))))
        };
        let results = [1, 2, 3, 1_000]
            .map(|len| decode_in(len).map_err(|refusal: Refusal| refusal.status.unwrap().as_u16()));
        assert!(results.iter().all(|result| *result == results[0]), "{text:?}: {results:?}");
        results[0].clone()
    }

    fn done(body: &str, rest: &str) -> Result<Option<(String, String)>, u16> {
        Ok(Some((body.to_owned(), rest.to_owned())))
    }

    #[test]
    fn chunks_are_joined_and_what_is_behind_is_left() {
        assert_eq!(
            decode("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nPRI"),
            done("abc0123456789", "PRI")
        );
        assert_eq!(decode("0\r\n\r\n"), done("", ""));
        assert_eq!(decode("3\r\nab"), Ok(None));
    }

    #[test]
    fn extensions_and_trailers_are_passed_over() {
        assert_eq!(decode("1;a=b\r\nx\r\n1 ; c\r\ny\r\n0\r\nz: 1\r\nw: 2\r\n\r\n"), done("xy", ""));
    }

    #[test]
    fn sizes_are_hexadecimal_digits_and_nothing_else() {
        for size in ["", "g", "-1", "+1", "0x1", "1 1", " 1", "00000000000000001", "1\u{e4}"] {
            assert_eq!(decode(&format!("{size}\r\nx\r\n0\r\n\r\n")), Err(400), "{size:?}");
        }
    }

    #[test]
    fn lines_end_with_cr_lf() {
        for text in ["1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nxy\r\n", "1;a\rb\r\nx\r\n"] {
            assert_eq!(decode(text), Err(400), "{text:?}");
        }
    }

    #[test]
    fn a_body_over_the_limit_is_refused_before_it_comes() {
        assert_eq!(decode("65\r\n"), Err(413));
        assert_eq!(decode("ffffffffffffffff\r\n"), Err(413));
    }

    #[test]
    fn long_lines_and_many_lines_are_refused() {
        assert_eq!(decode(&format!("1;{}", "a".repeat(260))), Err(431));
        assert_eq!(decode(&format!("0\r\n{}", "a: b\r\n".repeat(60))), Err(431));
    }
}
