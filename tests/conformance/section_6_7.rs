//! Sections 6.7 and 6.8: PING and GOAWAY.

use std::time::Duration;

use bytes::Bytes;
use h2_sync::frame::{Frame, Ping, StreamId};
use h2_sync::proto::CommandError;
use h2_sync::{Act, ErrorCode, Evt, Reason};

use crate::live::{Live, both, client, client_with, request, server};
use crate::wire::*;

/// Section 6.7: a PING is answered with ACK and the same octets.
#[test]
fn a_ping_comes_back_with_its_octets() {
    both(|live| {
        for payload in [*b"\0\0\0\0\0\0\0\0", *b"\xff\xfe\xfd\0abc\n", [0xff; 8]] {
            live.send(ping(&payload));
            assert_eq!(live.frame(), Ping { ack: true, payload }.into());
        }
    });
}

/// Section 6.7: pings are answered in their order, and an answer is not answered.
#[test]
fn answers_are_not_answered() {
    both(|live| {
        live.send(frame(PING, ACK, 0, b"who asks"));
        live.send(ping(b"1 1 1 1 "));
        live.send(frame(PING, ACK, 0, b"who asks"));
        live.send(ping(b"2 2 2 2 "));
        for payload in [*b"1 1 1 1 ", *b"2 2 2 2 "] {
            assert_eq!(live.frame(), Ping { ack: true, payload }.into());
        }
        live.assert_goes_on();
    });
}

