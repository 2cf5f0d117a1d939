//! Fields that determine the length of a message and the state of the connection.

use http::header::{self, HeaderName};

use super::error::Error;

/// Framing and connection fields, collected while a header section is built.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) length: Option<u64>,
    /// Whether `content-length` has the same value more than once.
    pub(super) repeats_length: bool,
    pub(super) coding: Coding,
    /// `connection: close`.
    pub(super) closes: bool,
    /// `connection: keep-alive`.
    pub(super) keeps_alive: bool,
    /// Whether `connection` lists `upgrade`, as RFC 9110, Section 7.8 requires.
    pub(super) lists_upgrade: bool,
    pub(super) has_upgrade: bool,
    pub(super) expects_continue: bool,
    /// `te: trailers`.
    pub(super) takes_trailers: bool,
}

/// The content of `transfer-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Coding {
    /// The field is absent.
    #[default]
    None,
    /// `chunked` alone.
    Chunked,
    /// Other codings, then `chunked` once, at the end.
    ThenChunked,
    /// Other codings only.
    Other,
    /// Invalid: empty, or `chunked` more than once or not at the end.
    Broken,
}

impl Facts {
    /// Records one field. `lengths` parses a `content-length`, given the value before it.
    #[inline]
    pub(super) fn note(
        &mut self,
        name: &HeaderName,
        value: &[u8],
        lengths: fn(Option<u64>, &[u8]) -> Result<u64, Error>,
    ) -> Result<(), Error> {
        match *name {
            header::CONTENT_LENGTH => {
                self.repeats_length |= self.length.is_some() || value.contains(&b',');
                self.length = Some(lengths(self.length, value)?);
            }
            header::TRANSFER_ENCODING => self.coding = self.coding.and(value),
            header::CONNECTION => self.note_connection(value),
            header::UPGRADE => self.has_upgrade = true,
            header::EXPECT => self.expects_continue |= lists(value, b"100-continue"),
            header::TE => self.takes_trailers |= lists(value, b"trailers"),
            _ => {}
        }
        Ok(())
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in members(value) {
            self.closes |= option.eq_ignore_ascii_case(b"close");
            self.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.lists_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Returns whether this message allows the connection to persist (RFC 9112, Section 9.3).
    pub(super) fn is_persistent(&self, is_1_1: bool) -> bool {
        !self.closes && (is_1_1 || self.keeps_alive)
    }
}

impl Coding {
    /// Adds the codings of another field line, which follow those before (RFC 9112, Section 6.1).
    fn and(self, value: &[u8]) -> Coding {
        value.split(|&octet| octet == b',').map(trim).fold(self, |before, coding| {
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            match before {
                Coding::None if is_chunked => Coding::Chunked,
                Coding::Other if is_chunked => Coding::ThenChunked,
                Coding::None | Coding::Other if !coding.is_empty() => Coding::Other,
                _ => Coding::Broken,
            }
        })
    }
}

/// Parses `content-length` strictly, for a server: digits, and one field only (RFC 9110, Section
/// 8.6).
pub(super) fn only_length(before: Option<u64>, value: &[u8]) -> Result<u64, Error> {
    if before.is_some() {
        return Err(Error::malformed("more than one content-length field"));
    }
    length(value)
}

/// Parses `content-length` for a client, which may accept repeated equal values, in one field or
/// several (RFC 9112, Section 6.3).
pub(super) fn same_lengths(before: Option<u64>, value: &[u8]) -> Result<u64, Error> {
    let mut all = before;
    for member in value.split(|&octet| octet == b',') {
        let length = length(trim(member))?;
        match all {
            Some(before) if before != length => {
                let detail =
                    format!("content-length has two different values, {before} and {length}");
                return Err(Error::malformed(detail));
            }
            _ => all = Some(length),
        }
    }
    // A split yields at least one member.
    all.ok_or_else(|| Error::malformed("content-length is empty"))
}

fn length(value: &[u8]) -> Result<u64, Error> {
    parse_length(value).ok_or_else(|| {
        // Enough to show that the value is invalid.
        let value = &value[..value.len().min(32)];
        let value = value.escape_ascii();
        Error::malformed(format!("content-length \"{value}\" is not a number of at most 64 bits"))
    })
}

/// Parses digits only: no sign, blank or list.
pub(super) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        length.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Iterates over the members of a list (RFC 9110, Section 5.6.1).
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&octet| octet == b',').map(trim).filter(|member| !member.is_empty())
}

