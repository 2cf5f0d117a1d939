//! Every frame in every state of a stream (RFC 9113, Section 5.1), and frames for ended streams.

use bytes::Bytes;

use super::super::{Config, Event, ResetBy};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::{
    Continuation, Dependency, ErrorCode, Frame, Priority, PushPromise, RstStream, WindowUpdate,
};

/// The effect of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// Accepted or ignored.
    Fine,
    /// RST_STREAM.
    Stream(ErrorCode),
    /// GOAWAY.
    Connection(ErrorCode),
}
use ErrorCode::{ProtocolError, StreamClosed};
use Outcome::{Connection, Fine, Stream};

/// DATA, HEADERS that end the stream, RST_STREAM, WINDOW_UPDATE, PRIORITY, PUSH_PROMISE for a new
/// stream, CONTINUATION.
fn frames(peer: &mut Peer, n: u32) -> [Frame; 7] {
    let stream_id = id(n);
    let dependency = Dependency { stream_id: id(0), exclusive: false, weight: 1 };
    let fields = if n == 2 { status(200) } else { trailers() };
    let promise = PushPromise {
        stream_id,
        promised_stream_id: id(100),
        fragment: Bytes::from_static(b"\x82\x84\x87\x01\x01a"),
        end_headers: true,
        padding: None,
    };
    [
        super::peer::data_frame(n, b"x", false),
        peer.headers(n, &fields, true),
        RstStream { stream_id, error_code: ErrorCode::Cancel }.into(),
        WindowUpdate { stream_id, increment: 1 }.into(),
        Priority { stream_id, dependency }.into(),
        promise.into(),
        Continuation { stream_id, fragment: Bytes::new(), end_headers: true }.into(),
    ]
}

fn check(what: &str, n: u32, start: impl Fn() -> Peer, expected: [Outcome; 7]) {
    for (which, expected) in expected.into_iter().enumerate() {
        let mut peer = start();
        peer.sent();
        peer.events();
        let frame = frames(&mut peer, n)[which].clone();
        peer.send(frame.clone());
        let outcome = match &peer.result {
            Err(error) => Connection(error.code()),
            Ok(()) => peer
                .sent()
                .iter()
                .find_map(|sent| match sent {
                    super::Sent::Frame(Frame::RstStream(reset)) => Some(Stream(reset.error_code)),
                    _ => None,
                })
                .unwrap_or(Fine),
        };
        assert_eq!(outcome, expected, "{frame} on a stream that is {what}");
    }
}

const DEAD: Outcome = Connection(ProtocolError);

