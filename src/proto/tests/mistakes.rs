//! Invalid commands: an error of that call, without any other effect.

use bytes::Bytes;

use super::super::{CommandError, Config, Connection};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::{ErrorCode, StreamId};

type Command = fn(&mut Connection, std::time::Instant, StreamId) -> Result<(), CommandError>;

const SEND_HEADERS: Command = |core, now, n| core.send_headers(n, &status(200), false, now);
const SEND_TRAILERS: Command = |core, now, n| core.send_headers(n, &trailers(), true, now);
const SEND_DATA: Command = |core, now, n| core.send_data(n, "x".into(), false, now);
const SEND_END: Command = |core, now, n| core.send_data(n, Bytes::new(), true, now);
const RESET: Command = |core, now, n| core.reset(n, ErrorCode::Cancel, now);
const RELEASE: Command = |core, now, n| core.release(n, 1, now);
const PROMISE: Command = |core, now, n| {
    let promised = core.reserve_stream_id(now)?;
    core.promise(n, promised, &get(), now)
};

fn try_all(peer: &mut Peer, n: u32, cases: &[(Command, CommandError)]) {
    peer.sent();
    for (which, (command, error)) in cases.iter().enumerate() {
        let answer = peer.ask(|core, now| command(core, now, id(n)));
        assert_eq!(answer, Err(error.clone()), "case {which}");
        peer.expect_nothing();
    }
    peer.expect_alive();
}

#[test]
fn on_a_stream_that_was_never_opened() {
    let unknown = CommandError::UnknownStream(id(7));
    let commands = [SEND_HEADERS, SEND_TRAILERS, SEND_DATA, SEND_END, RESET, RELEASE, PROMISE];
    let cases = commands.map(|command| (command, unknown.clone()));
    try_all(&mut Peer::of_server(Config::default()), 7, &cases);
}

#[test]
fn on_a_stream_that_has_ended() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    let commands = [SEND_HEADERS, SEND_TRAILERS, SEND_DATA, SEND_END, RESET, PROMISE];
    let cases = commands.map(|command| (command, CommandError::StreamClosed(id(1))));
    try_all(&mut peer, 1, &cases);
}

#[test]
fn on_a_stream_that_was_reset() {
    for by_peer in [false, true] {
        let mut peer = Peer::of_server(Config::default());
        peer.send_headers(1, &get(), true);
        if by_peer {
            peer.send_reset(1, ErrorCode::Cancel);
        } else {
            peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        }
        let commands = [SEND_HEADERS, SEND_TRAILERS, SEND_DATA, SEND_END, RESET, PROMISE];
        let cases = commands.map(|command| (command, CommandError::StreamClosed(id(1))));
        try_all(&mut peer, 1, &cases);
    }
}

#[test]
fn before_the_response() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    let early = CommandError::HeadersNotSent(id(1));
    try_all(&mut peer, 1, &[(SEND_DATA, early.clone()), (SEND_END, early)]);
}

#[test]
fn after_the_end_of_our_side() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    let commands = [SEND_HEADERS, SEND_TRAILERS, SEND_DATA, SEND_END, PROMISE];
    let cases = commands.map(|command| (command, CommandError::SendClosed(id(1))));
    try_all(&mut peer, 1, &cases);
}

#[test]
fn a_second_response_would_be_bad_trailers() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    try_all(&mut peer, 1, &[(SEND_HEADERS, CommandError::TrailersWithoutEnd(id(1)))]);
}

#[test]
fn when_the_connection_has_ended() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.ask(|core, _| core.close(ErrorCode::NoError, Bytes::new()));
    peer.sent();
    let commands = [SEND_HEADERS, SEND_TRAILERS, SEND_DATA, SEND_END, RESET, RELEASE, PROMISE];
    for command in commands {
        let answer = peer.ask(|core, now| command(core, now, id(1)));
        assert_eq!(answer, Err(CommandError::Closed));
    }
    assert_eq!(peer.ask(|core, now| core.ping(now)), Err(CommandError::Closed));
    assert_eq!(peer.ask(|core, now| core.update_settings(vec![], now)), Err(CommandError::Closed));
    assert_eq!(peer.ask(|core, now| core.reserve_stream_id(now)), Err(CommandError::Closed));
    peer.ask(|core, now| core.shutdown(now));
    peer.expect_nothing();
}

#[test]
fn an_empty_piece_without_end_stream_sends_nothing() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.sent();
    peer.ask(|core, now| core.send_data(id(1), Bytes::new(), false, now)).unwrap();
    peer.expect_nothing();
}

#[test]
fn each_error_names_the_problem_and_the_stream() {
    let stream_id = id(7);
    for (error, text) in [
        (CommandError::GivenUp(stream_id), "stream 7 was reserved, not used in time, and given up"),
        (CommandError::Full { stream_id }, "too many octets are queued on stream 7"),
        (
            CommandError::Full { stream_id: id(0) },
            "too many field sections are queued on the connection",
        ),
        (CommandError::TrailersInTunnel(stream_id), "stream 7: a tunnel has no trailers"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
