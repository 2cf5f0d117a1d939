//! Requests that no honest client sends, at our server.

use bytes::Bytes;
use h2_sync::client::{Client, Config, Proxies, ResponseHalf, SendHalf, Versions};
use h2_sync_grpc_interop::{Running, serve};
use http::{HeaderMap, Request};

use crate::bombs::{gzip_bomb, message};
use crate::memory::bounded;

pub(crate) const UNARY: &str = "/h2sync.testing.TestService/UnaryCall";
pub(crate) const STREAM: &str = "/h2sync.testing.TestService/StreamingInputCall";

pub(crate) const OK: &str = "0";
pub(crate) const DEADLINE_EXCEEDED: &str = "4";
pub(crate) const RESOURCE_EXHAUSTED: &str = "8";
pub(crate) const UNIMPLEMENTED: &str = "12";
pub(crate) const INTERNAL: &str = "13";

/// A response: HTTP status, `grpc-status`, and the fields that it came with.
struct Answer {
    status: u16,
    grpc_status: Option<String>,
    headers: HeaderMap,
}

impl Answer {
    /// Waits for a response, and reads all of it.
    fn of(mut response: ResponseHalf) -> Self {
        let head = response.response().unwrap();
        while response.next_chunk().unwrap().is_some() {}
        let trailers = response.trailers().unwrap().unwrap_or_default();
        let of = |fields: &HeaderMap| fields.get("grpc-status").cloned();
        let grpc_status = of(head.headers()).or(of(&trailers));
        Answer {
            status: head.status().as_u16(),
            grpc_status: grpc_status.map(|value| value.to_str().unwrap().to_owned()),
            headers: head.headers().clone(),
        }
    }
}

/// Waits for a response of gRPC, and returns its status.
pub(crate) fn grpc_status(response: ResponseHalf) -> String {
    let answer = Answer::of(response);
    assert_eq!(answer.status, 200);
    answer.grpc_status.expect("a response of gRPC has a status")
}

/// A client of HTTP, which sends any octets.
pub(crate) fn client(versions: Versions) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = versions;
    Client::with_config(config).unwrap()
}

