//! Section 5.1: every state of a stream against every kind of frame that can be on a stream, for
//! both roles.

use h2_sync::ErrorCode::{self, Cancel, ProtocolError, StreamClosed};
use h2_sync::frame::Frame;
use h2_sync::{Act, headers};

use crate::live::{Live, client_with, id, request, server};
use crate::wire::*;

/// What becomes of a frame.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Nothing that the peer could see.
    Fine,
    /// A stream error.
    Reset(ErrorCode),
    /// A connection error.
    Goaway(ErrorCode),
    /// The stream that a PUSH_PROMISE promises is refused.
    Unwanted,
}

use Outcome::{Fine, Goaway, Reset, Unwanted};

/// What becomes of each kind of frame in one state.
struct Row {
    data: Outcome,
    headers: Outcome,
    priority: Outcome,
    rst_stream: Outcome,
    push_promise: Outcome,
    window_update: Outcome,
    continuation: Outcome,
    unknown: Outcome,
}

/// Section 5.1 for all states: PRIORITY and what is unknown are never an error, and CONTINUATION
/// without a field block always is one. The other kinds differ.
const ROW: Row = Row {
    data: Fine,
    headers: Fine,
    priority: Fine,
    rst_stream: Fine,
    push_promise: Goaway(ProtocolError),
    window_update: Fine,
    continuation: Goaway(ProtocolError),
    unknown: Fine,
};

/// An idle stream that the peer cannot open.
const IDLE: Row = Row {
    data: Goaway(ProtocolError),
    headers: Goaway(ProtocolError),
    rst_stream: Goaway(ProtocolError),
    window_update: Goaway(ProtocolError),
    ..ROW
};

/// A stream on which the peer has nothing more to say.
const NO_MORE: Row = Row { data: Reset(StreamClosed), headers: Reset(StreamClosed), ..ROW };

/// A stream that both sides have ended.
const ENDED: Row = Row { data: Goaway(StreamClosed), headers: Goaway(StreamClosed), ..ROW };

/// The frame, for a stream.
type Make<'a> = &'a dyn Fn(u32) -> Vec<u8>;

