//! Misbehaving HTTP/1.1 servers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use h2_sync::client::{Client, Versions};
use h2_sync::{Error, ErrorKind};

use crate::memory::{MIB, bounded, measured};
use crate::support::LONG;

fn client() -> Client {
    crate::client_stage::client(|config| config.versions = Versions::Auto)
}

/// A server that calls `misbehave` after the first request, waits until the client closes that
/// connection, and behaves well on the second one.
fn server(misbehave: impl FnOnce(&mut TcpStream) + Send + 'static) -> (JoinHandle<()>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut first = accept(&listener);
        misbehave(&mut first);
        // A reset also counts as the end.
        let _ = first.read_to_end(&mut Vec::new());
        let mut second = accept(&listener);
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhonest").unwrap();
    });
    (serving, url)
}

/// Accepts a connection and reads its first request.
fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    stream
}

fn fetch(client: &Client, url: &str) -> Result<String, Error> {
    client.get(url).send()?.text()
}

/// Checks the error of the first request, and that the next one gets its own response.
#[track_caller]
fn assert_fails(
    misbehave: impl FnOnce(&mut TcpStream) + Send + 'static,
    kind: ErrorKind,
    what: &str,
) {
    let (serving, url) = server(misbehave);
    let client = client();
    let error = fetch(&client, &url).unwrap_err();
    assert_eq!(error.kind(), kind, "{what}: {error:?}");
    assert_eq!(fetch(&client, &url).unwrap(), "honest", "{what}");
    serving.join().unwrap();
}

/// After each attack, octets that look like another response.
const EVIL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

#[test]
fn ambiguous_responses_are_refused_and_nothing_after_them_is_a_response() {
    bounded(|| {
        let ok = "HTTP/1.1 200 OK\r\n";
        for (kind, fields, body) in [
            (ErrorKind::Peer, "content-length: 3\r\ncontent-length: 4\r\n", "abcd"),
            (ErrorKind::Peer, "content-length: 3, 4\r\n", "abcd"),
            (ErrorKind::Peer, "content-length: +3\r\n", "abc"),
            (ErrorKind::Peer, "content-length: -3\r\n", "abc"),
            (ErrorKind::Peer, "content-length: 0x3\r\n", "abc"),
            (ErrorKind::Peer, "content-length: 3a\r\n", "abc"),
            (ErrorKind::Peer, "content-length: 99999999999999999999\r\n", "abc"),
            (ErrorKind::Peer, "transfer-encoding: gzip, chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
            (ErrorKind::Peer, "transfer-encoding: chunked, chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
            (ErrorKind::Peer, "transfer-encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n"),
            (ErrorKind::Peer, "transfer-encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n"),
            (ErrorKind::Peer, "transfer-encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"),
            (ErrorKind::Peer, "x-a: a\0b\r\ncontent-length: 3\r\n", "abc"),
        ] {
            let octets = format!("{ok}{fields}\r\n{body}{EVIL}");
            let write = move |stream: &mut TcpStream| stream.write_all(octets.as_bytes()).unwrap();
            assert_fails(write, kind, fields);
        }
    });
}

#[test]
fn chunk_sizes_that_overflow_are_refused() {
    bounded(|| {
        for size in ["10000000000000003", "ffffffffffffffff3", &"0".repeat(1_000)] {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let octets = format!("{head}{size}\r\nabc\r\n0\r\n\r\n{EVIL}");
            let (serving, url) = server(move |stream| stream.write_all(octets.as_bytes()).unwrap());
            let client = client();
            let error = fetch(&client, &url).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Peer | ErrorKind::Limit), "{error:?}");
            assert_eq!(fetch(&client, &url).unwrap(), "honest");
            serving.join().unwrap();
        }
    });
}

#[test]
fn input_that_is_not_a_response_is_refused() {
    bounded(|| {
        for octets in [
            "SSH-2.0-hello\r\n\r\n",
            "HTTP/9.9 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            "\0\0\0\0\r\n\r\n",
            "<html>hello</html>\r\n\r\n",
        ] {
            let write = |stream: &mut TcpStream| stream.write_all(octets.as_bytes()).unwrap();
            assert_fails(write, ErrorKind::Peer, octets);
        }
    });
}