fn lists(value: &[u8], wanted: &[u8]) -> bool {
    members(value).any(|member| member.eq_ignore_ascii_case(wanted))
}

/// Removes optional white space, which is SP and HTAB only (RFC 9110, Section 5.6.3).
fn trim(member: &[u8]) -> &[u8] {
    let is_text = |octet: &u8| !matches!(octet, b' ' | b'\t');
    let Some(start) = member.iter().position(is_text) else { return &[] };
    let end = member.iter().rposition(is_text).map_or(start, |last| last + 1);
    &member[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(lines: &[&str]) -> Coding {
        lines.iter().fold(Coding::None, |coding, line| coding.and(line.as_bytes()))
    }

    #[test]
    fn chunked_is_recognised_alone_and_at_the_end() {
        assert_eq!(coding(&["chunked"]), Coding::Chunked);
        assert_eq!(coding(&[" \tChunKed "]), Coding::Chunked);
        assert_eq!(coding(&["gzip, chunked"]), Coding::ThenChunked);
        assert_eq!(coding(&["gzip", "chunked"]), Coding::ThenChunked);
    }

    #[test]
    fn other_codings_do_not_delimit_the_content() {
        for value in ["gzip", "identity", "xchunked", "chunked;a=b", "\"chunked\"", "chunked\u{b}"]
        {
            assert_eq!(coding(&[value]), Coding::Other, "{value:?}");
        }
        for value in ["", ",", ",chunked", "chunked,", "chunked, gzip", "chunked, chunked", "a,,b"]
        {
            assert_eq!(coding(&[value]), Coding::Broken, "{value:?}");
        }
        assert_eq!(coding(&["gzip, chunked, chunked"]), Coding::Broken);
        assert_eq!(coding(&["chunked", "chunked"]), Coding::Broken);
        assert_eq!(coding(&["chunked", "gzip", "chunked"]), Coding::Broken);
    }

    #[test]
    fn a_server_takes_one_length_of_digits() {
        assert_eq!(only_length(None, b"0012"), Ok(12));
        assert_eq!(only_length(None, b"18446744073709551615"), Ok(u64::MAX));
        for value in ["", "+1", "-1", "0x1", "1, 1", "1 1", "1;", "18446744073709551616"] {
            assert!(only_length(None, value.as_bytes()).is_err(), "{value:?}");
        }
        assert!(only_length(Some(1), b"1").is_err());
    }

    #[test]
    fn a_client_takes_a_length_that_is_repeated() {
        assert_eq!(same_lengths(Some(5), b"5"), Ok(5));
        assert_eq!(same_lengths(None, b"5 , 5"), Ok(5));
        assert!(same_lengths(Some(5), b"6").is_err());
        for value in ["", "5,", "5, 6", "+5"] {
            assert!(same_lengths(None, value.as_bytes()).is_err(), "{value:?}");
        }
    }

    #[test]
    fn options_of_a_connection_are_found_in_lists() {
        let mut facts = Facts::default();
        facts.note(&header::CONNECTION, b"TE, , Keep-Alive\t,upgrade", only_length).unwrap();
        assert!(facts.keeps_alive && facts.lists_upgrade && !facts.closes);
        assert!(facts.is_persistent(true) && facts.is_persistent(false));
        facts.note(&header::CONNECTION, b"close", only_length).unwrap();
        assert!(!facts.is_persistent(true));
    }
}
