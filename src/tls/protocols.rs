//! ALPN names of the protocols.

/// HTTP/2 over TLS (RFC 9113, Section 3.2).
pub(super) const H2: &[u8] = b"h2";

/// HTTP/1.1 (RFC 7301, Section 6).
pub(super) const HTTP1: &[u8] = b"http/1.1";

/// HTTP/1.0, registered in the IANA list of ALPN protocols.
pub(super) const HTTP1_0: &[u8] = b"http/1.0";

/// Appends HTTP/1.1 to the offered protocols, with the lowest preference.
pub(super) fn offer_http1(offered: &mut Vec<Vec<u8>>) {
    if !offered.iter().any(|protocol| protocol == HTTP1) {
        offered.push(HTTP1.to_vec());
    }
}
