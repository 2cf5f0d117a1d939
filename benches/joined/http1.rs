//! The server's end of HTTP/1.1 alone: from the octets of a request to those of its response.

use bytes::BytesMut;
use h2_sync::http1::{BodySize, Config, Received, ServerConnection};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

/// The names of its shapes.
pub(crate) const SHAPES: [&str; 3] = ["http1-small", "http1-browser", "http1-chunks"];

const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER: &[u8] = b"GET /hello/world?x=1 HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Referer: https://www.example.com/index.html\r\nCookie: session=0123456789abcdef; theme=dark\r\n\
    Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\r\n";

/// Answers this number of requests on one connection.
pub(crate) fn run(shape: &str, requests: usize) {
    let octets = match shape {
        "http1-small" => SMALL.to_vec(),
        "http1-browser" => BROWSER.to_vec(),
        _ => chunks(),
    };
    let mut connection = ServerConnection::new(Config::default());
    let (mut input, mut out) = (BytesMut::with_capacity(128 << 10), Vec::new());
    for _ in 0..requests {
        input.extend_from_slice(&octets);
        let request = connection.receive_request(&mut input).expect("it is valid");
        let request = request.expect("it is complete");
        while let Received::Content(_) = connection.receive_body(&mut input).expect("it is valid") {
            connection.take_content(&mut input);
        }
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let size = BodySize::Known(12);
        connection.send_response(StatusCode::OK, &fields, size, &mut out).expect("it is asked for");
        connection.send_data(b"hello world\n", &mut out).expect("it has this length");
        connection.finish(None, &mut out).expect("all has been sent");
        out.clear();
        connection.recycle(request.into_parts().0.headers);
    }
}

/// 64 KiB in chunks of 1 KiB.
fn chunks() -> Vec<u8> {
    let mut octets = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..64 {
        octets.extend_from_slice(b"400\r\n");
        octets.extend_from_slice(&[b'x'; 1 << 10]);
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b"0\r\n\r\n");
    octets
}
