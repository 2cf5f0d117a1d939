//! Section 8.4: server push.

use h2_sync::frame::Frame;
use h2_sync::proto::CommandError;
use h2_sync::{Act, ErrorCode, Evt, headers};

use crate::live::{Live, client_with, id, request, server};
use crate::wire::*;

#[track_caller]
fn pushable(exchange: impl Fn(&mut Live)) {
    client_with(|config| config.enable_push = true, exchange);
}

/// Section 8.4.1: promised requests that are not safe, have content, or are malformed, are a stream
/// error PROTOCOL_ERROR of the promised stream.
#[test]
fn a_promise_of_a_request_that_cannot_be_pushed_is_refused() {
    let with = |method| {
        vec![(":method", method), (":scheme", "http"), (":authority", "test"), (":path", "/")]
    };
    let mut promises: Vec<_> = ["POST", "PUT", "DELETE", "OPTIONS", "", "G T"].map(with).into();
    for extra in [("content-length", "1"), (":path", "/"), (":status", "200"), ("connection", "x")]
    {
        let mut fields = with("GET");
        fields.push(extra);
        promises.push(fields);
    }
    promises.extend((0..4).filter(|&missing| missing != 2).map(|missing| {
        let mut fields = with("GET");
        fields.remove(missing);
        fields
    }));
    promises.push(vec![(":method", "CONNECT"), (":authority", "test:80")]);
    pushable(|live| {
        let parent = live.open(true);
        for (fields, promised) in promises.iter().zip((2..).step_by(2)) {
            live.case(format!("{fields:?}"));
            live.send(push_promise(parent, promised, block(fields)));
            live.assert_malformed(promised);
        }
    });
}

/// Section 8.4.1: GET and HEAD are safe and can be cached.
#[test]
fn promises_of_get_and_head_are_reported() {
    pushable(|live| {
        let parent = live.open(true);
        for (method, promised) in [("GET", 2), ("HEAD", 4)] {
            let fields = [(":method", method), (":scheme", "http"), (":authority", "test")];
            live.send(push_promise(parent, promised, and(block(&fields), &[(":path", "/x")])));
            let headers = live.event(|evt| match evt {
                Evt::Promise { promised_stream_identifier, headers, .. } => {
                    assert_eq!(*promised_stream_identifier, promised);
                    Some(headers.clone())
                }
                _ => None,
            });
            assert_eq!((headers.method(), headers.path()), (Some(method), Some("/x")));
        }
        live.send(headers(parent, END, ok()));
        live.assert_goes_on();
    });
}

/// Section 8.4.2: the response comes on the promised stream, and is as any other: interim parts,
/// content, trailers.
#[test]
fn a_pushed_response_is_a_response() {
    pushable(|live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        live.send(headers(parent, END, ok()));
        live.send(headers(2, END_HEADERS, status("103")));
        live.send(headers(2, END_HEADERS, ok()));
        live.send(data(2, 0, b"pushed"));
        live.send(headers(2, END, block(&[("a", "trailer")])));
        for _ in 0..2 {
            live.accept(2);
        }
        assert_eq!(live.accept(2).get("a"), Some("trailer"));
        live.assert_goes_on();
    });
}

/// Section 8.4.2: and can be malformed as any other.
#[test]
fn a_malformed_pushed_response_is_reset() {
    let wrong = and(ok(), &[("content-length", "5")]);
    for block in [block(&[("a", "b")]), status("2000"), and(ok(), &[("A", "b")]), wrong] {
        pushable(|live| {
            live.case(format!("{block:x?}"));
            let parent = live.open(true);
            live.send(push_promise(parent, 2, get()));
            live.send(headers(2, END, &block));
            live.assert_reset(2, ErrorCode::ProtocolError);
        });
    }
}

/// Section 8.4.2: a client sends nothing on a pushed stream.
#[test]
fn a_live_client_sends_nothing_on_a_pushed_stream() {
    pushable(|live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        live.send(headers(2, END_HEADERS, ok()));
        live.accept(2);
        let (stream_identifier, is_end_stream) = (id(2), true);
        live.refused(Act::SendData { stream_identifier, data: "x".into(), is_end_stream });
        live.assert_ping();
    });
}

/// Section 8.4.2: the server may give up a promise.
#[test]
fn a_promise_may_be_reset_by_the_server() {
    pushable(|live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        live.send(rst_stream(2, 8));
        assert_eq!(live.reset(2).0, ErrorCode::Cancel);
        live.send(headers(parent, END, ok()));
        live.assert_goes_on();
    });
}

/// Section 8.4.1: a live server promises before it sends content that refers to the promise, and
/// the response comes on the promised stream.
#[test]
fn a_live_server_promises_and_then_answers() {
    server(|live| {
        live.whole_request(1);
        let promised_stream_identifier = live.session.next_free_stream_identifier().unwrap();
        let promise = |headers| {
            let stream_identifier = id(1);
            Act::Promise { stream_identifier, promised_stream_identifier, headers }
        };
        let unsafe_promise = live.refused(promise(request("POST")));
        assert!(matches!(unsafe_promise, CommandError::Malformed(_)));
        live.act(promise(request("GET")));
        let frame = live.frame();
        assert!(matches!(&frame, Frame::PushPromise(_)), "{frame}");
        for (stream, content) in [(1, "see 2"), (2, "pushed")] {
            live.respond(stream, &headers!(":status" => "200"), false);
            live.assert_headers(stream, false);
            live.put_data(stream, content, true);
            live.assert_data(stream, content.len(), true);
        }
        live.assert_goes_on();
    });
}
