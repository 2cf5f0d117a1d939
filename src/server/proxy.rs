//! The PROXY protocol, in which a proxy sends the address of its client before the octets of a
//! connection: versions 1 (text) and 2 (binary).

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use ipnet::IpNet;

use crate::error::{Error, ErrorKind};
use crate::transport::{Closer, gave_up};

/// The beginning of a version 2 header.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of a version 2 header in octets, without the part that its length field counts.
const FIXED: usize = SIGNATURE.len() + 4;

/// The longest version 1 header in octets (section 2.1 of the specification).
const MAX_V1: usize = 107;

/// The longest accepted version 2 header in octets. The addresses take 36; the rest is for
/// type-length-value fields, which are skipped.
const MAX_V2: usize = 4 << 10;

/// The proxies whose connections begin with a PROXY protocol header.
///
/// A connection from one of them must begin with a header of version 1 or 2, and
/// [`Request::peer_addr`](super::Request::peer_addr) returns the address in it. A connection from
/// any other source that begins with a header is closed: otherwise any client could choose its
/// address.
///
/// ```
/// use h2_sync::server::TrustedProxies;
///
/// let mut proxies = TrustedProxies::new();
/// proxies.add("192.0.2.7")?.add("10.0.0.0/8")?.add("2001:db8::/32")?;
/// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
/// assert!(!proxies.contains("11.1.2.3".parse().unwrap()));
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    prefixes: Vec<IpNet>,
    unix: bool,
}

impl TrustedProxies {
    /// Creates an empty list: no proxy is trusted.
    pub fn new() -> Self {
        TrustedProxies::default()
    }

    /// Adds an IP address, or a prefix such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// If `prefix` is neither.
    pub fn add(&mut self, prefix: &str) -> Result<&mut Self, Error> {
        let parsed = prefix.parse().or_else(|_| prefix.parse::<IpAddr>().map(IpNet::from));
        let invalid = |_| Error::usage(format!("invalid IP address or prefix: {prefix:?}"));
        self.prefixes.push(parsed.map_err(invalid)?);
        Ok(self)
    }

    /// Adds connections of Unix sockets, which have no address.
    ///
    /// ```
    /// use h2_sync::server::TrustedProxies;
    ///
    /// let mut proxies = TrustedProxies::new();
    /// proxies.add_unix().add("127.0.0.1")?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn add_unix(&mut self) -> &mut Self {
        self.unix = true;
        self
    }

    /// Returns whether connections from this address begin with a header. An IPv4-mapped IPv6
    /// address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.prefixes.iter().any(|prefix| prefix.contains(&address))
    }

    pub(super) fn trusts(&self, address: Option<SocketAddr>) -> bool {
        address.map_or(self.unix, |address| self.contains(address.ip()))
    }
}

/// A parsed header and its length.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// The client's address; `None` for a connection of the proxy itself (a health check), or if
    /// the client has no IP address.
    source: Option<SocketAddr>,
    len: usize,
}

