//! Requests in HTTP/1.1, against a server that reads and writes text itself.

use std::io::{self, Read};

use h2_sync::client::Body;
use http::Version;

use crate::http1_peer::{client, config, server};
use crate::support::{bounded, octets};

#[test]
fn request_without_tls_is_http11() {
    bounded(|| {
        let (peer, url) = server(|server| server.accept().answer("hello"));
        let client = client();
        let response = client.get(format!("{url}/a?b=c")).header("x-a", "1").send().unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
        assert_eq!(response.facts().stream_id, None);
        assert_eq!(response.text().unwrap(), "hello");
        let head = peer.join().unwrap();
        let host = url.strip_prefix("http://").unwrap();
        assert!(head.starts_with(&format!("GET /a?b=c HTTP/1.1\r\nhost: {host}\r\n")), "{head}");
        assert!(
            head.contains("\r\nx-a: 1\r\n") && head.contains("\r\nuser-agent: h2-sync/"),
            "{head}"
        );
        assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    });
}

#[test]
fn connection_is_used_again_when_the_body_was_read_to_its_end() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            ["one", "two", "three"].iter().for_each(|body| drop(peer.answer(body)));
        });
        let client = client();
        for (number, body) in ["one", "two", "three"].into_iter().enumerate() {
            let response = client.get(&*url).send().unwrap();
            assert_eq!(response.facts().is_reused(), number > 0);
            assert_eq!(response.text().unwrap(), body);
        }
        peer.join().unwrap();
    });
}

#[test]
fn connection_is_used_again_while_the_response_that_was_read_is_kept() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            ["one", "two"].iter().for_each(|body| drop(peer.answer(body)));
        });
        let client = client();
        let mut one = client.get(&*url).send().unwrap();
        let mut text = String::new();
        one.read_to_string(&mut text).unwrap();
        assert!(client.get(&*url).send().unwrap().facts().is_reused());
        drop(one);
    });
}

#[test]
fn response_without_a_body_gives_the_connection_back_at_once() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            for head in [
                "204 No Content\r\n",
                "304 Not Modified\r\ncontent-length: 9\r\n",
                "200 OK\r\ncontent-length: 0\r\n",
            ] {
                peer.head();
                peer.write(format!("HTTP/1.1 {head}\r\n"));
            }
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
            peer.answer("last");
        });
        let client = client();
        let kept: Vec<_> = (0..3).map(|_| client.get(&*url).send().unwrap()).collect();
        let head = client.head(&*url).send().unwrap();
        assert_eq!(head.header("content-length"), Some("100"));
        let last = client.get(&*url).send().unwrap();
        assert!(last.facts().is_reused() && kept.iter().skip(1).all(|it| it.facts().is_reused()));
        assert_eq!(last.text().unwrap(), "last");
    });
}

#[test]
fn response_that_is_dropped_unread_closes_its_connection() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut first = server.accept();
            first.head();
            first.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
            assert!(first.rest().is_empty());
            server.accept().answer("again");
        });
        let client = client();
        drop(client.get(&*url).send().unwrap());
        let again = client.get(&*url).send().unwrap();
        assert!(!again.facts().is_reused());
        assert_eq!(again.text().unwrap(), "again");
        peer.join().unwrap();
    });
}

#[test]
fn known_length_goes_with_content_length_and_unknown_in_chunks() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            let known = peer.head();
            let body = peer.octets(5);
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            let unknown = peer.head();
            let chunks = peer.until("0\r\n\r\n");
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            let empty = peer.head();
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            (known, body, unknown, chunks, empty)
        });
        let client = client();
        client.post(&*url).body("hello").send().unwrap();
        client.put(&*url).body(Body::from_reader(&b"hello"[..])).send().unwrap();
        client.post(&*url).send().unwrap();
        let (known, body, unknown, chunks, empty) = peer.join().unwrap();
        assert!(known.contains("\r\ncontent-length: 5\r\n"), "{known}");
        assert_eq!(body, b"hello");
        assert!(unknown.contains("\r\ntransfer-encoding: chunked\r\n"), "{unknown}");
        assert!(!unknown.contains("content-length"), "{unknown}");
        assert_eq!(chunks, "5\r\nhello\r\n0\r\n\r\n");
        assert!(empty.contains("\r\ncontent-length: 0\r\n"), "{empty}");
    });
}

