//! Identifiers: reserved by one call, used by another, and in order on the wire (RFC 9113, Section
//! 5.1.1).

use std::time::Duration;

use super::super::{CommandError, Config, Role};
use super::{Peer, Sent, get, id, post, status};
use crate::frame::{ErrorCode, Setting, Settings, StreamId};

const HALF: Duration = Duration::from_millis(25);

fn client() -> Peer {
    Peer::of_client(Config::default())
}

/// Returns a client whose server allows this many concurrent streams.
fn limited(streams: u32) -> Peer {
    let entries = vec![Setting::MaxConcurrentStreams(streams)];
    Peer::greeted(Role::Client, Config::default(), entries)
}

fn reserve(peer: &mut Peer) -> StreamId {
    peer.ask(|core, now| core.reserve_stream_id(now)).unwrap()
}

fn open(peer: &mut Peer) -> StreamId {
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap()
}

fn open_many(peer: &mut Peer, streams: usize) {
    for _ in 0..streams {
        open(peer);
    }
}

fn request(peer: &mut Peer, stream: StreamId) -> Result<(), CommandError> {
    peer.ask(|core, now| core.send_headers(stream, &get(), true, now))
}

fn answer(peer: &mut Peer, n: u32) {
    peer.send_headers(n, &status(200), true);
}

fn opened(peer: &mut Peer) -> Vec<u32> {
    peer.sent()
        .iter()
        .map(|sent| match sent {
            Sent::Headers { id, .. } => id.get(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn identifiers_are_odd_for_clients_even_for_servers_and_increase() {
    let mut peer = client();
    assert_eq!([reserve(&mut peer), reserve(&mut peer), open(&mut peer)], [id(1), id(3), id(5)]);
    let mut peer = Peer::of_server(Config::default());
    assert_eq!([reserve(&mut peer), reserve(&mut peer)], [id(2), id(4)]);
}

#[test]
fn headers_of_a_higher_identifier_wait_for_a_lower_one() {
    let mut peer = client();
    let (one, three, five) = (reserve(&mut peer), reserve(&mut peer), reserve(&mut peer));
    request(&mut peer, five).unwrap();
    request(&mut peer, three).unwrap();
    peer.expect_nothing();
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1, 3, 5]);
}

#[test]
fn a_lower_one_goes_out_at_once_while_a_higher_one_is_only_reserved() {
    let mut peer = client();
    let one = reserve(&mut peer);
    reserve(&mut peer);
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1]);
}

#[test]
fn open_waits_for_reserved_identifiers_like_any_other_request() {
    let mut peer = client();
    let one = reserve(&mut peer);
    open(&mut peer);
    peer.expect_nothing();
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1, 3]);
}

#[test]
fn after_fifty_milliseconds_the_lower_one_is_given_up() {
    let mut peer = client();
    let (one, three) = (reserve(&mut peer), reserve(&mut peer));
    request(&mut peer, three).unwrap();
    peer.pass(HALF * 2 - Duration::from_nanos(1));
    peer.expect_nothing();
    peer.pass(Duration::from_nanos(1));
    assert_eq!(opened(&mut peer), [3]);
    // Using it later is an error of only that call.
    assert_eq!(request(&mut peer, one), Err(CommandError::GivenUp(one)));
    answer(&mut peer, 3);
    assert_eq!(request(&mut peer, one), Err(CommandError::GivenUp(one)));
    open(&mut peer);
    assert_eq!(opened(&mut peer), [5]);
}

#[test]
fn the_timeout_starts_with_the_headers_and_not_with_the_reservation() {
    let mut peer = client();
    let (one, three) = (reserve(&mut peer), reserve(&mut peer));
    peer.pass(HALF * 100);
    request(&mut peer, three).unwrap();
    peer.pass(HALF);
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1, 3]);
}

#[test]
fn a_reservation_that_delays_no_stream_is_kept() {
    let mut peer = client();
    let one = reserve(&mut peer);
    peer.pass(HALF * 10_000);
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1]);
}

#[test]
fn deferred_streams_open_as_far_as_they_can() {
    let mut peer = client();
    let streams: Vec<_> = (0..5).map(|_| reserve(&mut peer)).collect();
    request(&mut peer, streams[1]).unwrap();
    request(&mut peer, streams[2]).unwrap();
    peer.pass(HALF);
    request(&mut peer, streams[4]).unwrap();
    request(&mut peer, streams[0]).unwrap();
    assert_eq!(opened(&mut peer), [1, 3, 5]);
    peer.pass(HALF);
    peer.expect_nothing();
    peer.pass(HALF);
    assert_eq!(opened(&mut peer), [9]);
    assert_eq!(request(&mut peer, streams[3]), Err(CommandError::GivenUp(streams[3])));
}

#[test]
fn a_reserved_identifier_can_be_released() {
    let mut peer = client();
    let one = reserve(&mut peer);
    open(&mut peer);
    peer.ask(|core, now| core.reset(one, ErrorCode::Cancel, now)).unwrap();
    assert_eq!(opened(&mut peer), [3]);
    assert_eq!(request(&mut peer, one), Err(CommandError::GivenUp(one)));
}

#[test]
fn a_deferred_request_can_be_cancelled_without_a_frame() {
    let mut peer = client();
    let (one, three) = (reserve(&mut peer), reserve(&mut peer));
    request(&mut peer, three).unwrap();
    peer.ask(|core, now| core.reset(three, ErrorCode::Cancel, now)).unwrap();
    request(&mut peer, one).unwrap();
    open(&mut peer);
    assert_eq!(opened(&mut peer), [1, 5]);
    assert_eq!(request(&mut peer, three), Err(CommandError::GivenUp(three)));
}

