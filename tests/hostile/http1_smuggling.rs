//! HTTP/1.1 requests that intermediaries could split differently than this server does.
//!
//! Each is sent after a valid request on the same connection, and followed by another request. The
//! server must answer with the expected status and close, and the handler must never see the
//! following request.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use crate::memory::bounded;
use crate::neighbour::Neighbour;
use crate::support::LONG;
use crate::support::http1::Raw;
use crate::support::smuggling::{BODIES, Case, HEADS, HONEST, SMUGGLED};
use crate::victim::Victim;

/// The paths for which handlers were called.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sends each case to a server that reads bodies, on a separate connection.
fn check(cases: &'static [Case], paths: &'static [&'static str]) {
    bounded(move || {
        let seen = Seen::default();
        let theirs = seen.clone();
        let victim = Victim::new(move |request, response| {
            let path = request.path().to_owned();
            // Requests of the neighbour have this path.
            if path != "/" {
                theirs.0.lock().unwrap().push(path);
            }
            std::io::copy(request, response)?;
            Ok(())
        });
        let neighbour = Neighbour::of(&victim.url);
        for (name, octets, status) in cases {
            let mut raw = Raw::connect(victim.address());
            raw.send(format!("{HONEST}{octets}{SMUGGLED}"));
            assert_eq!(raw.reply().status, 200, "{name}");
            let reply = raw.reply();
            assert_eq!(reply.status, *status, "{name}: {} {}", reply.head, reply.text());
            assert!(reply.closes(), "{name}: {}", reply.head);
            raw.assert_closed();
            assert_eq!(seen.take(), paths, "{name}");
        }
        neighbour.was_served();
    });
}

#[test]
fn ambiguous_header_sections_are_refused_before_a_handler_runs() {
    check(HEADS, &["/honest"]);
}

#[test]
fn ambiguous_bodies_are_refused_and_nothing_after_them_is_a_request() {
    check(BODIES, &["/honest", "/bad"]);
}

/// Valid lengths and chunks in unusual forms.
#[test]
fn honest_messages_that_look_similar_are_each_one_request() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            std::io::copy(request, response)?;
            Ok(())
        });
        let mut raw = Raw::connect(victim.address());
        for (octets, body) in [
            ("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 005\r\n\r\nhello", "hello"),
            (
                "POST / HTTP/1.1\r\nHost:test\r\nTransfer-Encoding: Chunked\r\n\r\n05;a=\"b\"\r\nhello\r\n0;x\r\nx-sum: 1\r\n\r\n",
                "hello",
            ),
            ("\r\nGET http://test/ HTTP/1.1\r\nhost: test\r\n\r\n", ""),
            (
                "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 16\r\n\r\nGET / HTTP/1.1\r\n",
                "GET / HTTP/1.1\r\n",
            ),
            ("OPTIONS * HTTP/1.1\r\nhost:  test \t\r\nx:\r\n\r\n", ""),
        ] {
            raw.send(octets);
            let reply = raw.reply();
            assert_eq!((reply.status, reply.text()), (200, body), "{octets:?}");
        }
        assert_eq!(victim.begun(), 5);
    });
}

/// A text would be a frame to an HTTP/2 peer, which may connect to the same port.
#[test]
fn a_first_line_that_is_not_http_is_answered_with_goaway() {
    bounded(|| {
        let victim = Victim::hello();
        for noise in [
            &b"PRX * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            b"GET /\r\n\r\n",
            b"GET / HTTP/2.0\r\nhost: test\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\0\0\0\x04\0\0\0\0\0",
            b"EHLO test\r\n",
        ] {
            let mut raw = Raw::connect(victim.address());
            raw.send(noise);
            let answer = raw.rest();
            let settings = b"\0\0\0\x04\0\0\0\0\0".to_vec();
            let goaway = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01".to_vec();
            assert_eq!(answer, [settings, goaway].concat(), "{}", noise.escape_ascii());
        }
        assert_eq!(victim.begun(), 0);
        // A silent connection is closed without an answer.
        let stream = TcpStream::connect(victim.address()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        drop(stream);
    });
}
