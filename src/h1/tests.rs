//! The two roles against one another, and against scripted peers, in memory.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, Uri};

use super::*;
use crate::http1::{BodySize, ClientConnection, Config, ServerConnection};
use crate::transport::{Duplex, Transport, duplex};
use crate::wire::Owner;

/// Longer than anything takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
const WAITS: Waits = Waits { idle: Some(LONG), head: Some(LONG) };

/// Starts a thread for each write that is asked for.
#[derive(Default)]
struct Writers(Arc<OnceLock<Weak<Link>>>);

impl Owner for Writers {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        let link = self.0.get().and_then(Weak::upgrade).expect("set at the start");
        thread::spawn(move || link.flush_for_others());
        true
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {}
}

fn link(codec: Codec, stream: Duplex) -> Arc<Link> {
    let limits = Limits { stall_timeout: Some(LONG), max_send_buffer: 100 };
    let writers = Writers::default();
    let slot = Arc::clone(&writers.0);
    let halves = stream.split().unwrap();
    let link = Arc::new(Link::new(codec, halves, Bytes::new(), limits, Box::new(writers)));
    slot.set(Arc::downgrade(&link)).unwrap();
    link
}

fn server(stream: Duplex) -> Arc<Link> {
    link(Codec::Server(ServerConnection::new(Config::default())), stream)
}

fn client(stream: Duplex) -> Arc<Link> {
    link(Codec::Client(ClientConnection::new(Config::default())), stream)
}

fn both() -> (Arc<Link>, Arc<Link>) {
    let (ours, theirs) = duplex(1 << 20);
    (client(ours), server(theirs))
}

fn get(client: &Arc<Link>) -> (SendHalf, RecvHalf) {
    let (uri, none) = (Uri::from_static("http://a/b"), HeaderMap::new());
    let (mut send, recv) =
        client.open(&Method::GET, &uri, &none, BodySize::Known(0)).unwrap().unwrap();
    send.finish(None).unwrap();
    (send, recv)
}

fn post(client: &Arc<Link>) -> (SendHalf, RecvHalf) {
    let (uri, none) = (Uri::from_static("http://a/b"), HeaderMap::new());
    client.open(&Method::POST, &uri, &none, BodySize::Unknown).unwrap().unwrap()
}

fn can_be_used(client: &Link) -> bool {
    client.maintain();
    client.standing() == Standing::Free
}

fn request(server: &Link) -> Request<()> {
    match server.next_request(&WAITS) {
        Next::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

fn respond(server: &Arc<Link>, body: &'static [u8]) {
    let mut send = SendHalf::new(Arc::clone(server), BytesMut::from(body));
    let (none, size) = (HeaderMap::new(), BodySize::Known(body.len() as u64));
    send.put_response(StatusCode::OK, &none, size, Then::End).unwrap();
    send.flush_link().unwrap();
}

fn read_all(recv: &mut RecvHalf) -> Vec<u8> {
    let mut body = Vec::new();
    recv.read_to_end(&mut body).unwrap();
    body
}

#[test]
fn requests_follow_one_another_on_one_connection() {
    let (client, server) = both();
    for _ in 0..3 {
        assert!(can_be_used(&client));
        let (send, mut recv) = get(&client);
        assert_eq!(request(&server).uri(), "/b");
        respond(&server, b"hello");
        assert!(server.end_exchange());
        assert_eq!(recv.next_response().unwrap().status(), StatusCode::OK);
        assert_eq!(read_all(&mut recv), b"hello");
        drop((send, recv));
    }
    assert!(can_be_used(&client));
}

#[test]
fn both_halves_of_an_exchange_are_used_at_once() {
    let (client, server) = both();
    let (mut send, mut recv) = post(&client);
    send.flush_link().unwrap();
    request(&server);
    let echo = {
        let mut from = RecvHalf::new(Arc::clone(&server), Some(LONG));
        let mut to = SendHalf::new(Arc::clone(&server), BytesMut::new());
        let none = HeaderMap::new();
        to.put_response(StatusCode::OK, &none, BodySize::Unknown, Then::More).unwrap();
        to.flush_link().unwrap();
        thread::spawn(move || {
            while let Some(data) = from.next_chunk().unwrap() {
                to.send(data).unwrap();
            }
            to.finish(None).unwrap();
        })
    };
    assert_eq!(recv.next_response().unwrap().status(), StatusCode::OK);
    for word in ["one", "two", "three"] {
        send.send(Bytes::from_static(word.as_bytes())).unwrap();
        assert_eq!(recv.next_chunk().unwrap().unwrap(), word);
    }
    send.finish(None).unwrap();
    assert_eq!(recv.next_chunk().unwrap(), None);
    echo.join().unwrap();
    assert!(server.end_exchange());
}

#[test]
fn head_body_and_end_go_out_in_one_write() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    theirs.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    request(&server);
    respond(&server, b"hi");
    let mut text = [0; 100];
    let n = theirs.read(&mut text).unwrap();
    assert_eq!(&text[..n], b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
}

#[test]
fn continue_is_sent_when_the_body_is_waited_for() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    theirs.write_all(head.as_bytes()).unwrap();
    request(&server);
    let mut recv = RecvHalf::new(Arc::clone(&server), Some(LONG));
    let reader = thread::spawn(move || recv.next_chunk().unwrap());
    let mut text = [0; 25];
    theirs.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"HTTP/1.1 100 Continue\r\n\r\n");
    theirs.write_all(b"hi").unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), "hi");
}

