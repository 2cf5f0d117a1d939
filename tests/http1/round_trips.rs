//! What one end sends, the other receives, whatever the messages are and however they are cut.

use bytes::BytesMut;
use h2_sync::http1::{BodySize, ClientConnection, Config, Received, ServerConnection};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A message without its first line.
#[derive(Debug, Clone)]
struct Message {
    headers: HeaderMap,
    pieces: Vec<Vec<u8>>,
    is_chunked: bool,
    trailers: HeaderMap,
}

impl Message {
    fn size(&self) -> BodySize {
        match self.is_chunked {
            true => BodySize::Unknown,
            false => BodySize::Known(self.content().len() as u64),
        }
    }

    fn content(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn trailers(&self) -> Option<&HeaderMap> {
        (self.is_chunked && !self.trailers.is_empty()).then_some(&self.trailers)
    }
}

fn fields() -> impl Strategy<Value = HeaderMap> {
    let field = ("x-[a-z0-9!#$%&'*+.^_`|~-]{0,12}", "([!-~\u{e4}]([ \t!-~]{0,20}[!-~])?)?");
    vec(field, 0..6).prop_map(|fields| {
        let parse = |(name, value): (String, String)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        let mut map = HeaderMap::new();
        fields.into_iter().map(parse).for_each(|(name, value)| {
            map.append(name, value);
        });
        map
    })
}

fn message() -> impl Strategy<Value = Message> {
    let pieces = vec(vec(any::<u8>(), 0..50), 0..5);
    (fields(), pieces, any::<bool>(), fields()).prop_map(
        |(headers, pieces, is_chunked, trailers)| Message { headers, pieces, is_chunked, trailers },
    )
}

/// Gives octets to `receive`, `step` at a time, until it says that the message has ended.
#[track_caller]
fn deliver(octets: &[u8], step: usize, mut receive: impl FnMut(&mut BytesMut) -> bool) {
    let mut input = BytesMut::new();
    let mut pieces = octets.chunks(step);
    while !receive(&mut input) {
        input.extend_from_slice(pieces.next().expect("the message has an end"));
    }
    assert!(input.is_empty() && pieces.next().is_none(), "the message ends with its octets");
}

/// Receives what there is of a body. Whether that was all.
macro_rules! receive_body {
    ($connection:ident, $input:ident, $content:ident, $trailers:ident) => {
        loop {
            match $connection.receive_body($input).unwrap() {
                Received::Content(_) if !$input.is_empty() => {
                    $content.extend_from_slice(&$connection.take_content($input));
                }
                Received::Content(_) | Received::NeedMore => break false,
                Received::Trailers(received) => $trailers = received,
                Received::End => break true,
            }
        }
    };
}

proptest! {
    // The same cases in every run, and no file left behind by one that fails.
    #![proptest_config(ProptestConfig {
        cases: 256,
        rng_seed: RngSeed::Fixed(9112),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn exchanges_arrive_as_they_were_sent(
        exchanges in vec((message(), message(), "/[a-z0-9/?=&%._~-]{0,30}", 200..600_u16), 1..4),
        step in 1..40_usize,
    ) {
        let mut client = ClientConnection::new(Config::default());
        let mut server = ServerConnection::new(Config::default());
        for (request, response, path, status) in exchanges {
            let uri: Uri = format!("http://example.com{path}").parse().unwrap();
            let mut out = Vec::new();
            let mut headers = request.headers.clone();
            headers.insert("te", HeaderValue::from_static("trailers"));
            client.send_request(&Method::PUT, &uri, &headers, request.size(), &mut out).unwrap();
            for piece in &request.pieces {
                client.send_data(piece, &mut out).unwrap();
            }
            client.finish(request.trailers(), &mut out).unwrap();

            let (mut head, mut content, mut trailers) = (None, Vec::new(), HeaderMap::new());
            deliver(&out, step, |input| {
                if head.is_none() {
                    head = server.receive_request(input).unwrap();
                }
                head.is_some() && receive_body!(server, input, content, trailers)
            });
            let head = head.unwrap();
            prop_assert_eq!(head.method(), Method::PUT);
            prop_assert_eq!(head.uri(), uri.path_and_query().unwrap().as_str());
            for (name, value) in &request.headers {
                prop_assert!(head.headers().get_all(name).iter().any(|it| it == value));
            }
            prop_assert_eq!(&content, &request.content());
            prop_assert_eq!(Some(&trailers).filter(|it| !it.is_empty()), request.trailers());

            let status = StatusCode::from_u16(status).unwrap();
            let is_empty = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
            let mut out = Vec::new();
            server.send_response(status, &response.headers, response.size(), &mut out).unwrap();
            prop_assert_eq!(server.may_send_content(), !is_empty);
            for piece in response.pieces.iter().filter(|_| !is_empty) {
                server.send_data(piece, &mut out).unwrap();
            }
            server.finish(response.trailers(), &mut out).unwrap();

            let (mut head, mut content, mut trailers) = (None, Vec::new(), HeaderMap::new());
            deliver(&out, step, |input| {
                if head.is_none() {
                    head = client.receive_response(input).unwrap();
                }
                head.is_some() && receive_body!(client, input, content, trailers)
            });
            let head = head.unwrap();
            prop_assert_eq!(head.status(), status);
            for (name, value) in &response.headers {
                prop_assert!(head.headers().get_all(name).iter().any(|it| it == value));
            }
            if !is_empty {
                prop_assert_eq!(&content, &response.content());
                prop_assert_eq!(Some(&trailers).filter(|it| !it.is_empty()), response.trailers());
            }
            prop_assert!(client.is_idle() && server.is_idle());
        }
    }
}
