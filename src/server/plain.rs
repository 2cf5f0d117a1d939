//! Targets of requests that the types of `http` can hold for sure: nearly all are like that, and need
//! not be converted to know.

use crate::hpack::Headers;

/// A `Uri` holds no more than 64 KiB.
const PLAIN_PATH: usize = 32 << 10;

/// What a request is for, as it came.
#[derive(Default)]
pub(super) struct Target<'a> {
    pub(super) method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    pub(super) fn of(fields: &'a Headers) -> Self {
        let mut target = Target::default();
        for field in fields {
            match field.name {
                b":method" => target.method = Some(field.value),
                b":scheme" => target.scheme = Some(field.value),
                b":authority" => target.authority = Some(field.value),
                b":path" => target.path = Some(field.value),
                // Pseudo-header fields stand first. One that has nothing to do with the target, or
                // none.
                name if name.first() == Some(&b':') => {}
                b"host" => target.authority = target.authority.or(Some(field.value)),
                _ if target.authority.is_some() => break,
                _ => {}
            }
        }
        target
    }

    /// Whether the types of `http` can hold it, as is plain to see. Nearly all are like that, and
    /// need not be converted to know; the others are tried.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.scheme, Some(b"http" | b"https"))
            && self.path.is_some_and(is_plain_path)
            && self.authority.is_none_or(is_plain_authority)
    }
}

fn is_plain_path(path: &[u8]) -> bool {
    path.len() < PLAIN_PATH
        && path.first() == Some(&b'/')
        && path.iter().all(|&octet| PLAIN_OCTETS[usize::from(octet)])
}

/// What a path or a query may hold for sure.
static PLAIN_OCTETS: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = matches!(
            octet as u8,
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'a'..=b'z' | b'_' | b'~'
        );
        octet += 1;
    }
    table
};

/// What a name or an IPv4 address may hold for sure.
static NAME_OCTETS: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = (octet as u8).is_ascii_alphanumeric() || matches!(octet as u8, b'-' | b'.');
        octet += 1;
    }
    table
};

/// A name or an IPv4 address, and a port.
fn is_plain_authority(authority: &[u8]) -> bool {
    let in_name = |octet: &u8| NAME_OCTETS[usize::from(*octet)];
    let name = authority.iter().take_while(|octet| in_name(octet)).count();
    let is_port = |port: &[u8]| {
        let fits = matches!(port.len(), 1..=4) || (port.len() == 5 && port <= &b"65535"[..]);
        fits && port.iter().all(u8::is_ascii_digit)
    };
    let rest = match &authority[name..] {
        [] => true,
        [b':', port @ ..] => is_port(port),
        _ => false,
    };
    name > 0 && authority.len() < 256 && rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_what_http_can_hold() {
        for authority in ["a", "a:1", "x.y-z:8080", "127.0.0.1:65535", "a:00080"] {
            assert!(is_plain_authority(authority.as_bytes()), "{authority}");
            assert!(http::uri::Authority::try_from(authority).is_ok(), "{authority}");
        }
        for authority in ["", ":80", "a:65536", "a:123456", "a:x", "[::1]:80", "a@b", "a:1:2"] {
            assert!(!is_plain_authority(authority.as_bytes()), "{authority}");
        }
    }
}