/// Section 6.7: PING is the connection's.
#[test]
fn ping_on_a_stream_ends_the_connection() {
    both(|live| {
        live.send(frame(PING, 0, 1, [0; 8]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
    both(|live| {
        live.send(frame(PING, ACK, 1, [0; 8]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.7: a length other than 8 is a connection error FRAME_SIZE_ERROR.
#[test]
fn ping_of_a_wrong_length_ends_the_connection() {
    for len in [0, 7, 9, 16] {
        both(|live| {
            live.case(format!("length {len}"));
            live.send(frame(PING, 0, 0, vec![0; len]));
            live.assert_goaway(ErrorCode::FrameSizeError);
        });
    }
}

/// Section 6.7: a live PING is known again by its octets.
#[test]
fn a_live_ping_is_answered_by_its_own_octets_alone() {
    both(|live| {
        live.act(Act::Ping);
        let Frame::Ping(Ping { ack: false, payload }) = live.frame() else { panic!("not PING") };
        live.send(frame(PING, ACK, 0, b"another!"));
        live.assert_goes_on();
        live.send(frame(PING, ACK, 0, payload));
        live.event(|evt| matches!(evt, Evt::Pong { .. }).then_some(()));
    });
}

/// Section 6.8: GOAWAY is the connection's.
#[test]
fn goaway_on_a_stream_ends_the_connection() {
    both(|live| {
        live.send(frame(GOAWAY, 0, 1, [0; 8]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.8: the last stream identifier does not go up from one GOAWAY to the next.
#[test]
fn a_last_stream_that_goes_up_ends_the_connection() {
    client(|live| {
        for _ in 0..3 {
            live.open(true);
        }
        live.send(goaway(3, 0));
        live.send(goaway(3, 0));
        live.send(goaway(5, 0));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.8: it may go down, as in a shutdown of two steps.
#[test]
fn a_last_stream_that_goes_down_is_fine() {
    client(|live| {
        for _ in 0..2 {
            live.open(true);
        }
        live.send(goaway(MAX_WINDOW, 0));
        live.send(headers(1, END, ok()));
        live.accept(1);
        live.send(goaway(1, 0));
        assert_eq!(live.reset(3), (ErrorCode::RefusedStream, true));
    });
}

/// Section 6.8: streams above the last one were not processed, and may be tried again; the others go
/// on.
#[test]
fn streams_above_the_last_one_can_be_tried_again() {
    client(|live| {
        for _ in 0..3 {
            live.open(true);
        }
        live.send(goaway(3, 0));
        assert_eq!(live.reset(5), (ErrorCode::RefusedStream, true));
        for stream in [1, 3] {
            live.send(headers(stream, END, ok()));
            live.accept(stream);
        }
        live.assert_ping();
    });
}

/// Section 6.8: after a GOAWAY no new streams are opened.
#[test]
fn no_stream_is_opened_after_goaway() {
    client(|live| {
        live.open(true);
        live.send(goaway(1, 0));
        live.event(|evt| matches!(evt, Evt::Goaway { .. }).then_some(()));
        let error = live.session.open(&request("GET"), true).unwrap_err();
        assert_eq!(error.as_command_error(), Some(&CommandError::GoingAway));
        live.send(headers(1, END, ok()));
        live.accept(1);
        live.assert_ping();
    });
}

/// Section 6.8: nor are streams promised.
#[test]
fn no_stream_is_promised_after_goaway() {
    server(|live| {
        live.whole_request(1);
        live.send(goaway(0, 0));
        live.event(|evt| matches!(evt, Evt::Goaway { .. }).then_some(()));
        let error = live.session.next_free_stream_identifier().unwrap_err();
        assert_eq!(error.as_command_error(), Some(&CommandError::GoingAway));
        // The client goes on using what it has.
        live.answer(1);
    });
}

/// Sections 6.8 and 7: any code and any debug data will do, and the application may see them.
#[test]
fn goaway_may_say_anything() {
    both(|live| {
        live.send(frame(GOAWAY, 0, 0, b"\0\0\0\0\xde\xad\xbe\xefbye \xff"));
        live.event(|evt| match evt {
            Evt::Goaway { last_stream_identifier, error_code, debug_data } => {
                assert_eq!(*last_stream_identifier, 0);
                assert_eq!(*error_code, ErrorCode::Other(0xdead_beef));
                assert_eq!(debug_data, &b"bye \xff"[..]);
                Some(())
            }
            _ => None,
        });
        live.assert_ping();
        live.peer.shut();
        assert!(matches!(
            live.end(),
            Reason::Peer { goaway: Some(ErrorCode::Other(0xdead_beef)), .. }
        ));
    });
}

fn live_goaway(live: &mut Live) -> StreamId {
    live.act(Act::Goaway { error_code: ErrorCode::NoError, debug_data: Bytes::new() });
    let frame = live.frame();
    let Frame::Goaway(goaway) = frame else { panic!("not GOAWAY but {frame}") };
    assert_eq!(goaway.error_code, ErrorCode::NoError);
    goaway.last_stream_id
}

/// Section 6.8: a live GOAWAY names the last stream that was processed, and later streams are
/// ignored; those before go on.
#[test]
fn streams_beyond_a_live_goaway_are_ignored() {
    server(|live| {
        live.request(1);
        assert_eq!(live_goaway(live), 1);
        live.send(headers(3, END_HEADERS, post()));
        live.send(data(3, 0, b"ignored"));
        live.send(window_update(3, 1));
        live.send(data(3, END_STREAM, []));
        live.send(rst_stream(3, 8));
        live.assert_ping();
        live.send(data(1, END_STREAM, b"fine"));
        assert_eq!(live.content(1), b"fine");
        live.answer(1);
        live.assert_untold(3);
    });
}

/// Section 6.8: so are their errors.
#[test]
fn errors_on_streams_beyond_a_live_goaway_are_ignored() {
    server(|live| {
        live.request(1);
        live_goaway(live);
        live.send(headers(3, END, block(&[("UPPER", "case")])));
        live.send(headers(5, END | WITH_PRIORITY, [dependency(5), get()].concat()));
        live.send(window_update(7, 0));
        live.send(priority(7, 7));
        live.send(frame(PRIORITY, 0, 7, [0; 4]));
        live.assert_ping();
    });
}

/// Section 6.8: promises beyond a client's GOAWAY are ignored as well.
#[test]
fn promises_beyond_a_live_goaway_are_ignored() {
    client_with(
        |config| config.enable_push = true,
        |live| {
            let stream = live.open(true);
            assert_eq!(live_goaway(live), 0);
            live.send(push_promise(stream, 2, get()));
            live.send(headers(2, END, ok()));
            live.send(headers(stream, END, ok()));
            live.accept(stream);
            live.assert_ping();
            live.assert_untold(2);
        },
    );
}

/// Section 6.8: DATA of streams that are ignored counts for the connection's window, and is
/// credited.
#[test]
fn data_beyond_a_live_goaway_is_credited_to_the_connection() {
    crate::live::server_with(
        |config| config.connection_window_size = 65_535,
        |live| {
            live_goaway(live);
            live.send(headers(3, END_HEADERS, post()));
            for _ in 0..2 {
                live.send(data(3, 0, [0; 16_384]));
            }
            let update = live.peer.next();
            assert!(
                matches!(&update, Some(Frame::WindowUpdate(update))
                if update.stream_id.is_connection() && update.increment == 32_768),
                "{update:?}"
            );
        },
    );
}

/// Section 6.8: a live GOAWAY never names a higher stream than the one before.
#[test]
fn a_live_goaway_never_goes_up() {
    server(|live| {
        live.request(1);
        assert_eq!(live_goaway(live), 1);
        live.send(headers(3, END, get()));
        live.assert_ping();
        assert_eq!(live_goaway(live), 1);
    });
}

/// Section 6.8: a graceful shutdown of a server warns first, with 2^31-1, and names the true last
/// stream a round trip later: what was on its way is served.
#[test]
fn a_graceful_shutdown_has_two_steps() {
    server(|live| {
        let Live { peer, session, .. } = live;
        std::thread::scope(|scope| {
            let cut = scope.spawn(|| session.shutdown(Duration::from_secs(20)));
            let warning = peer.next();
            assert!(matches!(&warning, Some(Frame::Goaway(frame))
                if frame.last_stream_id == StreamId::MAX && frame.error_code == ErrorCode::NoError));
            let asked = peer.next();
            let Some(Frame::Ping(ping)) = asked else { panic!("not PING but {asked:?}") };
            // On its way when the warning came.
            peer.send(headers(1, END, get()));
            peer.send(frame(PING, ACK, 0, ping.payload));
            let last = peer.next();
            assert!(matches!(&last, Some(Frame::Goaway(frame))
                if frame.last_stream_id == 1 && frame.error_code == ErrorCode::NoError));
            let (stream_identifier, is_end_stream) = (crate::live::id(1), true);
            let headers = h2_sync::headers!(":status" => "200");
            session
                .put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream })
                .unwrap();
            assert!(matches!(peer.next(), Some(Frame::Headers(_))));
            while peer.next().is_some() {}
            peer.shut();
            assert_eq!(cut.join().unwrap(), 0);
        });
    });
}

/// Section 5.4.1 and 6.8: closing says GOAWAY NO_ERROR before the transport is closed.
#[test]
fn closing_says_goaway() {
    both(|live| {
        let Live { peer, session, .. } = live;
        std::thread::scope(|scope| {
            scope.spawn(|| session.close());
            let last = peer.next();
            assert!(matches!(&last, Some(Frame::Goaway(frame))
                if frame.last_stream_id == 0 && frame.error_code == ErrorCode::NoError));
            assert!(peer.next().is_none());
            peer.shut();
        });
        assert!(matches!(live.end(), Reason::Local));
    });
}
