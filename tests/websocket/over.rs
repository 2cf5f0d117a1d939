//! WebSockets on streams of the caller's.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::Error;
use h2_sync::transport::{Duplex, duplex};
use h2_sync::websocket::{CloseCode, Config, WebSocket, client_over, server_over};

use crate::by_hand::{CLOSE, TEXT, frame, request};
use crate::memory::bounded;
use crate::sites::{assert_echo, config, echo};
use crate::support::LONG;

fn opening() -> http::Request<()> {
    http::Request::get("/echo").header("host", "example.com:80").body(()).unwrap()
}

/// Both ends in memory, and the client's stream as it is seen from outside.
fn joined(client: Config, server: Config) -> (WebSocket, thread::JoinHandle<Result<(), Error>>) {
    let (near, far) = duplex(64 << 10);
    let serves = thread::spawn(move || echo(server_over(far, &server)?));
    (client_over(near, opening(), &client).unwrap(), serves)
}

fn by_hand() -> (Duplex, Duplex) {
    let (near, far) = duplex(64 << 10);
    far.set_read_timeout(Some(LONG)).unwrap();
    (near, far)
}

#[test]
fn both_ends_speak_over_a_pipe_in_memory() {
    bounded(|| {
        let wants = || {
            config(|config| {
                config.compression = Some(Default::default());
                config.protocols = vec!["a".into()];
            })
        };
        let (mut socket, server) = joined(wants(), wants());
        assert_eq!(socket.handshake().protocol(), Some("a"));
        assert!(socket.handshake().deflate().is_some());
        assert_echo(&mut socket, "hello");
        socket.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn target_and_host_are_those_of_the_request() {
    bounded(|| {
        for (uri, host) in [("/a?b", Some("c.example:81")), ("http://c.example:81/a?b", None)] {
            let (near, mut far) = by_hand();
            let mut request = http::Request::get(uri).header("x-a", "1");
            if let Some(host) = host {
                request = request.header("host", host);
            }
            let request = request.body(()).unwrap();
            let opens = thread::spawn(move || client_over(near, request, &Config::default()));
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                far.read_exact(&mut octet).unwrap();
                head.push(octet[0]);
            }
            let head = String::from_utf8(head).unwrap();
            assert!(
                head.starts_with("GET /a?b HTTP/1.1\r\nhost: c.example:81\r\nx-a: 1\r\n"),
                "{head}"
            );
            drop(far);
            assert!(opens.join().unwrap().is_err());
        }
    });
}

#[test]
fn stream_stays_open_for_the_caller_that_keeps_a_clone() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let serves = thread::spawn(move || -> Result<TcpStream, Error> {
            let stream = listener.accept()?.0;
            echo(server_over(stream.try_clone()?, &Config::default())?)?;
            Ok(stream)
        });
        let mut socket =
            client_over(stream.try_clone().unwrap(), opening(), &Config::default()).unwrap();
        assert_echo(&mut socket, "hello");
        socket.close(CloseCode::NORMAL, "").unwrap();
        drop(socket);
        let mut theirs = serves.join().unwrap().unwrap();
        let mut ours = stream;
        let mut octets = [0; 5];
        ours.set_read_timeout(Some(LONG)).unwrap();
        theirs.set_read_timeout(Some(LONG)).unwrap();
        ours.write_all(b"there").unwrap();
        theirs.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"there");
        theirs.write_all(b"again").unwrap();
        ours.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"again");
    });
}

#[test]
fn octets_behind_the_last_frame_are_given_back() {
    bounded(|| {
        let (near, mut far) = by_hand();
        let mut octets = request("").into_bytes();
        octets.extend(frame(TEXT, b"hello", true));
        octets.extend(frame(CLOSE, &[0x03, 0xe8], true));
        octets.extend(b"something else");
        far.write_all(&octets).unwrap();
        let mut socket = server_over(near, &Config::default()).unwrap();
        assert_eq!(socket.read().unwrap(), Some("hello".into()));
        assert_eq!(socket.read().unwrap(), None);
        assert_eq!(socket.into_rest(), &b"something else"[..]);
    });
}

#[test]
fn request_that_is_refused_is_answered_and_an_error() {
    bounded(|| {
        for (wrong, status) in [
            (request("").replace("version: 13", "version: 7"), 426),
            (request("origin: https://evil.example\r\n"), 403),
            (request("").replace("GET", "PUT"), 405),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ] {
            let (near, mut far) = by_hand();
            far.write_all(wrong.as_bytes()).unwrap();
            let error = server_over(near, &Config::default()).unwrap_err();
            assert_eq!(error.status().unwrap(), status, "{error}");
            let mut answer = String::new();
            far.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    });
}

#[test]
fn answer_that_opens_nothing_is_an_error_with_status_and_text() {
    bounded(|| {
        let (near, mut far) = by_hand();
        far.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone").unwrap();
        let error = client_over(near, opening(), &Config::default()).unwrap_err();
        assert_eq!(error.status().unwrap(), 404);
        assert!(error.to_string().ends_with("404 Not Found: none"), "{error}");
    });
}

#[test]
fn handshake_has_its_time_at_both_ends() {
    bounded(|| {
        let config = config(|config| config.handshake_timeout = Duration::from_millis(20));
        let (near, _far) = by_hand();
        let error = client_over(near, opening(), &config).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let (near, mut far) = by_hand();
        far.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        let error = server_over(near, &config).unwrap_err();
        assert_eq!(error.status().unwrap(), 408, "{error}");
        let (near, _far) = by_hand();
        assert!(server_over(near, &config).is_err());
    });
}
