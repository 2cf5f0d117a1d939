//! Sections 5.1.1 and 5.1.2: stream identifiers and concurrency.

use h2_sync::frame::Frame;
use h2_sync::{Act, ErrorCode, headers};

use crate::live::{Live, client, client_with, id, request, server, server_with};
use crate::wire::*;

/// Section 5.1.1: streams of a client have odd identifiers.
#[test]
fn a_client_cannot_open_an_even_stream() {
    server(|live| {
        live.send(headers(2, END, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 5.1.1: identifiers only go up.
#[test]
fn a_stream_below_one_that_was_used_cannot_be_opened() {
    server(|live| {
        live.whole_request(5);
        live.send(headers(3, END, get()));
        assert_eq!(live.assert_goaway(ErrorCode::ProtocolError).last_stream_id, 5);
    });
}

/// Section 5.1.1: identifiers cannot be used again.
#[test]
fn a_stream_cannot_be_opened_twice() {
    server(|live| {
        live.whole_request(1);
        live.answer(1);
        live.send(headers(1, END, get()));
        live.assert_goaway(ErrorCode::StreamClosed);
    });
}

/// Section 5.1.1: identifiers may be left out.
#[test]
fn identifiers_may_be_left_out() {
    server(|live| {
        for stream in [7, 9, 99] {
            live.whole_request(stream);
            live.answer(stream);
        }
    });
}

/// Section 5.1.1: a live client takes odd identifiers, from 1 upwards.
#[test]
fn a_live_client_takes_ascending_odd_identifiers() {
    client(|live| {
        for stream in [1, 3, 5] {
            assert_eq!(live.open(true), stream);
        }
    });
}

/// Section 5.1.1: a live server takes even ones.
#[test]
fn a_live_server_takes_ascending_even_identifiers() {
    server(|live| {
        live.whole_request(1);
        for promised in [2, 4] {
            promise(live, 1, promised);
        }
    });
}

/// The live server promises the next stream, and the peer gets it.
#[track_caller]
fn promise(live: &mut Live, parent: u32, promised: u32) {
    let promised_stream_identifier = live.session.next_free_stream_identifier().unwrap();
    let (stream_identifier, headers) = (id(parent), request("GET"));
    live.act(Act::Promise { stream_identifier, promised_stream_identifier, headers });
    let frame = live.frame();
    let Frame::PushPromise(promise) = &frame else { panic!("not PUSH_PROMISE but {frame}") };
    assert_eq!((promise.stream_id, promise.promised_stream_id), (id(parent), id(promised)));
}

/// Section 5.1.1: a server's identifiers are even and go up as well.
#[test]
fn a_promised_stream_is_even_and_above_all_others() {
    for promised in [1, 3, 2, 4, 0] {
        client_with(
            |config| config.enable_push = true,
            |live| {
                live.case(format!("{promised} after 4"));
                let parent = live.open(true);
                live.send(push_promise(parent, 4, get()));
                live.send(push_promise(parent, promised, get()));
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 5.1.1: stream 0 is the connection and cannot be opened.
#[test]
fn stream_0_cannot_be_opened() {
    server(|live| {
        live.send(headers(0, END, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 5.1.2: a stream over the limit that was announced is refused, with a code that says that
/// it may be tried again.
#[test]
fn streams_over_the_limit_are_refused() {
    server_with(
        |config| config.max_concurrent_streams = 2,
        |live| {
            live.request(1);
            live.whole_request(3);
            for stream in [5, 7] {
                live.send(headers(stream, END, get()));
                live.expect_reset(stream, ErrorCode::RefusedStream);
            }
            live.assert_ping();
            live.assert_untold(5);
            live.answer(3);
            live.whole_request(9);
        },
    );
}

/// Section 5.1.2: streams count while they are open or half-closed, regardless of which side has closed.
#[test]
fn half_closed_streams_count() {
    server_with(
        |config| config.max_concurrent_streams = 1,
        |live| {
            live.request(1);
            live.answer(1);
            // Half-closed (local).
            live.send(headers(3, END, get()));
            live.expect_reset(3, ErrorCode::RefusedStream);
            live.send(data(1, END_STREAM, []));
            live.content(1);
            live.assert_goes_on();
        },
    );
}

/// Section 5.1.2: reserved streams do not count.
#[test]
fn reserved_streams_do_not_count() {
    server(|live| {
        live.settings(&[(MAX_CONCURRENT_STREAMS, 0)]);
        live.whole_request(1);
        promise(live, 1, 2);
        live.respond(2, &headers!(":status" => "200"), true);
        // The pushed response would count, and waits.
        live.assert_ping();
        live.settings(&[(MAX_CONCURRENT_STREAMS, 1)]);
        live.assert_headers(2, true);
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 5.1.2: a client's limit holds for pushed streams, from their HEADERS on.
#[test]
fn pushed_streams_over_the_limit_are_refused() {
    let configure = |config: &mut h2_sync::Config| {
        config.enable_push = true;
        config.max_concurrent_streams = 1;
    };
    client_with(configure, |live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        live.send(push_promise(parent, 4, get()));
        live.send(headers(2, END_HEADERS, ok()));
        live.send(headers(4, END_HEADERS, ok()));
        live.expect_reset(4, ErrorCode::RefusedStream);
        live.send(data(2, END_STREAM, b"pushed"));
        assert_eq!(live.content(2), b"pushed");
        live.assert_goes_on();
    });
}

/// Section 5.1.2: a live client never has more streams open than the server allows.
#[test]
fn a_live_client_keeps_to_the_servers_limit() {
    client(|live| {
        live.settings(&[(MAX_CONCURRENT_STREAMS, 1)]);
        let first = live.open(true);
        let second = live.session.open(&request("GET"), true).unwrap().get();
        live.assert_ping();
        live.send(headers(first, END, ok()));
        live.assert_headers(second, true);
    });
}

/// Section 5.1.2: zero streams are a limit like any other, until there is a higher one.
#[test]
fn a_live_client_waits_while_no_stream_is_allowed() {
    client(|live| {
        live.settings(&[(MAX_CONCURRENT_STREAMS, 0)]);
        let stream = live.session.open(&request("GET"), true).unwrap().get();
        live.assert_ping();
        live.settings(&[(MAX_CONCURRENT_STREAMS, 1)]);
        live.assert_headers(stream, true);
    });
}

/// Section 5.1.2: a limit that is lowered below what is open closes nothing.
#[test]
fn a_lowered_limit_leaves_open_streams_alone() {
    client(|live| {
        let streams = [live.open(true), live.open(true)];
        live.settings(&[(MAX_CONCURRENT_STREAMS, 1)]);
        for stream in streams {
            live.send(headers(stream, END, ok()));
            live.accept(stream);
        }
        live.assert_goes_on();
    });
}

/// Section 5.1.2: a limit of ours that is lowered while the connection runs holds for new streams.
#[test]
fn a_lowered_limit_of_a_live_server_refuses_new_streams() {
    server(|live| {
        live.request(1);
        live.request(3);
        let settings = vec![h2_sync::frame::Setting::MaxConcurrentStreams(1)];
        live.act(Act::Settings { settings });
        assert!(matches!(live.frame(), Frame::Settings(_)));
        live.send(settings_ack());
        live.send(headers(5, END, get()));
        live.expect_reset(5, ErrorCode::RefusedStream);
        for stream in [1, 3] {
            live.send(data(stream, END_STREAM, []));
            live.answer(stream);
            live.content(stream);
        }
        live.assert_goes_on();
    });
}
