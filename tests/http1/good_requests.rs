//! Requests that a server takes, and where each of them ends.

use http::Version;

use crate::messages::{Log, Seen};
use crate::pieces::served;

/// The path and query of each request that came to its end.
fn paths(log: &Log) -> Vec<String> {
    let requests = log.seen.iter().filter_map(|seen| match seen {
        Seen::Request(_, uri, ..) => Some(uri.to_string()),
        _ => None,
    });
    requests.collect()
}

#[track_caller]
fn assert_taken(octets: &[u8], content: &[u8]) -> Log {
    let log = served(octets);
    assert_eq!(log.messages(), 1, "{log:?}");
    assert_eq!(log.content(), content);
    assert_eq!(log.refusal(), None);
    log
}

#[test]
fn the_end_of_a_request_is_the_beginning_of_the_next() {
    let log = served(
        b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n\
          POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 21\r\n\r\nGET /no HTTP/1.1\r\n\r\n.\
          POST /3 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
          8\r\nGET /no \r\nB;a=\"b\"\r\nHTTP/1.1\r\n.\r\n00\r\nx: y\r\n\r\n\
          GET /4 HTTP/1.1\r\nhost: a\r\n\r\n",
    );
    assert_eq!(paths(&log), ["/1", "/2", "/3", "/4"]);
    assert_eq!(log.content(), b"GET /no HTTP/1.1\r\n\r\n.GET /no HTTP/1.1\r\n.");
    assert_eq!(log.seen.last(), Some(&Seen::Closed(Vec::new())));
}

#[test]
fn one_empty_line_before_a_request_is_passed_over() {
    let log = served(
        b"\r\nPOST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok\r\n\
          GET /2 HTTP/1.1\r\nhost: a\r\n\r\n\r\n",
    );
    assert_eq!(paths(&log), ["/1", "/2"]);
    assert_eq!(log.refusal(), None);
}

#[test]
fn a_request_without_length_has_no_content() {
    let log = served(b"POST /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!((paths(&log).len(), log.content().len()), (2, 0));
}

#[test]
fn a_length_says_how_much_content_there_is() {
    assert_taken(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 005\r\n\r\nhello", b"hello");
    assert_taken(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length:\t0 \r\n\r\n", b"");
    assert_taken(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n.", b".");
}

#[test]
fn chunks_are_joined_and_extensions_ignored() {
    let head = b"POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    for body in [
        &b"5\r\nhello\r\n0\r\n\r\n"[..],
        b"2\r\nhe\r\n0000000000000003\r\nllo\r\n0\r\n\r\n",
        b"5;a\r\nhello\r\n0;b=c\r\n\r\n",
        b"5; a = \"b;\\\"\"; c\r\nhello\r\n0\r\n\r\n",
        b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n000\r\n\r\n",
    ] {
        assert_taken(&[head, body].concat(), b"hello");
    }
    let sixteen = [head, &b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"[..]].concat();
    assert_eq!(assert_taken(&sixteen, b"01234567890123456789").messages(), 1);
}

#[test]
fn trailers_come_apart_from_the_head() {
    let log = served(
        b"POST / HTTP/1.1\r\nhost: a\r\ngrpc-status: 1\r\ntransfer-encoding: chunked\r\n\r\n\
          2\r\nok\r\n0\r\ngrpc-status: 0\r\nX-Sum:\r\nx-sum: 2\r\n\r\n",
    );
    let Seen::Request(.., fields) = &log.seen[0] else { panic!("{log:?}") };
    assert_eq!(fields.get_all("grpc-status").iter().count(), 1);
    let Seen::Trailers(trailers) = &log.seen[2] else { panic!("{log:?}") };
    assert_eq!(trailers["grpc-status"], "0");
    let sums: Vec<_> = trailers.get_all("x-sum").iter().collect();
    assert_eq!(sums, ["", "2"]);
}

#[test]
fn a_target_has_four_forms() {
    for (octets, uri) in [
        (&b"GET /a/b?c=d&e HTTP/1.1\r\nhost: x\r\n\r\n"[..], "/a/b?c=d&e"),
        (b"GET //a/b HTTP/1.1\r\nhost: x\r\n\r\n", "//a/b"),
        (b"GET http://x:80/a HTTP/1.1\r\nHost: X\r\n\r\n", "http://x:80/a"),
        (b"GET https://x/a HTTP/1.1\r\nHost: x:443\r\n\r\n", "https://x/a"),
        (b"GET http://x?a HTTP/1.1\r\nhost: x\r\n\r\n", "http://x/?a"),
        (b"GET http://[::1]:8080 HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", "http://[::1]:8080/"),
        (b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", "*"),
    ] {
        assert_eq!(paths(&assert_taken(octets, b"")), [uri]);
    }
    let log = served(b"CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n\x16\x03");
    assert_eq!(paths(&log), ["x:443"]);
    assert_eq!(log.seen.last(), Some(&Seen::Tunnel(vec![0x16, 0x03])));
}

#[test]
fn a_host_may_be_empty_and_in_http_1_0_absent() {
    assert_taken(b"GET / HTTP/1.1\r\nhost:\r\n\r\n", b"");
    let log = served(b"GET / HTTP/1.0\r\n\r\nGET /beyond HTTP/1.0\r\n\r\n");
    let Seen::Request(_, _, version, _) = &log.seen[0] else { panic!("{log:?}") };
    assert_eq!(*version, Version::HTTP_10);
    // HTTP/1.0 ends with the response.
    assert_eq!(log.messages(), 1);
    assert_eq!(log.seen.last(), Some(&Seen::Closed(b"GET /beyond HTTP/1.0\r\n\r\n".to_vec())));
}

#[test]
fn a_method_may_be_any_token() {
    for method in ["PROPFIND", "m-search", "a", "!#$%&'*+-.^_`|~0"] {
        let octets = format!("{method} / HTTP/1.1\r\nhost: a\r\n\r\n");
        let log = assert_taken(octets.as_bytes(), b"");
        let Seen::Request(seen, ..) = &log.seen[0] else { panic!("{log:?}") };
        assert_eq!(seen.as_str(), method);
    }
}

#[test]
fn field_values_may_have_blanks_and_octets_beyond_ascii() {
    let log = assert_taken(
        b"GET / HTTP/1.1\r\nhost: a\r\nA!b:c\td  \r\nx:\t \r\ny: \xc3\xa4,\"\r\n\r\n",
        b"",
    );
    let Seen::Request(.., fields) = &log.seen[0] else { panic!("{log:?}") };
    assert_eq!(fields["a!b"], "c\td");
    assert_eq!(fields["x"], "");
    assert_eq!(fields["y"].as_bytes(), b"\xc3\xa4,\"");
}

#[test]
fn a_client_may_close_between_two_requests() {
    assert_eq!(served(b"").seen, [Seen::Closed(Vec::new())]);
    let log = served(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(log.seen.last(), Some(&Seen::Closed(Vec::new())));
}
