//! Responses that a client takes, as leniently as is safe, and where each of them ends.

use http::{Method, StatusCode};

use crate::messages::{Log, Seen};
use crate::pieces::fetched;

/// Takes the response to GET; `is_last` says that the connection is then closed.
#[track_caller]
fn assert_taken(octets: &[u8], content: &[u8], is_last: bool) -> Log {
    let log = fetched(&[Method::GET, Method::GET], octets);
    assert_eq!(log.messages(), 1, "{log:?}");
    assert_eq!(log.content(), content, "{log:?}");
    // Where it is not the last, the second request remains unanswered.
    assert_eq!(log.refusal().is_none(), is_last, "{log:?}");
    log
}

fn statuses(log: &Log) -> Vec<u16> {
    let statuses = log.seen.iter().filter_map(|seen| match seen {
        Seen::Response(status, ..) => Some(status.as_u16()),
        _ => None,
    });
    statuses.collect()
}

#[test]
fn responses_follow_one_another() {
    let log = fetched(
        &[Method::GET, Method::HEAD, Method::POST, Method::GET],
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello\
          HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\
          HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n\
          HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
    );
    assert_eq!(statuses(&log), [200, 200, 201, 304]);
    assert_eq!(log.content(), b"hello!");
    assert_eq!(log.seen.last(), Some(&Seen::Closed(Vec::new())));
}

#[test]
fn content_without_a_length_goes_on_until_the_close() {
    assert_taken(b"HTTP/1.1 200 OK\r\n\r\nhello\r\n\r\n", b"hello\r\n\r\n", true);
    assert_taken(b"HTTP/1.0 200 OK\r\n\r\n", b"", true);
}

#[test]
fn close_and_http_1_0_end_the_connection() {
    assert_taken(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n.", b".", true);
    assert_taken(
        b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 0\r\n\r\n",
        b"",
        true,
    );
    let folded = b"HTTP/1.1 200 OK\r\nconnection: x,\r\n close\r\ncontent-length: 0\r\n\r\n";
    assert_taken(folded, b"", true);
    assert_taken(b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n.", b".", true);
    let kept = b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\n.";
    assert_taken(kept, b".", false);
}

#[test]
fn a_length_that_is_repeated_is_one_length() {
    let twice = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok";
    assert_taken(twice, b"ok", false);
    assert_taken(b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", b"ok", false);
}

#[test]
fn chunks_beside_a_length_are_taken_and_the_connection_is_not_used_again() {
    let octets = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
        2\r\nok\r\n0\r\n\r\n";
    assert_taken(octets, b"ok", true);
}

#[test]
fn response_states_the_length_that_counts_or_none() {
    let lengths = |head: &str, content: &[u8]| {
        let log =
            assert_taken(&[head.as_bytes(), content].concat(), b"ok", head.contains("chunked"));
        let Seen::Response(_, _, fields) = &log.seen[0] else { panic!("{log:?}") };
        let lengths = fields.get_all("content-length").iter();
        lengths.map(|length| length.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let chunks = b"2\r\nok\r\n0\r\n\r\n";
    for fields in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 2",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
        assert!(lengths(&head, chunks).is_empty(), "{fields}");
    }
    for fields in [
        "content-length: 2",
        "content-length: 2, 2",
        "content-length: 2\r\nx: y\r\ncontent-length: 2",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
        assert_eq!(lengths(&head, b"ok"), ["2"], "{fields}");
    }
}

#[test]
fn folds_and_blanks_are_taken() {
    let log = assert_taken(
        b"HTTP/1.1  200  Fine thanks\r\nx-a: b\r\n  c\r\n\t d \r\nX-B : e\r\nx-c:\r\n f\r\n\
          content-length : 2\r\n\r\nok",
        b"ok",
        false,
    );
    let Seen::Response(status, _, fields) = &log.seen[0] else { panic!("{log:?}") };
    assert_eq!(*status, StatusCode::OK);
    assert_eq!(
        (&fields["x-a"], &fields["x-b"]),
        (&"b c d".parse().unwrap(), &"e".parse().unwrap())
    );
    assert_eq!(fields["x-c"], "f");
}

#[test]
fn heads_may_have_bare_lf_and_no_reason() {
    assert_taken(b"HTTP/1.1 200\ncontent-length: 2\n\nok", b"ok", false);
    assert_taken(b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", b"ok", false);
    assert_taken(b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok", false);
}

#[test]
fn blanks_around_a_chunk_size_are_passed_over() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in
        ["2  \r\nok\r\n0 \r\n\r\n", "2 ;a=b\r\nok\r\n0\t\r\n\r\n", "02;a\r\nok\r\n0\r\n\r\n"]
    {
        assert_taken(&[head, body.as_bytes()].concat(), b"ok", false);
    }
}

#[test]
fn forbidden_trailers_are_dropped_and_others_kept() {
    let log = assert_taken(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\
          content-length: 9\r\nx-sum: 1\r\nset-cookie: a=b\r\nset-cookie: c=d\r\n\r\n",
        b"ok",
        false,
    );
    let Seen::Trailers(trailers) = &log.seen[2] else { panic!("{log:?}") };
    assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &"1".parse().unwrap()));
}

#[test]
fn interim_responses_come_before_the_final_one() {
    let log = assert_taken(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\ncontent-length: x\r\n\r\n\
          HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"ok",
        false,
    );
    assert_eq!(statuses(&log), [100, 103, 200]);
}

#[test]
fn responses_without_content_end_with_their_head() {
    assert_taken(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n", b"", false);
    assert_taken(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", b"", false);
    assert_taken(b"HTTP/1.1 304 Not Modified\r\n\r\n", b"", false);
    let log = fetched(&[Method::HEAD], b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!((log.messages(), log.refusal()), (1, None));
}

#[test]
fn a_2xx_to_connect_opens_a_tunnel_whatever_its_length_says() {
    let octets = b"HTTP/1.1 200 Connected\r\ncontent-length: 3\r\n\r\n\x16\x03\x01";
    let log = fetched(&[Method::CONNECT], octets);
    assert_eq!(log.seen.last(), Some(&Seen::Tunnel(vec![0x16, 3, 1])));
}

#[test]
fn a_refusal_of_connect_is_an_ordinary_response_and_the_last() {
    let octets = b"HTTP/1.1 407 No\r\ncontent-length: 2\r\n\r\nno";
    let log = fetched(&[Method::CONNECT, Method::GET], octets);
    assert_eq!((log.content(), log.refusal()), (b"no".to_vec(), None));
}

#[test]
fn statuses_beyond_the_known_ones_are_taken() {
    let log = assert_taken(b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n", b"", false);
    assert_eq!(statuses(&log), [999]);
}