/// Reads the header of a connection. Returns the address and the octets after the header. The
/// address is `None` for a connection of the proxy itself, or if its client has no IP address.
///
/// # Errors
///
/// If the octets are not a header, or it is incomplete at `deadline`.
pub(super) fn read_header(
    reader: &mut impl Read,
    closer: &Closer,
    deadline: Option<Instant>,
) -> Result<(Option<SocketAddr>, Bytes), Error> {
    let mut octets = BytesMut::new();
    let mut has_timeout = false;
    loop {
        if let Some(header) = parse(&octets)? {
            if has_timeout {
                closer.set_read_timeout(None)?;
            }
            let rest = octets.split_off(header.len).freeze();
            return Ok((header.source, rest));
        }
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let what = "no whole PROXY protocol header within handshake_timeout";
                return Err(Error::upgrade(ErrorKind::Timeout, what));
            }
            has_timeout |= closer.set_read_timeout(Some(left))?;
        }
        let mut chunk = [0; 256];
        match reader.read(&mut chunk) {
            Ok(0) => return Err(invalid("the connection ends within its PROXY protocol header")),
            Ok(len) => octets.extend_from_slice(&chunk[..len.min(chunk.len())]),
            Err(error) if gave_up(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Parses the header at the beginning of `octets`; returns `None` while it is incomplete.
fn parse(octets: &[u8]) -> Result<Option<Header>, Error> {
    let begins_with = |start: &[u8]| octets.iter().zip(start).all(|(ours, theirs)| ours == theirs);
    if begins_with(SIGNATURE) {
        return parse_v2(octets);
    }
    if begins_with(b"PROXY ") {
        return parse_v1(octets);
    }
    Err(invalid("a trusted proxy has sent no PROXY protocol header"))
}

/// Section 2.1: one line of text.
fn parse_v1(octets: &[u8]) -> Result<Option<Header>, Error> {
    let malformed = || invalid("malformed PROXY protocol header, version 1");
    let line = &octets[..octets.len().min(MAX_V1)];
    let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
        return if line.len() < MAX_V1 { Ok(None) } else { Err(malformed()) };
    };
    let text = std::str::from_utf8(&line[..end]).map_err(|_| malformed())?;
    let words: Vec<_> = text.split(' ').collect();
    let source = match words[..] {
        // The rest of the line is ignored.
        [_, "UNKNOWN", ..] => None,
        [_, family @ ("TCP4" | "TCP6"), source, destination, source_port, destination_port] => {
            let source: IpAddr = source.parse().map_err(|_| malformed())?;
            let destination: IpAddr = destination.parse().map_err(|_| malformed())?;
            let port = parse_port(source_port).ok_or_else(malformed)?;
            parse_port(destination_port).ok_or_else(malformed)?;
            if [source, destination].iter().any(|ip| ip.is_ipv4() != (family == "TCP4")) {
                return Err(malformed());
            }
            Some(SocketAddr::new(source, port))
        }
        _ => return Err(malformed()),
    };
    Ok(Some(Header { source, len: end + 2 }))
}

/// Parses a port without a sign or leading zeros.
fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit());
    let is_plain = is_plain && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// Section 2.2: the signature, version and command, family and protocol, a length, addresses.
fn parse_v2(octets: &[u8]) -> Result<Option<Header>, Error> {
    let malformed = || invalid("malformed PROXY protocol header, version 2");
    let Some(&[command, family, high, low]) = octets.get(SIGNATURE.len()..FIXED) else {
        return Ok(None);
    };
    let len = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_V2 {
        return Err(invalid("a PROXY protocol header of over 4,096 octets"));
    }
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(malformed()),
    };
    let Some(addresses) = octets.get(FIXED..len) else { return Ok(None) };
    let source = match family {
        // A connection of the proxy itself: the addresses have no meaning.
        _ if is_local => None,
        // TCP over IPv4, and over IPv6: both addresses, then both ports.
        0x11 => match *addresses.first_chunk::<12>().ok_or_else(malformed)? {
            [a, b, c, d, _, _, _, _, high, low, _, _] => {
                let port = u16::from_be_bytes([high, low]);
                Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), port)))
            }
        },
        0x21 => {
            let addresses = addresses.first_chunk::<36>().ok_or_else(malformed)?;
            let (source, rest) = addresses.split_first_chunk::<16>().ok_or_else(malformed)?;
            let port = u16::from_be_bytes([rest[16], rest[17]]);
            Some(SocketAddr::from((Ipv6Addr::from(*source), port)))
        }
        // Unspecified, a Unix socket, or a protocol other than TCP.
        _ => None,
    };
    Ok(Some(Header { source, len }))
}