#[test]
fn data_of_a_deferred_request_waits_and_follows_it() {
    let mut peer = client();
    let (one, three) = (reserve(&mut peer), reserve(&mut peer));
    peer.ask(|core, now| core.send_headers(three, &post(), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(three, "body".into(), true, now)).unwrap();
    assert!(!peer.core().wants_transmit());
    peer.expect_nothing();
    request(&mut peer, one).unwrap();
    peer.expect_headers(1, true);
    peer.expect_headers(3, false);
    peer.expect_data(3, b"body", true);
}

#[test]
fn the_peers_limit_of_streams_defers_requests_and_each_end_opens_one() {
    let mut peer = limited(2);
    open_many(&mut peer, 5);
    assert_eq!(opened(&mut peer), [1, 3]);
    answer(&mut peer, 3);
    assert_eq!(opened(&mut peer), [5]);
    peer.send_reset(1, ErrorCode::Cancel);
    assert_eq!(opened(&mut peer), [7]);
    peer.ask(|core, now| core.reset(id(7), ErrorCode::Cancel, now)).unwrap();
    peer.expect_reset(7, ErrorCode::Cancel);
    assert_eq!(opened(&mut peer), [9]);
}

#[test]
fn a_lower_limit_ends_no_stream_and_a_higher_one_opens_more() {
    let mut peer = limited(2);
    open_many(&mut peer, 4);
    peer.sent();
    peer.send_settings(vec![Setting::MaxConcurrentStreams(1)]);
    peer.expect(Settings::acknowledgement());
    answer(&mut peer, 1);
    peer.expect_nothing();
    peer.send_settings(vec![Setting::MaxConcurrentStreams(3)]);
    peer.expect(Settings::acknowledgement());
    assert_eq!(opened(&mut peer), [5, 7]);
}

#[test]
fn a_request_that_waits_for_a_slot_gives_up_no_identifier() {
    let mut peer = limited(1);
    open(&mut peer);
    let three = reserve(&mut peer);
    open(&mut peer);
    assert_eq!(opened(&mut peer), [1]);
    peer.pass(HALF * 100);
    request(&mut peer, three).unwrap();
    answer(&mut peer, 1);
    assert_eq!(opened(&mut peer), [3]);
    answer(&mut peer, 3);
    assert_eq!(opened(&mut peer), [5]);
}

#[test]
fn using_a_stream_too_early_is_a_clear_error() {
    let mut peer = client();
    let one = reserve(&mut peer);
    assert_eq!(
        peer.ask(|core, now| core.send_data(one, "x".into(), false, now)),
        Err(CommandError::HeadersNotSent(one))
    );
    assert_eq!(request(&mut peer, id(3)), Err(CommandError::NotReserved(id(3))));
    assert_eq!(request(&mut peer, id(2)), Err(CommandError::UnknownStream(id(2))));
    assert_eq!(request(&mut peer, id(0)), Err(CommandError::UnknownStream(id(0))));
}

#[test]
fn a_bad_request_leaves_its_identifier_reserved() {
    let mut peer = client();
    let one = reserve(&mut peer);
    let bad = peer.ask(|core, now| core.send_headers(one, &status(200), true, now));
    assert!(matches!(bad, Err(CommandError::Malformed(_))));
    request(&mut peer, one).unwrap();
    assert_eq!(opened(&mut peer), [1]);
}

#[test]
fn when_all_identifiers_are_used_a_new_connection_is_needed() {
    let mut peer = client();
    peer.ask(|core, _| core.opener.skip_to(StreamId::from_wire(0x7fff_fffd)));
    open(&mut peer);
    assert_eq!(open(&mut peer), StreamId::MAX);
    for answer in [
        peer.ask(|core, now| core.open(&get(), true, now)),
        peer.ask(|core, now| core.reserve_stream_id(now)),
    ] {
        assert_eq!(answer, Err(CommandError::IdsExhausted));
    }
    assert_eq!(opened(&mut peer), [0x7fff_fffd, 0x7fff_ffff]);
}

#[test]
fn thousands_of_unused_reservations_are_given_up_oldest_first() {
    let mut peer = client();
    let first = reserve(&mut peer);
    let second = reserve(&mut peer);
    for _ in 2..4_097 {
        reserve(&mut peer);
    }
    assert_eq!(request(&mut peer, first), Err(CommandError::GivenUp(first)));
    request(&mut peer, second).unwrap();
    assert_eq!(opened(&mut peer), [3]);
}

#[test]
fn a_stream_that_ended_long_ago_is_closed_and_not_given_up() {
    let mut peer = client();
    for n in 0..1_100 {
        open(&mut peer);
        answer(&mut peer, 2 * n + 1);
    }
    for n in [1, 2_199] {
        assert_eq!(request(&mut peer, id(n)), Err(CommandError::StreamClosed(id(n))));
    }
}

#[test]
fn a_client_cannot_open_as_a_server() {
    let mut peer = Peer::of_server(Config::default());
    let answer = peer.ask(|core, now| core.open(&get(), true, now));
    assert_eq!(answer, Err(CommandError::ClientOnly));
    let two = reserve(&mut peer);
    assert!(request(&mut peer, two).is_err());
}
