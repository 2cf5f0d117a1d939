//! Field blocks: CONTINUATION in both directions, limits, and HPACK tables that stay in sync (RFC
//! 9113, Section 4.3).

use std::time::Duration;

use bytes::Bytes;

use super::super::{Config, Event, HeadersKind, Role};
use super::{Peer, Sent, get, id, post, status, trailers};
use crate::frame::{Continuation, ErrorCode, Frame, Headers, Ping, Setting};
use crate::hpack::Headers as Fields;

fn server() -> Peer {
    Peer::of_server(Config::default())
}

/// Splits a block into HEADERS and CONTINUATION frames.
fn cut(n: u32, block: &[u8], pieces: usize, end_stream: bool) -> Vec<Frame> {
    let len = block.len().div_ceil(pieces).max(1);
    let mut parts: Vec<_> = block.chunks(len).map(Bytes::copy_from_slice).collect();
    parts.resize(pieces, Bytes::new());
    let last = parts.len() - 1;
    let frame = |(index, fragment)| match index {
        0 => Frame::Headers(Headers {
            stream_id: id(n),
            fragment,
            end_stream,
            end_headers: last == 0,
            priority: None,
            padding: None,
        }),
        _ => Frame::Continuation(Continuation {
            stream_id: id(n),
            fragment,
            end_headers: index == last,
        }),
    };
    parts.into_iter().enumerate().map(frame).collect()
}

fn section(size: usize) -> Fields {
    get().with("x", "y".repeat(size - get().section_size() - 33))
}