#[test]
fn body_that_is_late_is_a_timeout_and_can_be_read_on() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    theirs.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n").unwrap();
    request(&server);
    let mut recv = RecvHalf::new(server, Some(Duration::from_millis(10)));
    assert!(recv.next_chunk().unwrap_err().is_timeout());
    theirs.write_all(b"hi").unwrap();
    assert_eq!(recv.next_chunk().unwrap().unwrap(), "hi");
    assert_eq!(recv.next_chunk().unwrap(), None);
}

#[test]
fn head_that_is_late_is_told_from_an_idle_connection() {
    let waits = Waits { idle: Some(Duration::from_millis(10)), head: Some(Duration::ZERO) };
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    theirs.write_all(b"GET / HT").unwrap();
    assert!(matches!(server.next_request(&waits), Next::Late));
    let (ours, _theirs) = duplex(1 << 20);
    assert!(matches!(self::server(ours).next_request(&waits), Next::Ended));
}

#[test]
fn rest_of_a_body_is_dropped_up_to_a_bound() {
    for (len, goes_on) in [(1_000, true), (DRAINED + 1, false)] {
        let (ours, mut theirs) = duplex(1 << 20);
        let server = server(ours);
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n");
        theirs.write_all(head.as_bytes()).unwrap();
        theirs.write_all(&vec![0; len]).unwrap();
        request(&server);
        respond(&server, b"");
        assert_eq!(server.end_exchange(), goes_on, "{len} octets");
        let mut text = [0; 100];
        let n = theirs.read(&mut text).unwrap();
        let text = std::str::from_utf8(&text[..n]).unwrap();
        assert_eq!(text.contains("connection: close"), !goes_on, "{text}");
    }
}

const DRAINED: usize = 256 << 10;

#[test]
fn client_that_has_closed_is_seen_behind_its_request() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    theirs.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    request(&server);
    assert!(!server.is_cancelled() && !server.wait_cancelled(Duration::from_millis(1)));
    drop(theirs);
    assert!(server.wait_cancelled(LONG) && server.is_cancelled());
}

#[test]
fn cut_connection_fails_both_halves_with_its_reason() {
    let (client, _server) = both();
    let (mut send, mut recv) = post(&client);
    let waiting = thread::spawn(move || recv.next_response().unwrap_err().to_string());
    client.cut(crate::error::Error::timeout("enough"));
    assert_eq!(waiting.join().unwrap(), "enough");
    assert_eq!(send.send(Bytes::from_static(b"x")).unwrap_err().to_string(), "enough");
    assert!(!can_be_used(&client));
}