/// Opens a call with the fields of one, and these in place of theirs.
pub(crate) fn open(
    client: &Client,
    server: &Running,
    path: &str,
    fields: &[(&str, &str)],
) -> (SendHalf, ResponseHalf) {
    let mut request = Request::post(format!("{}{path}", server.url()));
    let headers = request.headers_mut().unwrap();
    headers.insert("te", "trailers".parse().unwrap());
    headers.insert("content-type", "application/grpc".parse().unwrap());
    for (name, value) in fields {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    client.open(request.body(()).unwrap()).unwrap()
}

/// Sends octets as the body of a call, and returns the response. The body is not ended where `ends` is
/// false.
fn send(server: &Running, path: &str, fields: &[(&str, &str)], body: &[u8], ends: bool) -> Answer {
    let (mut sender, response) = open(&client(Versions::Http2), server, path, fields);
    // The server may have answered by now.
    let _ = sender.send(Bytes::copy_from_slice(body));
    if ends {
        let _ = sender.finish();
        return Answer::of(response);
    }
    let answer = Answer::of(response);
    drop(sender);
    answer
}

/// The status that a body gets.
fn status_of(path: &str, fields: &[(&str, &str)], body: &[u8]) -> String {
    let server = serve();
    let answer = send(&server, path, fields, body, true);
    assert_eq!(answer.status, 200);
    // The server goes on.
    server.client().unary_call(&Default::default()).unwrap();
    answer.grpc_status.unwrap()
}

#[test]
fn honest_request_is_answered() {
    bounded(|| assert_eq!(status_of(UNARY, &[], &message(0, b"")), OK));
}

#[test]
fn message_of_4_gib_is_refused_before_it_comes() {
    bounded(|| {
        let server = serve();
        for path in [UNARY, STREAM] {
            let answer = send(&server, path, &[], b"\0\xff\xff\xff\xff", false);
            assert_eq!(answer.grpc_status.as_deref(), Some(RESOURCE_EXHAUSTED));
        }
    });
}

#[test]
fn half_messages_are_internal() {
    bounded(|| {
        for body in [&b"\0"[..], b"\0\0\0\0", b"\0\0\0\0\x05abcd"] {
            assert_eq!(status_of(UNARY, &[], body), INTERNAL);
            assert_eq!(status_of(STREAM, &[], body), INTERNAL);
        }
    });
}

#[test]
fn wrong_flags_and_messages_are_internal() {
    bounded(|| {
        assert_eq!(status_of(UNARY, &[], &message(2, b"")), INTERNAL);
        assert_eq!(status_of(UNARY, &[], &message(1, b"")), INTERNAL);
        assert_eq!(status_of(UNARY, &[("grpc-encoding", "identity")], &message(1, b"")), INTERNAL);
        assert_eq!(status_of(UNARY, &[("grpc-encoding", "gzip")], &message(1, b"no")), INTERNAL);
        assert_eq!(status_of(UNARY, &[], &message(0, b"\xff\xff\xff")), INTERNAL);
    });
}

#[test]
fn gzip_bomb_is_refused() {
    bounded(|| {
        let status = status_of(UNARY, &[("grpc-encoding", "gzip")], &gzip_bomb());
        assert_eq!(status, RESOURCE_EXHAUSTED);
    });
}

#[test]
fn messages_that_a_unary_method_does_not_take_are_unimplemented() {
    bounded(|| {
        assert_eq!(status_of(UNARY, &[], b""), UNIMPLEMENTED);
        let two = message(0, b"").repeat(2);
        assert_eq!(status_of(UNARY, &[], &two), UNIMPLEMENTED);
    });
}

#[test]
fn unknown_encoding_is_unimplemented_and_the_known_ones_are_told() {
    bounded(|| {
        let server = serve();
        let answer = send(&server, UNARY, &[("grpc-encoding", "snappy")], &message(1, b""), true);
        assert_eq!(answer.grpc_status.as_deref(), Some(UNIMPLEMENTED));
        assert_eq!(answer.headers["grpc-accept-encoding"], "identity,gzip");
    });
}

#[test]
fn paths_without_a_method_are_unimplemented() {
    bounded(|| {
        for path in ["/", "/x", "//", "/h2sync.testing.TestService", "/h2sync.testing.TestService/"]
        {
            assert_eq!(status_of(path, &[], &message(0, b"")), UNIMPLEMENTED, "{path}");
        }
    });
}

#[test]
fn timeouts_are_taken_at_their_word() {
    bounded(|| {
        let with = |timeout| status_of(UNARY, &[("grpc-timeout", timeout)], &message(0, b""));
        assert_eq!(with("0n"), DEADLINE_EXCEEDED);
        assert_eq!(with("99999999H"), OK);
        for timeout in ["1", "S", "-1S", "123456789S", "1s"] {
            assert_eq!(with(timeout), INTERNAL, "{timeout}");
        }
    });
}

#[test]
fn other_content_types_are_415() {
    bounded(|| {
        let server = serve();
        for kind in ["text/plain", "application/grpc-web", "application/json"] {
            let answer = send(&server, UNARY, &[("content-type", kind)], b"", true);
            assert_eq!((answer.status, answer.grpc_status), (415, None));
        }
        let answer = send(
            &server,
            UNARY,
            &[("content-type", "application/grpc+proto")],
            &message(0, b""),
            true,
        );
        assert_eq!(answer.grpc_status.as_deref(), Some(OK));
    });
}

#[test]
fn get_is_405_and_http1_is_505() {
    bounded(|| {
        let server = serve();
        let url = format!("{}{UNARY}", server.url());
        assert_eq!(client(Versions::Http2).get(&*url).send().unwrap().status(), 405);
        assert_eq!(client(Versions::Http1).post(&*url).send().unwrap().status(), 505);
    });
}

#[test]
fn metadata_over_the_limit_ends_the_call_alone() {
    bounded(|| {
        let server = serve();
        let value = "x".repeat(70 << 10);
        let answer = send(&server, UNARY, &[("key", &value)], &message(0, b""), true);
        assert_eq!(answer.status, 431);
        server.client().unary_call(&Default::default()).unwrap();
    });
}

#[test]
fn failure_is_trailers_only() {
    bounded(|| {
        let server = serve();
        let answer = send(&server, "/x/y", &[], &message(0, b""), true);
        assert_eq!(answer.headers["grpc-status"], UNIMPLEMENTED);
        assert_eq!(answer.headers["content-type"], "application/grpc");
    });
}