impl Row {
    /// Brings a stream into its state, sends one frame, and looks what comes of it; for each kind.
    #[track_caller]
    fn check(
        &self,
        run: impl Fn(&dyn Fn(&mut Live)),
        block: &[u8],
        state: impl Fn(&mut Live) -> u32,
    ) {
        let cases: [(&str, Outcome, Make<'_>); 8] = [
            ("DATA", self.data, &|stream| data(stream, 0, b"x")),
            ("HEADERS", self.headers, &|stream| headers(stream, END, block)),
            ("PRIORITY", self.priority, &|stream| priority(stream, 0)),
            ("RST_STREAM", self.rst_stream, &|stream| rst_stream(stream, 8)),
            ("PUSH_PROMISE", self.push_promise, &|stream| push_promise(stream, 6, get())),
            ("WINDOW_UPDATE", self.window_update, &|stream| window_update(stream, 1)),
            ("CONTINUATION", self.continuation, &|stream| continuation(stream, END_HEADERS, block)),
            ("unknown", self.unknown, &|stream| frame(UNKNOWN, 0, stream, [])),
        ];
        for (kind, outcome, make) in cases {
            run(&|live| {
                let stream = state(live);
                live.case(format!("{kind} has to be {outcome:?}"));
                live.send(make(stream));
                match outcome {
                    Fine => live.assert_goes_on(),
                    Reset(code) => live.assert_reset(stream, code),
                    Goaway(code) => drop(live.assert_goaway(code)),
                    Unwanted => live.assert_reset(6, Cancel),
                }
            });
        }
    }
}

fn trailers() -> Vec<u8> {
    block(&[("a", "trailer")])
}

/// A client that takes pushed streams: without, any PUSH_PROMISE is an error.
#[track_caller]
fn pushable(exchange: &dyn Fn(&mut Live)) {
    client_with(|config| config.enable_push = true, exchange);
}

#[track_caller]
fn at_server(exchange: &dyn Fn(&mut Live)) {
    server(exchange);
}

/// Section 5.1, idle: HEADERS open a stream; all else but PRIORITY is a connection error.
#[test]
fn idle_at_a_server() {
    let row = Row { headers: Fine, ..IDLE };
    row.check(at_server, &get(), |_| 5);
}

/// Section 5.1, idle: no HEADERS on a stream that the server would have to open.
#[test]
fn idle_at_a_server_and_its_own_to_open() {
    IDLE.check(at_server, &get(), |_| 2);
}

/// Section 5.1, reserved (local): the client may only cancel, prioritize, or open the window.
#[test]
fn reserved_local() {
    let row = Row { data: Goaway(ProtocolError), headers: Goaway(ProtocolError), ..ROW };
    row.check(at_server, &get(), |live| {
        live.request(1);
        let promised = live.session.next_free_stream_identifier().unwrap();
        live.act(Act::Promise {
            stream_identifier: id(1),
            promised_stream_identifier: promised,
            headers: request("GET"),
        });
        assert!(matches!(live.frame(), Frame::PushPromise(_)));
        promised.get()
    });
}

/// Section 5.1, open: anything goes that the role allows.
#[test]
fn open_at_a_server() {
    ROW.check(at_server, &trailers(), |live| {
        live.request(1);
        1
    });
}

/// Section 5.1, half-closed (remote): more than WINDOW_UPDATE, PRIORITY and RST_STREAM is a stream
/// error STREAM_CLOSED.
#[test]
fn half_closed_remote_at_a_server() {
    NO_MORE.check(at_server, &trailers(), |live| {
        live.whole_request(1);
        1
    });
}

/// Section 5.1, half-closed (local): the client may go on with its request.
#[test]
fn half_closed_local_at_a_server() {
    ROW.check(at_server, &trailers(), |live| {
        live.request(1);
        live.answer(1);
        1
    });
}

/// Section 5.1, closed: after END_STREAM in both directions, a connection error STREAM_CLOSED;
/// WINDOW_UPDATE and RST_STREAM may have been on their way.
#[test]
fn closed_by_end_stream_at_a_server() {
    ENDED.check(at_server, &trailers(), |live| {
        live.whole_request(1);
        live.answer(1);
        1
    });
}

/// Section 5.1, closed: after RST_STREAM was sent, what was on its way is discarded.
#[test]
fn closed_by_a_reset_of_the_server() {
    ROW.check(at_server, &trailers(), |live| {
        live.request(1);
        live.act(Act::Reset { stream_identifier: id(1), error_code: Cancel });
        live.expect_reset(1, Cancel);
        1
    });
}

/// Section 5.1, closed: after RST_STREAM, an endpoint sends only PRIORITY.
#[test]
fn closed_by_a_reset_of_the_client() {
    NO_MORE.check(at_server, &trailers(), |live| {
        live.request(1);
        live.send(rst_stream(1, 8));
        live.reset(1);
        1
    });
}

/// Section 5.1.1, closed: the streams that a client has passed over.
#[test]
fn closed_by_the_use_of_a_higher_stream() {
    let row = Row { headers: Goaway(ProtocolError), ..NO_MORE };
    row.check(at_server, &get(), |live| {
        live.whole_request(5);
        3
    });
}

/// Section 5.1, idle: nothing comes on a stream that the client has not opened.
#[test]
fn idle_at_a_client() {
    IDLE.check(pushable, &ok(), |_| 1);
}

/// Section 5.1, idle: HEADERS do not open a server's stream, a promise has to come first.
#[test]
fn idle_at_a_client_and_the_servers_to_promise() {
    IDLE.check(pushable, &ok(), |_| 2);
}

/// Section 5.1, reserved (remote): HEADERS, RST_STREAM and PRIORITY, and nothing else.
#[test]
fn reserved_remote() {
    let row = Row { data: Goaway(ProtocolError), window_update: Goaway(ProtocolError), ..ROW };
    row.check(pushable, &ok(), |live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        2
    });
}

