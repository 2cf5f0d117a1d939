//! Requests in HTTP/1.1 of which another party may see two where we see one, or the other way round.
//!
//! Each comes behind an honest request on the same connection, with another request behind it. The
//! server answers with the right status and closes, and the handler never sees what is behind.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use crate::memory::bounded;
use crate::neighbour::Neighbour;
use crate::support::http1::Raw;
use crate::support::LONG;
use crate::victim::Victim;

const HONEST: &str = "GET /honest HTTP/1.1\r\nhost: test\r\n\r\n";

/// What may stand behind, for a front that has counted differently.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: test\r\n\r\n";

/// A name, the octets, the status.
type Case = (&'static str, &'static str, u16);

/// Paths that handlers have been called for.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A server that reads bodies, and a client's octets to it, each on a connection of its own.
fn check(cases: &'static [Case], paths: &'static [&'static str]) {
    bounded(move || {
        let seen = Seen::default();
        let theirs = seen.clone();
        let victim = Victim::new(move |request, response| {
            let path = request.path().to_owned();
            // The neighbour asks for this one.
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
fn heads_in_doubt_are_refused_before_a_handler_runs() {
    check(HEADS, &["/honest"]);
}

#[test]
fn bodies_in_doubt_are_refused_and_nothing_behind_them_is_a_request() {
    check(BODIES, &["/honest", "/bad"]);
}

const HEADS: &[Case] = &[
    // Lengths.
    ("two lengths", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ncontent-length: 0\r\n\r\nhello", 400),
    ("one length twice", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", 400),
    ("a list of lengths", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5, 5\r\n\r\nhello", 400),
    ("a length with a sign", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: +5\r\n\r\nhello", 400),
    ("a length below zero", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: -1\r\n\r\n", 400),
    ("a hexadecimal length", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 0x5\r\n\r\nhello", 400),
    ("a length with a blank", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 0 5\r\n\r\n", 400),
    ("an empty length", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length:\r\n\r\n", 400),
    ("a length beyond 64 bits", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 18446744073709551621\r\n\r\nhello", 400),
    // Transfer codings.
    ("a length beside chunked", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked beside a length", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n", 400),
    ("chunked twice", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    ("two transfer-encodings", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", 400),
    ("chunked not last", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    ("identity", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: identity\r\n\r\n", 400),
    ("a misspelt coding", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("a quoted coding", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400),
    ("a coding with a form feed", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("an empty coding", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding:\r\n\r\n", 400),
    ("a coding with a parameter", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400),
    ("a coding that is not known", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("a coding in HTTP/1.0", "POST /bad HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a blank before the colon", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ("a tab before the colon", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length\t: 5\r\n\r\nhello", 400),
    ("a folded coding", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    ("a folded length", "POST /bad HTTP/1.1\r\nhost: test\r\nx: y\r\n content-length: 5\r\n\r\nhello", 400),
    // Line ends.
    ("a bare LF behind the first line", "GET /bad HTTP/1.1\nhost: test\r\n\r\n", 400),
    ("a bare LF in the fields", "GET /bad HTTP/1.1\r\nhost: test\nx: y\r\n\r\n", 400),
    ("a bare LF that ends the head", "GET /bad HTTP/1.1\r\nhost: test\r\n\n", 400),
    ("a bare CR in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: y\rcontent-length: 5\r\n\r\n", 400),
    ("a bare CR before the line end", "GET /bad HTTP/1.1\r\nhost: test\r\nx: y\r\r\n\r\n", 400),
    ("a bare CR in front", "\rGET /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("empty lines in front", "\r\n\r\nGET /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    // Octets.
    ("NUL in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: a\0b\r\n\r\n", 400),
    ("NUL in a name", "GET /bad HTTP/1.1\r\nhost: test\r\nx\0: a\r\n\r\n", 400),
    ("NUL in the target", "GET /bad\0 HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a control octet in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: a\x0bb\r\n\r\n", 400),
    ("DEL in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: \x7f\r\n\r\n", 400),
    ("a blank in a name", "GET /bad HTTP/1.1\r\nhost: test\r\nx y: z\r\n\r\n", 400),
    ("no name", "GET /bad HTTP/1.1\r\nhost: test\r\n: z\r\n\r\n", 400),
    ("no colon", "GET /bad HTTP/1.1\r\nhost: test\r\nGET /x HTTP/1.1\r\n\r\n", 400),
    ("a blank in front of the first field", "GET /bad HTTP/1.1\r\n host: test\r\n\r\n", 400),
    // The first line.
    ("two blanks", "GET  /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a tab for a blank", "GET\t/bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a blank in the target", "GET /bad /x HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a blank behind the version", "GET /bad HTTP/1.1 \r\nhost: test\r\n\r\n", 400),
    ("HTTP/0.9", "GET /bad\r\n\r\n", 400),
    ("HTTP/1.2", "GET /bad HTTP/1.2\r\nhost: test\r\n\r\n", 505),
    ("HTTP/2.0", "GET /bad HTTP/2.0\r\nhost: test\r\n\r\n", 505),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a fragment", "GET /bad#x HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("an authority as target", "GET test:80 HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    // Hosts.
    ("no host", "GET /bad HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET /bad HTTP/1.1\r\nhost: test\r\nhost: other\r\n\r\n", 400),
    ("one host twice", "GET /bad HTTP/1.1\r\nhost: test\r\nhost: test\r\n\r\n", 400),
    ("a list of hosts", "GET /bad HTTP/1.1\r\nhost: test, other\r\n\r\n", 400),
    ("a host against the target", "GET http://other/bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("userinfo in the target", "GET http://test@other/bad HTTP/1.1\r\nhost: other\r\n\r\n", 400),
    ("userinfo in the host", "GET /bad HTTP/1.1\r\nhost: a@test\r\n\r\n", 400),
    ("CONNECT with content", "CONNECT test:443 HTTP/1.1\r\nhost: test:443\r\ncontent-length: 5\r\n\r\nhello", 400),
];

const BODIES: &[Case] = &[
    ("a chunk size with a sign", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
    ("a chunk size with 0x", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    ("a chunk size with a blank", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400),
    ("a chunk size beyond 64 bits", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    ("a chunk size of many zeros", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    ("no chunk size", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n\r\n0\r\n\r\n", 400),
    ("a chunk longer than its size", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", 400),
    ("a chunk shorter than its size", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n", 400),
    ("a bare LF behind a chunk size", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400),
    ("a bare LF behind a chunk", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", 400),
    ("a bare CR in an extension", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n", 400),
    ("a bare LF in a quoted extension", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", 400),
    ("a length among the trailers", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n", 400),
    ("a host among the trailers", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\nhost: other\r\n\r\n", 400),
    ("a request for a trailer", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\nGET /x HTTP/1.1\r\n\r\n", 400),
    ("a bare LF behind the trailers", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\n", 400),
];

/// The honest twin: lengths and chunks that are right, with all that may stand beside them.
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
            ("POST / HTTP/1.1\r\nHost:test\r\nTransfer-Encoding: Chunked\r\n\r\n05;a=\"b\"\r\nhello\r\n0;x\r\nx-sum: 1\r\n\r\n", "hello"),
            ("\r\nGET http://test/ HTTP/1.1\r\nhost: test\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 16\r\n\r\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
            ("OPTIONS * HTTP/1.1\r\nhost:  test \t\r\nx:\r\n\r\n", ""),
        ] {
            raw.send(octets);
            let reply = raw.reply();
            assert_eq!((reply.status, reply.text()), (200, body), "{octets:?}");
        }
        assert_eq!(victim.begun(), 5);
    });
}

/// As on a port where peers of HTTP/2 connect: a text would be a frame to them.
#[test]
fn first_line_that_is_no_http_is_answered_with_goaway() {
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
        // Silence is not answered at all.
        let stream = TcpStream::connect(victim.address()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        drop(stream);
    });
}
