//! A quick check for parts of a URI that `http::Uri` certainly accepts.

/// A limit below that of `Uri`, which is 64 KiB.
const PLAIN_PATH: usize = 32 << 10;

/// Returns whether `Uri` certainly accepts this path and query unchanged.
pub(crate) fn is_plain_path(path: &[u8]) -> bool {
    path.len() < PLAIN_PATH
        && path.first() == Some(&b'/')
        && path.iter().all(|&octet| PLAIN_OCTETS[usize::from(octet)])
}

/// The octets that are certainly accepted in a path or query.
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

/// The octets that are certainly accepted in a name or an IPv4 address.
static NAME_OCTETS: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = (octet as u8).is_ascii_alphanumeric() || matches!(octet as u8, b'-' | b'.');
        octet += 1;
    }
    table
};

/// Returns whether this is a name or an IPv4 address, with an optional port.
pub(crate) fn is_plain_authority(authority: &[u8]) -> bool {
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