fn requests(events: &[Event]) -> Vec<u32> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Headers { stream_id, kind: HeadersKind::Request, .. } => Some(stream_id.get()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_block_in_many_frames_is_one_section() {
    for pieces in [1, 2, 5, 17] {
        let mut peer = server();
        let block = peer.encode(&get());
        peer.send_all(cut(1, &block, pieces, true));
        let event = Event::Headers {
            stream_id: id(1),
            headers: get(),
            kind: HeadersKind::Request,
            end_stream: true,
        };
        assert_eq!(peer.events(), [event]);
    }
}

#[test]
fn one_frame_too_many_is_a_flood() {
    let mut peer = server();
    let block = peer.encode(&get());
    peer.send_all(cut(1, &block, 18, true));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn nothing_may_come_between_the_frames_of_a_block() {
    let block = server().encode(&get());
    for stranger in [
        Frame::from(Ping { ack: false, payload: [0; 8] }),
        Continuation { stream_id: id(3), fragment: Bytes::new(), end_headers: true }.into(),
        cut(1, b"", 1, true).remove(0),
        super::peer::data_frame(1, b"", false),
        crate::frame::Unknown {
            kind: crate::frame::Kind(0x99),
            flags: Default::default(),
            stream_id: id(1),
            payload: Bytes::new(),
        }
        .into(),
    ] {
        let mut peer = server();
        peer.send(cut(1, &block, 2, true).remove(0));
        assert_eq!(peer.result, Ok(()));
        peer.send(stranger);
        peer.expect_failure(ErrorCode::ProtocolError);
    }
}

#[test]
fn a_block_that_does_not_decode_is_a_connection_error() {
    for block in [&b"\x80"[..], b"\xff\xff\xff\xff\xff\xff", b"\xbe", b"\x3f\xe2\x1f", b"\x40"] {
        let mut peer = server();
        peer.send_all(cut(1, block, 1, true));
        peer.expect_failure(ErrorCode::CompressionError);
    }
}

#[test]
fn a_block_that_does_not_end_in_time_ends_the_connection() {
    let block = server().encode(&get());
    let mut peer = server();
    peer.send(cut(1, &block, 2, true).remove(0));
    peer.pass(Duration::from_millis(9_999));
    assert_eq!(peer.result, Ok(()));
    peer.pass(Duration::from_millis(1));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);

    // Also if the first frame is incomplete.
    let mut peer = server();
    let mut octets = Vec::new();
    cut(1, &block, 1, true)[0].encode(&mut octets);
    peer.send_octets(&octets[..octets.len() - 1]);
    peer.pass(Duration::from_secs(10));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_request_over_the_limit_is_answered_with_431_and_never_seen() {
    let mut peer = server();
    let block = peer.encode(&section((64 << 10) + 1));
    peer.send_all(cut(1, &block, 5, true));
    let answer = peer.expect_headers(1, true);
    assert_eq!(answer.status(), Some(431));
    assert_eq!(peer.events(), []);
    let largest = peer.encode(&section(64 << 10));
    peer.send_all(cut(3, &largest, 5, true));
    assert_eq!(requests(&peer.events()), [3]);
}

#[test]
fn a_431_ends_an_upload_as_well() {
    let mut peer = server();
    let block = peer.encode(&section((64 << 10) + 1));
    peer.send_all(cut(1, &block, 5, false));
    assert_eq!(peer.expect_headers(1, true).status(), Some(431));
    peer.expect_reset(1, ErrorCode::NoError);
    peer.send_data(1, b"on its way", true);
    peer.expect_nothing();
    peer.expect_alive();
}

#[test]
fn too_many_small_fields_are_over_the_limit_too() {
    let mut peer = server();
    let mut crumbs = get();
    (0..253).for_each(|_| crumbs.push("cookie", "a"));
    peer.send_headers(1, &crumbs, true);
    assert_eq!(peer.expect_headers(1, true).status(), Some(431));
}

#[test]
fn a_response_over_the_limit_resets_its_stream() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    let block = peer.encode(&status(200).with("x", "y".repeat(66_000)));
    peer.send_all(cut(1, &block, 5, true));
    peer.expect_reset(1, ErrorCode::EnhanceYourCalm);
}

#[test]
fn trailers_over_the_limit_reset_their_stream() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    let block = peer.encode(&trailers().with("x", "y".repeat(66_000)));
    peer.send_all(cut(1, &block, 5, true));
    peer.expect_reset(1, ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_section_far_over_the_limit_ends_the_connection() {
    // One large entry, referenced repeatedly: few octets on the wire, much memory.
    let mut peer = server();
    peer.send_headers(1, &get().with("bomb", "x".repeat(2_000)), true);
    peer.send_headers(3, &get().with("bomb", "x".repeat(2_000)), true);
    peer.sent();
    let bomb = vec![0xbe; 200];
    peer.send_all(cut(5, &bomb, 1, true));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_block_of_more_octets_than_twice_the_limit_ends_the_connection() {
    let mut peer = Peer::of_server(Config { max_header_list_size: 1_024, ..Config::default() });
    // Size updates have no decoded size, and are only invalid after two.
    let mut block = peer.encode(&get()).to_vec();
    block.extend(b"\x00\x01a\x7f\xff\xff\xff\x07".iter());
    block.extend(vec![0; 2_048]);
    peer.send_all(cut(1, &block, 1, true));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn blocks_of_refused_dead_and_ignored_streams_are_decoded() {
    let config = Config { max_concurrent_streams: 1, ..Config::default() };
    let mut peer = Peer::of_server(config);
    peer.send_headers(1, &post(), false);
    // Each adds fields to the table that later blocks refer to.
    peer.send_headers(3, &get().with("refused", "three"), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    peer.send_headers(1, &trailers().with("dead", "one"), true);
    peer.send_headers(5, &get().with("Malformed", "five"), true);
    peer.send_headers(7, &get().with("refused", "three").with("dead", "one"), true);
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, "".into())).unwrap();
    peer.send_headers(9, &get().with("ignored", "nine"), true);
    peer.ask(|core, now| core.send_headers(id(7), &status(200), false, now)).unwrap();
    peer.events();
    assert_eq!(peer.result, Ok(()));
    // The decoder still has all of them; otherwise this would fail.
    peer.send_headers(11, &get().with("ignored", "nine").with("dead", "one"), true);
    assert_eq!(peer.result, Ok(()));
    assert_eq!(peer.events(), []);
    peer.expect_alive();
}

#[test]
fn a_large_section_of_ours_goes_out_as_headers_and_continuation() {
    let mut peer = Peer::of_client(Config::default());
    let large = section(60_000);
    peer.ask(|core, now| core.open(&large, true, now)).unwrap();
    let sent = peer.sent();
    let [Sent::Headers { fields, end_stream: true, frames, .. }] = &sent[..] else {
        panic!("HEADERS and CONTINUATION are one section")
    };
    assert!(*fields == large);
    // 60,000 octets, which Huffman coding shortens by an eighth.
    assert_eq!(*frames, 4);
}

#[test]
fn a_large_promise_goes_out_in_several_frames_as_well() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    let promised = peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    let large = section(60_000);
    peer.ask(|core, now| core.promise(id(1), promised, &large, now)).unwrap();
    let expected = Sent::Promise { parent: id(1), promised, fields: large };
    assert_eq!(peer.sent(), [expected]);
}

#[test]
fn a_promise_in_several_frames_is_one_section() {
    let mut peer = Peer::of_client(Config { enable_push: true, ..Config::default() });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    let block = peer.encode(&get());
    peer.send_all([
        crate::frame::PushPromise {
            stream_id: id(1),
            promised_stream_id: id(2),
            fragment: block.slice(..2),
            end_headers: false,
            padding: Some(3),
        }
        .into(),
        Continuation { stream_id: id(1), fragment: block.slice(2..), end_headers: true }.into(),
    ]);
    let event = Event::Promise { stream_id: id(1), promised_stream_id: id(2), headers: get() };
    assert_eq!(peer.events(), [event]);
}

#[test]
fn blocks_are_encoded_in_the_order_in_which_they_go_out() {
    // The end of stream 1 releases the deferred request 5 while the trailers of 3 are queued. If
    // they were encoded in another order than sent, the decoder would fail.
    let entries = vec![Setting::MaxConcurrentStreams(2), Setting::InitialWindowSize(4)];
    let mut peer = Peer::greeted(Role::Client, Config::default(), entries);
    for n in [1, 3, 5] {
        let fields = post().with("number", n.to_string());
        peer.ask(|core, now| core.open(&fields, false, now)).unwrap();
    }
    peer.send_headers(1, &status(200), true);
    peer.sent();
    peer.ask(|core, now| core.send_data(id(5), "five".into(), true, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "one".into(), true, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(3), "3".into(), false, now)).unwrap();
    let last = trailers().with("number", "5").with("trailer", "3");
    peer.ask(|core, now| core.send_headers(id(3), &last, true, now)).unwrap();
    peer.expect_data(1, b"one", true);
    assert_eq!(peer.expect_headers(5, false), post().with("number", "5"));
    peer.expect_data(5, b"five", true);
    peer.expect_data(3, b"3", false);
    assert_eq!(peer.expect_headers(3, true), last);
    peer.expect_nothing();
}
