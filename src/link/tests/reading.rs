use std::io;

use super::*;
use crate::frame::{ErrorCode, Ping};
use crate::link::{End, Side};
use crate::proto::CloseReason;

#[test]
fn a_reader_that_gives_up_is_asked_again() {
    let link = client(Config::default());
    let mut buffer = ReadBuffer::new();
    for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted] {
        assert_eq!(link.read_step(&mut Fails(kind), &mut buffer), ReadStep::More);
    }
    assert!(link.end().is_none());
}

#[test]
fn a_reader_that_nothing_can_wake_ends_when_it_next_returns_after_the_cut() {
    let mut ping = Vec::new();
    Ping { ack: false, payload: [0; 8] }.encode(&mut ping);
    let mut buffer = ReadBuffer::new();
    let link = client(Config::default());
    link.with(|core, _| core.close(ErrorCode::NoError, "".into()));
    // Until then it drains what comes.
    assert_eq!(link.read_step(&mut &ping[..], &mut buffer), ReadStep::More);
    link.cut();
    let mut gives_up = Fails(io::ErrorKind::WouldBlock);
    assert_eq!(link.read_step(&mut &ping[..], &mut buffer), ReadStep::Ended);
    assert_eq!(link.read_step(&mut gives_up, &mut buffer), ReadStep::Ended);
}

#[test]
fn a_transport_that_fails_is_the_reason_unless_the_peer_gave_one() {
    let link = client(Config::default());
    let mut reset = Fails(io::ErrorKind::ConnectionReset);
    assert_eq!(link.read_step(&mut reset, &mut ReadBuffer::new()), ReadStep::Ended);
    assert!(matches!(link.end(), Some(End::Transport(_))), "{:?}", link.end());

    let link = client(Config::default());
    link.read_step(&mut io::empty(), &mut ReadBuffer::new());
    link.read_step(&mut reset, &mut ReadBuffer::new());
    assert!(matches!(link.end(), Some(End::Core(CloseReason::Peer(None)))), "{:?}", link.end());
}

#[test]
fn an_end_that_nobody_announced_cuts_short_only_what_was_open() {
    let mut cut = Fails(io::ErrorKind::UnexpectedEof);
    let link = client(Config::default());
    assert_eq!(link.read_step(&mut cut, &mut ReadBuffer::new()), ReadStep::Ended);
    assert!(matches!(link.end(), Some(End::Core(CloseReason::Peer(None)))), "{:?}", link.end());

    let link = client(Config::default());
    let request = crate::headers!(":method" => "GET", ":scheme" => "http", ":path" => "/");
    link.with(|core, now| core.open(&request, true, now).unwrap());
    link.read_step(&mut cut, &mut ReadBuffer::new());
    assert!(matches!(link.end(), Some(End::Transport(_))), "{:?}", link.end());
}

#[test]
fn a_panic_is_the_reason_of_the_end_if_it_came_first() {
    let link = client(Config::default());
    link.thread_ended(Side::Reader, true);
    assert!(matches!(link.end(), Some(End::Core(CloseReason::Error(_)))), "{:?}", link.end());

    let link = client(Config::default());
    link.with(|core, _| core.close(ErrorCode::NoError, "".into()));
    link.thread_ended(Side::Reader, true);
    assert!(matches!(link.end(), Some(End::Core(CloseReason::Local))), "{:?}", link.end());
}
