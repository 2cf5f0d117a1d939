//! HTTP/1.1 requests for an upgrade to HTTP/2 that never end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::memory::{KIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{LONG, eventually};
use crate::victim::{Victim, hello};

/// The beginning of an upgrade request.
const HEAD: &str = "\
    POST / HTTP/1.1\r\nhost: test\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\
    http2-settings: AAMAAABk\r\n";

/// Sends octets of an HTTP/1.1 client until the server closes, and returns the response.
fn spoken(
    victim: &Victim,
    pieces: impl Iterator<Item = Vec<u8>>,
    pace: Option<Duration>,
) -> String {
    let mut stream = TcpStream::connect(victim.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            break;
        }
        if let Some(pace) = pace {
            thread::park_timeout(pace);
        }
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server did not close"),
        // A reset is possible, since not everything was read.
        _ => String::from_utf8(answer).unwrap(),
    }
}

fn check(
    pieces: impl Iterator<Item = Vec<u8>> + Send + 'static,
    pace: Option<Duration>,
    status: &'static str,
) {
    measured(move |memory| {
        // A short deadline, to keep the tests short; the neighbour's handshake is complete by then.
        let victim = Victim::with(
            |config| {
                config.h2c_upgrade = true;
                if pace.is_some() {
                    config.handshake_timeout = Duration::from_millis(300);
                }
            },
            hello,
        );
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let answer = spoken(&victim, pieces, pace);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
        // The header section or the body, up to its limit, and the read buffer.
        measured.assert_peak(256 * KIB);
        neighbour.was_served();
        assert_eq!(victim.begun(), victim.handle.stats().requests as usize);
        eventually(|| victim.handle.stats().connections == 0);
    });
}

#[test]
fn an_http1_header_section_octet_by_octet_is_cut() {
    let octets = HEAD.bytes().chain(std::iter::repeat(b'x')).take(10_000);
    check(octets.map(|octet| vec![octet]), Some(Duration::from_millis(10)), "408");
}

#[test]
fn an_endless_http1_header_section_is_431() {
    let lines = std::iter::repeat_n(b"name: value\r\n".to_vec(), 100_000);
    check(std::iter::once(HEAD.into()).chain(lines), None, "431");
}

#[test]
fn an_endless_http1_target_is_414() {
    let more = std::iter::repeat_n(vec![b'x'; 1_000], 10_000);
    check(std::iter::once(b"GET /".to_vec()).chain(more), None, "414");
}

#[test]
fn an_endless_chunked_body_is_413() {
    chunked([b"64\r\n", &[b'x'; 100][..], b"\r\n"].concat(), "413");
}

#[test]
fn a_body_in_chunks_of_one_octet_is_413() {
    chunked(b"1\r\nx\r\n".to_vec(), "413");
}

fn chunked(chunk: Vec<u8>, status: &'static str) {
    let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    let chunks = std::iter::repeat_n(chunk, 100_000);
    check(std::iter::once(head.into()).chain(chunks), None, status);
}

#[test]
fn a_body_octet_by_octet_is_cut() {
    let head = format!("{HEAD}content-length: 10000\r\n\r\n");
    let octets = std::iter::repeat_n(b"x".to_vec(), 10_000);
    check(std::iter::once(head.into()).chain(octets), Some(Duration::from_millis(10)), "408");
}