/// Sections 5.1 and 8.1: a response starts with HEADERS: DATA before it makes the message
/// malformed.
#[test]
fn open_at_a_client_before_the_response() {
    let row = Row { data: Reset(ProtocolError), push_promise: Fine, ..ROW };
    row.check(pushable, &ok(), |live| live.open(false));
}

/// Section 5.1, open: after the head of the response, DATA and trailers.
#[test]
fn open_at_a_client_within_the_response() {
    let row = Row { push_promise: Fine, ..ROW };
    row.check(pushable, &trailers(), |live| {
        let stream = live.open(false);
        live.send(headers(stream, END_HEADERS, ok()));
        stream
    });
}

/// Section 5.1, half-closed (local): the server may send anything.
#[test]
fn half_closed_local_at_a_client() {
    let row = Row { push_promise: Fine, ..ROW };
    row.check(pushable, &trailers(), |live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, ok()));
        stream
    });
}

/// Section 5.1, half-closed (remote): the server has ended its response before the request.
#[test]
fn half_closed_remote_at_a_client() {
    NO_MORE.check(pushable, &trailers(), |live| {
        let stream = live.open(false);
        live.send(headers(stream, END, ok()));
        stream
    });
}

/// Section 5.1, closed: after END_STREAM in both directions.
#[test]
fn closed_by_end_stream_at_a_client() {
    ENDED.check(pushable, &trailers(), |live| {
        let stream = live.open(true);
        live.send(headers(stream, END, ok()));
        stream
    });
}

/// Section 5.1, closed: after RST_STREAM was sent all is discarded; but a promise still reserves
/// its stream, which has to be refused by itself.
#[test]
fn closed_by_a_reset_of_the_client_itself() {
    let row = Row { push_promise: Unwanted, ..ROW };
    row.check(pushable, &ok(), |live| {
        let stream = live.open(false);
        live.act(Act::Reset { stream_identifier: id(stream), error_code: Cancel });
        live.expect_reset(stream, Cancel);
        stream
    });
}

/// Section 5.1, closed: after the server's RST_STREAM.
#[test]
fn closed_by_a_reset_of_the_server_itself() {
    NO_MORE.check(pushable, &ok(), |live| {
        let stream = live.open(false);
        live.send(rst_stream(stream, 8));
        live.reset(stream);
        stream
    });
}

/// Section 5.1, half-closed (local) from reserved (remote): a pushed response, and no more than
/// that.
#[test]
fn half_closed_local_of_a_pushed_stream() {
    ROW.check(pushable, &trailers(), |live| {
        let parent = live.open(true);
        live.send(push_promise(parent, 2, get()));
        live.send(headers(2, END_HEADERS, ok()));
        2
    });
}

/// Section 5.1, closed: DATA for a stream that we have reset counts for the connection's window,
/// and is credited.
#[test]
fn data_on_a_stream_that_was_reset_is_credited_to_the_connection() {
    crate::live::server_with(
        |config| config.connection_window_size = 65_535,
        |live| {
            live.request(1);
            live.act(Act::Reset { stream_identifier: id(1), error_code: Cancel });
            live.expect_reset(1, Cancel);
            for _ in 0..2 {
                live.send(data(1, 0, [0; 16_384]));
            }
            let update = live.peer.next();
            assert!(
                matches!(&update, Some(Frame::WindowUpdate(update))
                if update.stream_id.is_connection() && update.increment == 32_768),
                "{update:?}"
            );
            live.assert_goes_on();
        },
    );
}

/// Section 5.1, half-closed (local): after END_STREAM, an endpoint sends no DATA or HEADERS.
#[test]
fn after_end_stream_nothing_more_is_sent() {
    server(|live| {
        live.request(1);
        live.answer(1);
        let (stream_identifier, is_end_stream) = (id(1), true);
        live.refused(Act::SendData { stream_identifier, data: "x".into(), is_end_stream });
        let headers = headers!("a" => "trailer");
        live.refused(Act::SendHeaders { stream_identifier, headers, is_end_stream });
        live.assert_goes_on();
    });
}