#[test]
fn at_a_server_each_frame_in_each_state_has_the_outcome_of_the_rfc() {
    let server = || Peer::of_server(Config::default());
    let open = move || {
        let mut peer = server();
        peer.send_headers(1, &post(), false);
        peer
    };
    let half_closed_remote = move || {
        let mut peer = server();
        peer.send_headers(1, &get(), true);
        peer
    };
    let half_closed_local = move || {
        let mut peer = open();
        peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
        peer
    };
    let ended = move || {
        let mut peer = half_closed_remote();
        peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
        peer
    };
    let reset_by_peer = move || {
        let mut peer = open();
        peer.send_reset(1, ErrorCode::Cancel);
        peer
    };
    let reset_by_us = move || {
        let mut peer = open();
        peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        peer
    };
    let skipped = move || {
        let mut peer = server();
        peer.send_headers(3, &get(), true);
        peer
    };
    let reserved = move || {
        let mut peer = half_closed_remote();
        assert_eq!(peer.ask(|core, now| core.reserve_stream_id(now)), Ok(id(2)));
        peer.ask(|core, now| core.promise(id(1), id(2), &get(), now)).unwrap();
        peer
    };
    let held = move || {
        let mut peer = half_closed_remote();
        peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
        peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
        peer.ask(|core, now| core.promise(id(1), id(4), &get(), now)).unwrap();
        peer
    };
    let gone = Stream(StreamClosed);
    // A request without pseudo-header fields is only malformed.
    let malformed = Stream(ProtocolError);
    check("idle", 1, server, [DEAD, malformed, DEAD, DEAD, Fine, DEAD, DEAD]);
    check("open", 1, open, [Fine, Fine, Fine, Fine, Fine, DEAD, DEAD]);
    check(
        "half-closed (remote)",
        1,
        half_closed_remote,
        [gone, gone, Fine, Fine, Fine, DEAD, DEAD],
    );
    check("half-closed (local)", 1, half_closed_local, [Fine, Fine, Fine, Fine, Fine, DEAD, DEAD]);
    let over = Connection(StreamClosed);
    check("ended", 1, ended, [over, over, Fine, Fine, Fine, DEAD, DEAD]);
    check("reset by the peer", 1, reset_by_peer, [gone, gone, Fine, Fine, Fine, DEAD, DEAD]);
    check("reset by us", 1, reset_by_us, [Fine, Fine, Fine, Fine, Fine, DEAD, DEAD]);
    check("skipped", 1, skipped, [gone, DEAD, Fine, Fine, Fine, DEAD, DEAD]);
    check("ours and idle", 2, server, [DEAD, DEAD, DEAD, DEAD, Fine, DEAD, DEAD]);
    check("reserved (local)", 2, reserved, [DEAD, DEAD, Fine, Fine, Fine, DEAD, DEAD]);
    check("promised, but not on the wire", 4, held, [DEAD, DEAD, DEAD, DEAD, Fine, DEAD, DEAD]);
}

#[test]
fn at_a_client_each_frame_in_each_state_has_the_outcome_of_the_rfc() {
    let client = || Peer::of_client(Config { enable_push: true, ..Config::default() });
    let open = move || {
        let mut peer = client();
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        peer.send_headers(1, &status(200), false);
        peer
    };
    let half_closed_local = move || {
        let mut peer = client();
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.send_headers(1, &status(200), false);
        peer
    };
    let half_closed_remote = move || {
        let mut peer = client();
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        peer.send_headers(1, &status(200), true);
        peer
    };
    let ended = move || {
        let mut peer = half_closed_local();
        peer.send_data(1, b"", true);
        peer
    };
    let reset_by_us = move || {
        let mut peer = open();
        peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        peer
    };
    let held = move || {
        let mut peer = client();
        peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer
    };
    let reserved = move || {
        let mut peer = open();
        peer.send_promise(1, 2, &get());
        peer
    };
    let pushed = move || {
        let mut peer = reserved();
        peer.send_headers(2, &status(200), false);
        peer
    };
    let gone = Stream(StreamClosed);
    check("idle", 1, client, [DEAD, DEAD, DEAD, DEAD, Fine, DEAD, DEAD]);
    check("open", 1, open, [Fine, Fine, Fine, Fine, Fine, Fine, DEAD]);
    check("half-closed (local)", 1, half_closed_local, [Fine, Fine, Fine, Fine, Fine, Fine, DEAD]);
    check(
        "half-closed (remote)",
        1,
        half_closed_remote,
        [gone, gone, Fine, Fine, Fine, DEAD, DEAD],
    );
    let over = Connection(StreamClosed);
    check("ended", 1, ended, [over, over, Fine, Fine, Fine, DEAD, DEAD]);
    // A promise on a stream that we have reset is cancelled.
    let cancelled = Stream(ErrorCode::Cancel);
    check("reset by us", 1, reset_by_us, [Fine, Fine, Fine, Fine, Fine, cancelled, DEAD]);
    check("held back", 3, held, [DEAD, DEAD, DEAD, DEAD, Fine, DEAD, DEAD]);
    check("the peer's and idle", 2, client, [DEAD, DEAD, DEAD, DEAD, Fine, DEAD, DEAD]);
    check("reserved (remote)", 2, reserved, [DEAD, Fine, Fine, DEAD, Fine, DEAD, DEAD]);
    // A second HEADERS frame would be trailers, which must not have a status.
    check("pushed", 2, pushed, [Fine, Stream(ProtocolError), Fine, Fine, Fine, DEAD, DEAD]);
}