fn invalid(what: &'static str) -> Error {
    Error::upgrade(ErrorKind::Peer, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<SocketAddr> {
        Some(text.parse().unwrap())
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let len = (addresses.len() as u16).to_be_bytes();
        [SIGNATURE, &[command, family], &len, addresses].concat()
    }

    /// Parses the header whole, octet by octet, and followed by other octets.
    #[track_caller]
    fn assert_header(octets: &[u8], source: Option<SocketAddr>) {
        for end in 0..octets.len() {
            assert!(matches!(parse(&octets[..end]), Ok(None)), "{end} octets");
        }
        let expected = Header { source, len: octets.len() };
        assert_eq!(parse(octets).unwrap(), Some(expected));
        let more = [octets, b"PRI * HTTP/2.0"].concat();
        assert_eq!(parse(&more).unwrap().unwrap().len, octets.len());
    }

    #[test]
    fn version_1_tells_the_client() {
        let v4 = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
        assert_header(v4, address("192.0.2.1:56324"));
        assert_header(b"PROXY TCP6 2001:db8::1 ::1 4 8080\r\n", address("[2001:db8::1]:4"));
        assert_header(b"PROXY UNKNOWN\r\n", None);
        assert_header(b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None);
    }

    #[test]
    fn version_2_tells_the_client() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
        assert_header(&v2(0x21, 0x11, &v4), address("192.0.2.1:56324"));
        let mut v6 = [0; 36];
        (v6[0], v6[15], v6[31], v6[33]) = (0x20, 1, 2, 7);
        assert_header(&v2(0x21, 0x21, &v6), address("[2000::1]:7"));
        // Followed by a type-length-value field.
        let more = [&v4[..], &[0x04, 0, 1, 0]].concat();
        assert_header(&v2(0x21, 0x11, &more), address("192.0.2.1:56324"));
    }

    #[test]
    fn version_2_of_the_proxy_itself_or_of_another_protocol_tells_no_address() {
        for (command, family, addresses) in [
            (0x20, 0x00, &[][..]),
            (0x20, 0x11, &[]),
            (0x20, 0x11, &[1; 12]),
            (0x20, 0x77, &[1; 5]),
            (0x21, 0x00, &[]),
            (0x21, 0x00, &[1; 9]),
            (0x21, 0x12, &[1; 12]),
            (0x21, 0x31, &[1; 216]),
        ] {
            assert_header(&v2(command, family, addresses), None);
        }
    }

    #[test]
    fn other_octets_are_refused() {
        let long = [b"PROXY UNKNOWN ", &[b'x'; 100][..], b"\r\n"].concat();
        for octets in [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"PRI * HTTP/2.0\r\n".to_vec(),
            b"\x16\x03\x01".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n".to_vec(),
            b"PROXY TCP4 2001:db8::1 ::1 4 8080\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n".to_vec(),
            b"PROXY  TCP4 192.0.2.1 198.51.100.2 1 443\r\n".to_vec(),
            b"PROXY tcp4 192.0.2.1 198.51.100.2 1 443\r\n".to_vec(),
            b"PROXY\r\n".to_vec(),
            long,
            v2(0x11, 0x11, &[0; 12]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x21, 0x11, &[0; MAX_V2]),
        ] {
            assert!(parse(&octets).is_err(), "{octets:?}");
        }
    }

    #[test]
    fn prefixes_are_compared_by_their_bits() {
        let contains = |prefix: &str, address: &str| {
            let mut proxies = TrustedProxies::new();
            proxies.add(prefix).unwrap();
            proxies.contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.0.0.1", "10.0.0.1") && !contains("10.0.0.1", "10.0.0.2"));
        assert!(contains("10.0.0.1", "::ffff:10.0.0.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!contains("2001:db8::/33", "2001:db8:8000::1"));
        assert!(contains("::/0", "2001:db8::1") && contains("::1", "::1"));
    }

    #[test]
    fn other_prefixes_are_refused() {
        for text in ["", "a", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "::/+1", "::/-1"] {
            assert!(TrustedProxies::new().add(text).is_err(), "{text:?}");
        }
    }
}