#[test]
fn frames_of_http2_are_not_a_response() {
    bounded(|| {
        // SETTINGS, the first frame of an HTTP/2 server.
        let write =
            |stream: &mut TcpStream| stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
        let (_serving, url) = server(move |stream| {
            write(stream);
            // The server closes, since it got no preface.
            let _ = stream.shutdown(std::net::Shutdown::Write);
        });
        let error = fetch(&client(), &url).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Peer | ErrorKind::Closed), "{error:?}");
    });
}

#[test]
fn a_truncated_body_never_looks_complete() {
    bounded(|| {
        for octets in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhell\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhe",
            "HTTP/1.1 200 OK\r\ncontent-le",
        ] {
            let write = |stream: &mut TcpStream| {
                stream.write_all(octets.as_bytes()).unwrap();
                stream.shutdown(std::net::Shutdown::Write).unwrap();
            };
            assert_fails(write, ErrorKind::Closed, octets);
        }
    });
}

/// Sends `first`, then `over` repeatedly, until the client closes.
fn endless(first: &'static str, over: &'static str) -> impl FnOnce(&mut TcpStream) + Send {
    move |stream| {
        let pieces = over.repeat((64 << 10) / over.len());
        let mut went = stream.write_all(first.as_bytes());
        while went.is_ok() {
            went = stream.write_all(pieces.as_bytes());
        }
    }
}

#[test]
fn heads_and_trailers_without_end_are_refused_in_bounded_memory() {
    measured(|memory| {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (first, over) in [
            ("HTTP/1.1 200 ", "OK"),
            ("HTTP/1.1 200 OK\r\n", "x-a: 1\r\n"),
            ("HTTP/1.1 200 OK\r\nx-a: ", "a"),
            ("HTTP/1.1 200 OK\r\n", "x"),
            ("", "\r\n"),
            ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
            (chunked, "0"),
            (chunked, "1;"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-a: 1\r\n"),
        ] {
            let memory = memory.start();
            let (serving, url) = server(endless(first, over));
            let client = client();
            let error = fetch(&client, &url).unwrap_err();
            let is_refusal = matches!(error.kind(), ErrorKind::Peer | ErrorKind::Limit);
            assert!(is_refusal, "{first:?} {over:?}: {error:?}");
            assert_eq!(fetch(&client, &url).unwrap(), "honest");
            serving.join().unwrap();
            memory.assert_peak(2 * MIB);
        }
    });
}

#[test]
fn a_header_section_octet_by_octet_ends_at_its_timeout() {
    bounded(|| {
        let (serving, url) = server(|stream| {
            let mut went = stream.write_all(b"HTTP/1.1 200 OK\r\nx-a: ");
            while went.is_ok() {
                went = stream.write_all(b"a");
                thread::sleep(Duration::from_millis(5));
            }
        });
        let client = client();
        let request = client.get(&*url).response_timeout(Duration::from_millis(100));
        assert!(request.send().unwrap_err().is_timeout());
        assert_eq!(fetch(&client, &url).unwrap(), "honest");
        serving.join().unwrap();
    });
}

#[test]
fn a_body_octet_by_octet_ends_at_the_total_timeout() {
    bounded(|| {
        let (serving, url) = server(|stream| {
            let mut went = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while went.is_ok() {
                went = stream.write_all(b"a");
                thread::sleep(Duration::from_millis(5));
            }
        });
        let client = client();
        let request = client.get(&*url).timeout(Duration::from_millis(300));
        assert!(request.send().and_then(|response| response.text()).unwrap_err().is_timeout());
        assert_eq!(fetch(&client, &url).unwrap(), "honest");
        serving.join().unwrap();
    });
}

/// Deviations that browsers accept are accepted.
#[test]
fn lenient_responses_are_accepted() {
    bounded(|| {
        for octets in [
            "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
            "HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nx-a: a\r\n b\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        ] {
            let (_serving, url) = server(|stream| stream.write_all(octets.as_bytes()).unwrap());
            assert_eq!(fetch(&client(), &url).unwrap(), "hello", "{octets}");
        }
    });
}
