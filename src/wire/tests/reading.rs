use super::super::{DRAIN_TIMEOUT, End, Read};
use super::*;
use crate::error::Error;
use crate::frame::{ErrorCode, Goaway, Ping, StreamId};
use crate::proto::CloseReason;

fn ping() -> Vec<u8> {
    let mut octets = Vec::new();
    Ping { ack: false, payload: [0; 8] }.encode(&mut octets);
    octets
}

#[test]
fn read_that_gives_up_is_no_end() {
    let (wire, input, _) = client(Config::default(), 1 << 20);
    for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted] {
        input.fail(kind);
        assert_eq!(read(&wire), Read::Nothing);
    }
    assert!(wire.lock().end().is_none());
}

#[test]
fn reads_after_the_end_drain_until_the_transport_is_cut() {
    let (wire, input, _) = client(Config::default(), 1 << 20);
    wire.with(|state, _| state.core.close(ErrorCode::NoError, "".into()));
    input.put(ping());
    assert_eq!(read(&wire), Read::Some);
    wire.cut();
    input.put(ping());
    assert_eq!(read(&wire), Read::Ended);
}

#[test]
fn transport_that_fails_is_the_reason_unless_the_peer_gave_one() {
    let (wire, input, _) = client(Config::default(), 1 << 20);
    input.fail(io::ErrorKind::ConnectionReset);
    assert_eq!(read(&wire), Read::Ended);
    assert!(matches!(wire.lock().end(), Some(End::Transport(_))));

    let (wire, input, _) = client(Config::default(), 1 << 20);
    input.put(Vec::new());
    input.fail(io::ErrorKind::ConnectionReset);
    assert_eq!((read(&wire), read(&wire)), (Read::Ended, Read::Ended));
    assert!(matches!(wire.lock().end(), Some(End::Core(CloseReason::Peer(None)))));
}

#[test]
fn unannounced_end_of_tls_cuts_short_only_what_was_open() {
    let (wire, input, _) = client(Config::default(), 1 << 20);
    input.fail(io::ErrorKind::UnexpectedEof);
    assert_eq!(read(&wire), Read::Ended);
    assert!(matches!(wire.lock().end(), Some(End::Core(CloseReason::Peer(None)))));

    let (wire, input, _) = client(Config::default(), 1 << 20);
    open(&wire);
    input.fail(io::ErrorKind::UnexpectedEof);
    assert_eq!(read(&wire), Read::Ended);
    assert!(matches!(wire.lock().end(), Some(End::Transport(_))));
}

/// A client's end whose first write has failed with `BrokenPipe`.
fn with_a_failed_write() -> (Wire<Plain>, Input) {
    let (wire, input, output) = client(Config::default(), 1 << 20);
    output.fail(io::ErrorKind::BrokenPipe);
    assert_eq!(write(&wire, What::All), Wrote::Failed);
    (wire, input)
}

#[track_caller]
fn transport_error(wire: &Wire<Plain>) -> io::ErrorKind {
    let end = wire.lock().end();
    match end {
        Some(End::Transport(error)) => io::Error::from(error).kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failed_write_leaves_the_end_to_the_reader() {
    let (wire, input) = with_a_failed_write();
    assert!(wire.lock().end().is_none());
    open(&wire);
    assert!(!wire.lock().has_to_write(), "nothing can be written any more");
    // The peer had its reasons.
    let mut goaway = Vec::new();
    let (last_stream_id, error_code) = (StreamId::MAX, ErrorCode::EnhanceYourCalm);
    let debug_data = Default::default();
    Goaway { last_stream_id, error_code, debug_data }.encode(&mut goaway);
    input.put(goaway);
    input.put(Vec::new());
    assert_eq!((read(&wire), read(&wire)), (Read::Some, Read::Ended));
    let end = wire.lock().end();
    match end {
        Some(End::Core(CloseReason::Peer(Some((code, _))))) => assert_eq!(code, error_code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn peer_that_has_closed_is_why_a_write_failed() {
    let (wire, input) = with_a_failed_write();
    input.put(Vec::new());
    assert_eq!(read(&wire), Read::Ended);
    assert!(matches!(wire.lock().end(), Some(End::Core(CloseReason::Peer(None)))));
}

#[test]
fn of_a_failed_write_and_a_failed_read_the_first_is_the_reason() {
    let (wire, input) = with_a_failed_write();
    input.fail(io::ErrorKind::ConnectionReset);
    read(&wire);
    assert_eq!(transport_error(&wire), io::ErrorKind::BrokenPipe);

    let (wire, input, _) = client(Config::default(), 1 << 20);
    input.fail(io::ErrorKind::ConnectionReset);
    read(&wire);
    wire.with(|state, _| state.set_write_failed(Error::from(io::Error::other("a write"))));
    assert_eq!(transport_error(&wire), io::ErrorKind::ConnectionReset);
}

#[test]
fn failed_write_is_the_reason_if_the_reader_finds_none_in_time() {
    let (wire, _) = with_a_failed_write();
    assert_eq!(read(&wire), Read::Nothing);
    let mut state = wire.lock();
    let at = state.deadline().expect("the reader has until then");
    assert!(at <= Instant::now() + DRAIN_TIMEOUT);
    state.run_deadlines(at);
    drop(state);
    assert_eq!(transport_error(&wire), io::ErrorKind::BrokenPipe);
}

#[test]
fn reader_that_has_not_looked_by_the_deadline_gets_the_time_once_more() {
    let (wire, input) = with_a_failed_write();
    let at = wire.lock().deadline().unwrap();
    let again = wire.lock().run_deadlines(at).expect("the connection is alive");
    assert_eq!(again, at + DRAIN_TIMEOUT);
    assert!(wire.lock().end().is_none());
    // The reason is there now.
    input.put(Vec::new());
    read(&wire);
    assert!(matches!(wire.lock().end(), Some(End::Core(CloseReason::Peer(None)))));

    let (wire, _) = with_a_failed_write();
    let at = wire.lock().deadline().unwrap();
    let again = wire.lock().run_deadlines(at).unwrap();
    wire.lock().run_deadlines(again);
    assert_eq!(transport_error(&wire), io::ErrorKind::BrokenPipe);
}

#[cfg(feature = "tls")]
#[test]
fn alert_of_the_peer_is_the_reason_whether_it_is_noticed_before_or_after_a_failed_write() {
    let alert = || Error::tls(crate::ErrorKind::Tls, io::Error::other("an alert"));
    let is_alert = |wire: &Wire<Plain>| match wire.lock().end() {
        Some(End::Transport(error)) => error.is_tls(),
        _ => false,
    };
    let (wire, input) = with_a_failed_write();
    input.0.lock().unwrap().push_back(Err(alert().into()));
    assert_eq!(read(&wire), Read::Ended);
    assert!(is_alert(&wire));

    let (wire, input, output) = client(Config::default(), 1 << 20);
    output.fail(io::ErrorKind::BrokenPipe);
    input.0.lock().unwrap().push_back(Err(alert().into()));
    assert_eq!((read(&wire), write(&wire, What::All)), (Read::Ended, Wrote::Failed));
    assert!(is_alert(&wire));
}