#[test]
fn message_that_is_dropped_in_the_middle_does_not_look_complete() {
    let (client, server) = both();
    let (_send, mut recv) = get(&client);
    request(&server);
    let mut send = SendHalf::new(Arc::clone(&server), BytesMut::new());
    let none = HeaderMap::new();
    send.put_response(StatusCode::OK, &none, BodySize::Unknown, Then::More).unwrap();
    send.send(Bytes::from_static(b"a part")).unwrap();
    assert_eq!(recv.next_response().unwrap().status(), StatusCode::OK);
    assert_eq!(recv.next_chunk().unwrap().unwrap(), "a part");
    drop(send);
    assert!(recv.next_chunk().is_err());
    assert!(!server.end_exchange());
}

#[test]
fn try_send_gives_back_what_has_no_room() {
    // The peer's buffer takes 60 octets, of which the head takes most, and ours may keep 100.
    let (ours, mut theirs) = duplex(60);
    let server = server(ours);
    theirs.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    request(&server);
    let mut send = SendHalf::new(Arc::clone(&server), BytesMut::new());
    let none = HeaderMap::new();
    send.put_response(StatusCode::OK, &none, BodySize::Unknown, Then::More).unwrap();
    send.flush_link().unwrap();
    let piece = Bytes::from_static(&[b'x'; 60]);
    let full = std::iter::repeat_with(|| send.try_send(piece.clone()).is_err());
    assert!(full.take(5).any(|is_full| is_full));
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).unwrap();
        all
    });
    send.finish(None).unwrap();
    drop(send);
    server.end_exchange();
    server.cut(crate::error::Error::timeout("done"));
    let text = String::from_utf8(reader.join().unwrap()).unwrap();
    assert!(text.contains("x\r\n0\r\n\r\n"), "{text}");
}

#[test]
fn octets_that_answer_no_request_forbid_another_use() {
    let (ours, mut theirs) = duplex(1 << 20);
    let client = client(ours);
    assert!(can_be_used(&client));
    theirs.write_all(b"HTTP/1.1 408 Late\r\n\r\n").unwrap();
    assert!(!can_be_used(&client));
    drop(theirs);
}

#[test]
fn idle_connection_is_closed_after_its_grace_and_not_before() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    let waiting = {
        let server = Arc::clone(&server);
        thread::spawn(move || matches!(server.next_request(&WAITS), Next::Ended))
    };
    server.announce_close();
    server.close_idle(LONG);
    assert!(!server.is_cut());
    while !waiting.is_finished() {
        server.close_idle(Duration::ZERO);
        thread::yield_now();
    }
    assert!(waiting.join().unwrap());
    let mut rest = Vec::new();
    drop(server);
    theirs.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}

#[test]
fn request_that_comes_after_the_end_was_begun_is_answered_and_told() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    server.announce_close();
    theirs.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    // It has arrived, so that the connection is not idle.
    server.close_idle(Duration::ZERO);
    request(&server);
    let mut send = SendHalf::new(Arc::clone(&server), BytesMut::new());
    let none = HeaderMap::new();
    send.put_response(StatusCode::OK, &none, BodySize::Known(0), Then::End).unwrap();
    send.flush_link().unwrap();
    drop(send);
    assert!(!server.end_exchange());
    server.cut(closed());
    let mut text = String::new();
    theirs.read_to_string(&mut text).unwrap();
    assert!(text.contains("connection: close\r\n"), "{text}");
}

#[test]
fn tunnel_carries_octets_in_both_directions() {
    let (ours, mut theirs) = duplex(1 << 20);
    let server = server(ours);
    theirs.write_all(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\nping").unwrap();
    assert_eq!(request(&server).method(), Method::CONNECT);
    let mut recv = RecvHalf::new(Arc::clone(&server), Some(LONG));
    recv.may_tunnel();
    let mut send = SendHalf::new(Arc::clone(&server), BytesMut::from(&b"pong"[..]));
    let none = HeaderMap::new();
    send.put_response(StatusCode::OK, &none, BodySize::Unknown, Then::More).unwrap();
    assert_eq!(recv.next_chunk().unwrap().unwrap(), "ping");
    send.finish(None).unwrap();
    let mut text = String::new();
    theirs.read_to_string(&mut text).unwrap();
    assert_eq!(text, "HTTP/1.1 200 OK\r\n\r\npong");
    drop(theirs);
    assert_eq!(recv.next_chunk().unwrap(), None);
    drop((send, recv));
    assert!(!server.end_exchange());
}
