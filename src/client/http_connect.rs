//! A tunnel through an HTTP proxy: CONNECT over HTTP/1.1 (RFC 9110, Section 9.3.6).

use std::io::{self, Read, Write};
use std::time::Instant;

use super::credentials::basic;
use super::origin::Origin;
use super::proxy::Proxy;

use super::timed::{Patience, Timed};
use crate::error::{Error, ErrorKind};

/// The most that the proxy's answer may take.
const MAX_ANSWER: usize = 16 << 10;

/// Asks the proxy at the other end for a tunnel.
pub(super) fn open(
    stream: &mut impl Patience,
    proxy: &Proxy,
    origin: &Origin,
    deadline: Instant,
) -> Result<(), Error> {
    let mut stream = Timed::new(stream, deadline);
    let target = origin.authority();
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some((user, password)) = &proxy.user {
        request.push_str("Proxy-Authorization: ");
        request.push_str(&basic(user, password));
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let failed = |error| Error::io(format!("asking the proxy {proxy} for a tunnel"), error);
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let answer = read_head(&mut stream).map_err(failed)?;

    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut fields);
    let parsed = head.parse(&answer);
    match (parsed, head.code) {
        // RFC 9110, Section 9.3.6: any 2xx opens the tunnel, which begins behind the head.
        (Ok(httparse::Status::Complete(_)), Some(200..=299)) => Ok(()),
        (Ok(httparse::Status::Complete(_)), Some(code)) => {
            let reason = head.reason.unwrap_or_default();
            let what = format!("the proxy {proxy} opens no tunnel to {target}: {code} {reason}");
            Err(Error::text(ErrorKind::Transport, what.trim_end().to_owned()))
        }
        _ => {
            let what = format!("the proxy {proxy} does not answer in HTTP/1.1");
            Err(Error::text(ErrorKind::Transport, what))
        }
    }
}

/// Reads up to the empty line, and not one octet more: what comes behind belongs to the tunnel.
fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut octet = [0];
    while head.len() < MAX_ANSWER {
        stream.read_exact(&mut octet)?;
        head.extend(octet);
        if head.ends_with(b"\r\n\r\n") {
            return Ok(head);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"))
}
