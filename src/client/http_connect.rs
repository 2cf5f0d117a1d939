//! A tunnel through an HTTP proxy: CONNECT over HTTP/1.1 (RFC 9110, Section 9.3.6).

use std::io::{self, Read, Write};
use std::time::Instant;

use bytes::BytesMut;
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
use http::{Method, Response, Uri};

use super::origin::Origin;
use super::proxy::Proxy;
use super::timed::{Patience, Timed};
use crate::error::{Error, ErrorKind};
use crate::http1::{self, BodySize, ClientConnection};

/// Maximum octets in the head of the proxy's response.
const MAX_HEAD_SIZE: usize = 16 << 10;

/// Asks the connected proxy for a tunnel.
pub(super) fn open(
    stream: &mut impl Patience,
    proxy: &Proxy,
    origin: &Origin,
    deadline: Instant,
) -> Result<(), Error> {
    let mut stream = Timed::new(stream, deadline);
    let target = origin.authority();
    let uri = Uri::try_from(&target).map_err(|error| Error::usage(format!("{target}: {error}")))?;
    let mut fields = HeaderMap::new();
    if let Some(authorization) = proxy.authorization()? {
        fields.insert(PROXY_AUTHORIZATION, authorization);
    }
    let config = http1::Config { max_head_size: MAX_HEAD_SIZE, ..http1::Config::default() };
    let mut codec = ClientConnection::new(config);
    let mut request = Vec::new();
    codec.send_request(&Method::CONNECT, &uri, &fields, BodySize::Known(0), &mut request)?;
    codec.finish(None, &mut request)?;

    let failed = |error| Error::io(format!("asking the proxy {proxy} for a tunnel"), error);
    stream.write_all(&request).map_err(failed)?;
    let status = loop {
        let answer = read_head(&mut stream, &mut codec).map_err(failed)?.map_err(|error| {
            let what = format!("the proxy {proxy} does not answer in HTTP/1.1: {error}");
            Error::text(ErrorKind::Transport, what)
        })?;
        // Skip interim responses.
        if !answer.status().is_informational() {
            break answer.status();
        }
    };
    // RFC 9110, Section 9.3.6: any 2xx opens the tunnel, which begins after the head.
    if status.is_success() {
        return Ok(());
    }
    let what = format!("the proxy {proxy} refused a tunnel to {target}: {status}");
    Err(Error::text(ErrorKind::Transport, what))
}

/// Reads exactly the head of a response: octets after it belong to the tunnel.
fn read_head(
    stream: &mut impl Read,
    codec: &mut ClientConnection,
) -> io::Result<Result<Response<()>, http1::Error>> {
    let mut head = BytesMut::new();
    let mut octet = [0];
    loop {
        stream.read_exact(&mut octet)?;
        head.extend_from_slice(&octet);
        if octet == *b"\n" || head.len() >= MAX_HEAD_SIZE {
            match codec.receive_response(&mut head) {
                Ok(Some(response)) => return Ok(Ok(response)),
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}