#[test]
fn responses_end_by_length_by_chunks_and_by_the_close() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.answer("length");
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nchu\r\n3;x=y\r\nnks\r\n0\r\nx-sum: 7\r\n\r\n");
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\n\r\nthe close");
            drop(peer);
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.0 200 OK\r\n\r\nold");
        });
        let client = client();
        let text = || client.get(&*url).send().unwrap().text().unwrap();
        assert_eq!(text(), "length");
        let mut chunks = client.get(&*url).send().unwrap();
        let trailers = chunks.trailers().unwrap().unwrap();
        assert_eq!(trailers["x-sum"], "7");
        assert_eq!(text(), "the close");
        let old = client.get(&*url).send().unwrap();
        assert_eq!(old.version(), Version::HTTP_10);
        assert_eq!(old.text().unwrap(), "old");
    });
}

#[test]
fn interim_responses_are_passed_over() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write(
                "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
            );
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
        assert_eq!(client().get(url).send().unwrap().text().unwrap(), "ok");
    });
}

#[test]
fn body_waits_for_100_continue() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            let head = peer.head();
            peer.write("HTTP/1.1 100 Continue\r\n\r\n");
            let body = peer.octets(4);
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            (head, body)
        });
        let mut config = config();
        config.expect_timeout = std::time::Duration::from_secs(100);
        let client = h2_sync::client::Client::with_config(config).unwrap();
        let response = client.post(url).body("body").expect_continue().send().unwrap();
        assert_eq!(response.status(), 200);
        let (head, body) = peer.join().unwrap();
        assert!(head.contains("\r\nexpect: 100-continue\r\n"), "{head}");
        assert_eq!(body, b"body");
    });
}

#[test]
fn body_that_is_not_wanted_is_not_sent_and_the_connection_not_used_again() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.1 417 No\r\ncontent-length: 2\r\n\r\nno");
            let rest = peer.rest();
            server.accept().answer("");
            rest
        });
        let client = client();
        let refused = client.post(&*url).body("body").expect_continue().send().unwrap();
        assert_eq!((refused.status().as_u16(), refused.text().unwrap().as_str()), (417, "no"));
        assert!(!client.get(&*url).send().unwrap().facts().is_reused());
        assert!(peer.join().unwrap().is_empty());
    });
}

#[test]
fn early_refusal_stops_the_upload() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.octets(100_000);
            peer.write("HTTP/1.1 413 Too Much\r\ncontent-length: 8\r\n\r\ntoo much");
            peer.rest();
        });
        let body = Body::from_reader(io::repeat(7));
        let response = client().post(url).body(body).send().unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(response.text().unwrap(), "too much");
        peer.join().unwrap();
    });
}

#[test]
fn early_success_lets_the_upload_go_on_while_the_response_is_read() {
    bounded(|| {
        let len = 20 << 20;
        let (peer, url) = server(move |server| {
            let mut peer = server.accept();
            peer.head();
            peer.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n"));
            for _ in 0..len >> 12 {
                let piece = peer.octets(4 << 10);
                peer.write(piece);
            }
        });
        let sent = octets(len);
        let body = Body::from_reader_with_len(io::Cursor::new(sent.clone()), len as u64);
        let mut response = client().post(url).body(body).send().unwrap();
        let mut received = Vec::new();
        response.read_to_end(&mut received).unwrap();
        assert!(received == sent);
        peer.join().unwrap();
    });
}

#[test]
fn server_that_waits_between_chunks_for_more_of_the_request_gets_it() {
    const STEP: usize = 8 << 20;
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            for _ in 0..3 {
                // More than the sockets buffer: the client has to continue sending.
                peer.octets(STEP);
                peer.write("1\r\ny\r\n");
            }
            peer.until("\r\n0\r\n\r\n");
            peer.write("0\r\n\r\n");
        });
        let body = Body::from_reader(io::repeat(b'x').take(3 * STEP as u64));
        assert_eq!(client().post(url).body(body).send().unwrap().text().unwrap(), "yyy");
    });
}