#[test]
fn an_identifier_below_a_used_one_is_a_connection_error() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(5, &get(), true);
    peer.send_headers(3, &get(), true);
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn an_even_identifier_from_a_client_is_a_connection_error() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(2, &get(), true);
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_reset_ends_the_stream_and_reports_side_and_code() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.events();
    peer.send_reset(1, ErrorCode::InternalError);
    assert_eq!(
        peer.events(),
        [
            Event::Reset {
                stream_id: id(1),
                code: ErrorCode::InternalError,
                by: ResetBy::Peer,
                retry_safe: false,
                detail: None
            },
            Event::StreamClosed { stream_id: id(1), held_slot: false },
        ]
    );
}

#[test]
fn only_our_own_refused_stream_is_safe_to_retry() {
    let mut peer = Peer::of_client(Config::default());
    for (code, safe) in [(ErrorCode::RefusedStream, true), (ErrorCode::Cancel, false)] {
        let stream = peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.send_reset(stream.get(), code);
        assert!(
            matches!(peer.events()[0], Event::Reset { retry_safe, .. } if retry_safe == safe),
            "{code}"
        );
    }
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.events();
    peer.send_reset(1, ErrorCode::RefusedStream);
    assert!(matches!(peer.events()[0], Event::Reset { retry_safe: false, .. }));
}

#[test]
fn a_reset_drops_queued_data_and_follows_the_headers() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "lost".into(), false, now)).unwrap();
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    peer.expect_headers(1, false);
    peer.expect_reset(1, ErrorCode::Cancel);
    peer.expect_nothing();
}

#[test]
fn a_no_error_reset_after_a_complete_response_ends_the_upload() {
    // RFC 9113, Section 8.1: the server does not need the rest of the request.
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.send_headers(1, &status(200), true);
    peer.send_reset(1, ErrorCode::NoError);
    assert!(matches!(
        peer.events()[..],
        [
            Event::Headers { end_stream: true, .. },
            Event::Reset { code: ErrorCode::NoError, .. },
            Event::StreamClosed { .. }
        ]
    ));
}

#[test]
fn a_stream_is_reset_once_whatever_arrives_for_it() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    peer.expect_reset(1, ErrorCode::Cancel);
    // A WINDOW_UPDATE of 0 and a PRIORITY of the wrong size are stream errors.
    peer.send_octets(&[0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    peer.send_octets(&[0, 0, 4, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    peer.send_headers(1, &trailers(), true);
    peer.expect_nothing();
    peer.expect_alive();
}

#[test]
fn an_increment_of_zero_resets_the_stream_or_ends_the_connection() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.send_octets(&[0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    peer.send_octets(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_priority_frame_of_the_wrong_size_resets_the_stream() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.send_octets(&[0, 0, 4, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    peer.expect_reset(1, ErrorCode::FrameSizeError);
    assert!(matches!(peer.events()[1], Event::Reset { by: ResetBy::Violation, .. }));
}

#[test]
fn a_stream_that_depends_on_itself_is_reset() {
    let mut peer = Peer::of_server(Config::default());
    let Frame::Headers(mut request) = peer.headers(1, &get(), true) else { unreachable!() };
    request.priority = Some(Dependency { stream_id: id(1), exclusive: false, weight: 0 });
    peer.send(request);
    peer.expect_reset(1, ErrorCode::ProtocolError);
}

#[test]
fn the_state_is_checked_before_the_dependency() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.events();
    let Frame::Headers(mut more) = peer.headers(1, &trailers(), true) else { unreachable!() };
    more.priority = Some(Dependency { stream_id: id(1), exclusive: false, weight: 0 });
    peer.send(more);
    // RFC 9113, Section 5.1: half-closed (remote).
    peer.expect_reset(1, ErrorCode::StreamClosed);
}
