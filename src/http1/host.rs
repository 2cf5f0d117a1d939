//! Hosts and ports in `host` fields and request targets.

/// A host with an optional port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostPort<'a> {
    host: &'a [u8],
    /// `None` if the port is absent or empty.
    pub(super) port: Option<u16>,
}

impl<'a> HostPort<'a> {
    /// Parses `uri-host [ ":" port ]` (RFC 9110, Section 7.2). Userinfo is not accepted.
    pub(super) fn parse(octets: &'a [u8]) -> Option<Self> {
        let end = match octets.first()? {
            b'[' => 1 + octets.iter().position(|&octet| octet == b']')?,
            _ => octets.iter().position(|&octet| octet == b':').unwrap_or(octets.len()),
        };
        let (host, rest) = octets.split_at(end);
        let is_valid = match host {
            [b'[', address @ .., b']'] => !address.is_empty() && address.iter().all(is_address),
            host => !host.is_empty() && is_name(host),
        };
        let port = match rest {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port(digits)?),
            _ => return None,
        };
        is_valid.then_some(HostPort { host, port })
    }

    /// Returns whether both name the same server, for a scheme with this default port.
    pub(super) fn agrees(&self, other: &HostPort<'_>, default_port: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// Returns the default port of a scheme, or 0 if it has none.
pub(super) fn default_port(scheme: &str) -> u16 {
    if scheme.eq_ignore_ascii_case("http") {
        80
    } else if scheme.eq_ignore_ascii_case("https") {
        443
    } else {
        0
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |port, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        port.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

/// Checks the characters of `IPv6address` and `IPvFuture` (RFC 3986, Section 3.2.2).
fn is_address(octet: &u8) -> bool {
    *octet == b'%' || *octet == b':' || PLAIN[usize::from(*octet)]
}

/// Checks a `reg-name`, which includes IPv4 addresses (RFC 3986, Section 3.2.2).
fn is_name(host: &[u8]) -> bool {
    // Without a branch for each octet, since nearly all names are plain.
    host.iter().fold(true, |all, octet| all & PLAIN[usize::from(*octet)]) || is_coded_name(host)
}

/// Checks a name that may contain percent-encoded octets.
fn is_coded_name(mut host: &[u8]) -> bool {
    loop {
        host = match host {
            [] => return true,
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            [octet, rest @ ..] if PLAIN[usize::from(*octet)] => rest,
            _ => return false,
        };
    }
}

/// The octets of `unreserved` and `sub-delims` (RFC 3986).
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let marks = b"-._~!$&'()*+,;=";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for host in ["a", "example.com", "127.0.0.1", "[::1]", "a_b", "a%2Db", "xn--a"] {
            for port in ["", ":", ":80", ":65535", ":080"] {
                let text = format!("{host}{port}");
                assert!(HostPort::parse(text.as_bytes()).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn other_text_is_not_a_host() {
        for text in [
            "", ":80", "a:b", "a:80:80", "a:65536", "a:+80", "a:-1", "a b", "a/b", "a?b", "a#b",
            "a@b", "[::1", "::1", "[]", "[::1]80", "a\\b", "a%2", "a%zz", "ä", "a\"", "a<b",
            "a:8 0",
        ] {
            assert_eq!(HostPort::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn hosts_agree_without_regard_to_case_and_default_port() {
        let agree = |a: &str, b: &str| {
            let parse = |text| HostPort::parse(text).unwrap();
            parse(a.as_bytes()).agrees(&parse(b.as_bytes()), 80)
        };
        assert!(agree("Example.com", "example.COM:80") && agree("a:", "a"));
        assert!(!agree("a", "b") && !agree("a:81", "a") && !agree("a:81", "a:82"));
    }
}
