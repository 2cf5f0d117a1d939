//! Parses and compares authorities (RFC 3986, Sections 3.2 and 6.2; RFC 9110, Section 4.2).

use std::net::Ipv6Addr;

use super::octets::{HOST_OCTETS, len_in};

/// A host and its port, without userinfo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Authority<'a> {
    host: Host<'a>,
    /// `None` if it is missing or empty after the colon, which is equivalent.
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host<'a> {
    V6(Ipv6Addr),
    /// A name or an IPv4 address, still percent-encoded.
    Name(&'a [u8]),
}

impl<'a> Authority<'a> {
    /// Parses `host`, `host:port`, `[::1]` or `[::1]:port`. The host may be empty.
    ///
    /// `None` for anything else: userinfo, a port that is not a number up to 65,535, brackets
    /// around something other than an IPv6 address, a percent sign without two hexadecimal digits.
    /// A comma is also rejected, although RFC 3986 allows it: it would look like a list of two
    /// hosts.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (host, port) = match text.strip_prefix(b"[") {
            Some(rest) => {
                let end = rest.iter().position(|&octet| octet == b']')?;
                let address = std::str::from_utf8(&rest[..end]).ok()?;
                (Host::V6(address.parse().ok()?), &rest[end + 1..])
            }
            None => {
                let (name, port) = split_name(text)?;
                (Host::Name(name), port)
            }
        };
        let port = match port {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(parse_port(digits)?),
            _ => return None,
        };
        Some(Authority { host, port })
    }

    /// Whether the host is empty.
    pub(super) fn has_empty_host(&self) -> bool {
        self.host == Host::Name(b"")
    }

    /// Whether a port is given.
    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Whether both denote the same host and port, where a missing port is the scheme's default.
    pub(super) fn is_same(&self, other: &Authority<'_>, scheme: Option<&[u8]>) -> bool {
        let default = scheme.and_then(default_port);
        self.port.or(default) == other.port.or(default) && self.host.is_same(&other.host)
    }
}

impl Host<'_> {
    fn is_same(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(other)) => one == other || normal(one).eq(normal(other)),
            _ => self == other,
        }
    }
}

/// Returns the default port (RFC 9110, Sections 4.2.1 and 4.2.2).
fn default_port(scheme: &[u8]) -> Option<u16> {
    if scheme.eq_ignore_ascii_case(b"https") {
        Some(443)
    } else if scheme.eq_ignore_ascii_case(b"http") {
        Some(80)
    } else {
        None
    }
}

/// Parses any number of digits (RFC 3986, Section 3.2.3).
fn parse_port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |port, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        port.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

/// Splits off a valid host name (RFC 3986, Section 3.2.2), in which each percent sign starts an
/// encoded octet.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = 0;
    loop {
        end += len_in(&HOST_OCTETS, &text[end..]);
        match text[end..] {
            [b'%', ref rest @ ..] => _ = encoded(rest)?,
            _ => return Some(text.split_at(end)),
        }
        end += 3;
    }
}

/// Decodes the two hexadecimal digits after a percent sign.
fn encoded(rest: &[u8]) -> Option<u8> {
    let digit =
        |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match rest {
        [high, low, ..] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    }
}

/// Normalizes the octets of a name for comparison, each with whether it must stay encoded: case is
/// ignored, and an unreserved character equals its encoding (RFC 3986, Section 6.2.2).
fn normal(mut name: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    std::iter::from_fn(move || {
        let (&first, rest) = name.split_first()?;
        let octet = encoded(rest).filter(|_| first == b'%');
        name = if octet.is_some() { &rest[2..] } else { rest };
        let octet = octet.map_or((first, false), |octet| {
            (octet, !octet.is_ascii_alphanumeric() && !b"-._~".contains(&octet))
        });
        Some((octet.0.to_ascii_lowercase(), octet.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parse(text: &str) -> Authority<'_> {
        Authority::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is an authority"))
    }

    #[test]
    fn hosts_and_ports_are_authorities() {
        for text in [
            "",
            "a",
            "a.example",
            "a_b",
            "a:",
            "a:0",
            "a:1",
            "a:65535",
            "a:00080",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:",
            "[::1]:443",
            "[::ffff:1.2.3.4]",
            "a%41",
            "%e2%82%ac.example",
            "a!$&'()*+;=~",
        ] {
            parse(text);
        }
    }

    #[test]
    fn other_values_are_no_authorities() {
        for text in [
            "a:b",
            "a:99999",
            "a:65536",
            "a:-1",
            "a:+1",
            "a: 1",
            "a:1:2",
            "::1",
            "a::1",
            "me@a",
            "me:pw@a:1",
            "@a",
            "a@",
            "[::1",
            "::1]",
            "[a]",
            "[]",
            "[::1]x",
            "[::1]:x",
            "[::1]1",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "a%",
            "a%4",
            "a%4g",
            "%%41",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a,b",
            "a\"b",
            "a<b",
            "\u{e9}",
            "a\0",
        ] {
            assert!(Authority::parse(text.as_bytes()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn one_entity_has_several_spellings() {
        for (one, other, scheme) in [
            ("a.example", "A.Example", None),
            ("a", "a:443", Some("https")),
            ("a:", "a:443", Some("HTTPS")),
            ("a:80", "a", Some("http")),
            ("a:080", "a:80", None),
            ("a", "%61", None),
            ("%C3%a9:80", "%c3%A9", Some("http")),
            ("[::1]:443", "[0:0:0:0:0:0:0:1]", Some("https")),
            ("[2001:DB8::1]", "[2001:db8::1]", None),
        ] {
            let scheme = scheme.map(str::as_bytes);
            assert!(parse(one).is_same(&parse(other), scheme), "{one} {other}");
            assert!(parse(other).is_same(&parse(one), scheme), "{other} {one}");
        }
    }

    #[test]
    fn different_entities_stay_different() {
        for (one, other, scheme) in [
            ("a", "b", Some("https")),
            ("a", "a:80", Some("https")),
            ("a", "a:443", Some("http")),
            ("a", "a:443", None),
            ("a", "a:1", Some("coap")),
            ("a:1", "a:2", Some("https")),
            ("a", "a.", Some("https")),
            ("a+b", "a%2bb", Some("https")),
            ("1.2.3.4", "[::ffff:1.2.3.4]", Some("https")),
            ("", "a", Some("https")),
        ] {
            let scheme = scheme.map(str::as_bytes);
            assert!(!parse(one).is_same(&parse(other), scheme), "{one} {other}");
        }
    }
}
