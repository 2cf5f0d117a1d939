//! Clocks that jump ahead, stop or go back, and frames that arrive slowly.

use std::time::{Duration, Instant};

use super::super::{CloseReason, Config, Connection, Event, Fault, Role, Transmit};
use super::{Pair, Peer, Side, get, id, post, status};
use crate::frame::{ErrorCode, Flags, Frame, Head, Kind, Ping, Settings, WindowUpdate};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOURS: Duration = Duration::from_secs(7 * 3600);

fn server() -> Peer {
    Peer::of_server(Config::default())
}

fn octets(frame: impl Into<Frame>) -> Vec<u8> {
    let mut octets = Vec::new();
    frame.into().encode(&mut octets);
    octets
}

// Incomplete frames.

/// Sends the first octets of a frame and then nothing.
fn check_beginning(mut peer: Peer, beginning: &[u8]) {
    peer.send_octets(beginning);
    peer.pass(10 * SECOND - MS);
    assert_eq!(peer.result, Ok(()), "{beginning:?}");
    peer.pass(MS);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout, "{beginning:?}");
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_frame_that_has_begun_has_to_end_in_time() {
    let ping = octets(Ping { ack: false, payload: [0; 8] });
    for len in 1..ping.len() {
        check_beginning(server(), &ping[..len]);
        check_beginning(Peer::of_client(Config::default()), &ping[..len]);
    }
    for kind in (0x1..=0x8).chain([0x10, 0x99]) {
        let length = match Kind(kind) {
            Kind::PRIORITY => 5,
            Kind::RST_STREAM | Kind::WINDOW_UPDATE => 4,
            Kind::SETTINGS => 6,
            Kind::CONTINUATION | Kind::PUSH_PROMISE => continue,
            _ => 8,
        };
        let stream_id = match Kind(kind) {
            Kind::SETTINGS | Kind::PING | Kind::GOAWAY | Kind(0x10) => id(0),
            _ => id(1),
        };
        let head = Head { length, kind: Kind(kind), flags: Flags::default(), stream_id };
        check_beginning(server(), &head.to_octets());
    }
}

#[test]
fn octets_that_come_one_by_one_do_not_put_the_deadline_off() {
    let mut peer = server();
    let ping = octets(Ping { ack: false, payload: [0; 8] });
    for octet in &ping[..10] {
        peer.send_octets(&[*octet]);
        peer.pass(999 * MS);
        assert_eq!(peer.result, Ok(()));
    }
    peer.pass(SECOND);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

/// The last octets of each frame arrive together with the first of the next, for hours.
#[test]
fn frames_that_end_in_time_are_accepted_indefinitely() {
    let mut peer = server();
    let ping = octets(Ping { ack: false, payload: [0; 8] });
    peer.send_octets(&ping[..3]);
    for _ in 0..1_000 {
        peer.pass(9 * SECOND);
        peer.send_octets(&[&ping[3..], &ping[..3]].concat());
        peer.sent();
        // Avoids the idle timeout.
        if peer.core().stats().streams_open == 0 {
            peer.send_octets(&ping[3..]);
            peer.send_headers(1, &post(), false);
            peer.send_octets(&ping[..3]);
        }
        assert_eq!(peer.result, Ok(()));
    }
}

#[test]
fn data_may_arrive_slowly() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    let head = Head { length: 60, kind: Kind::DATA, flags: Flags::default(), stream_id: id(1) };
    peer.send_octets(&head.to_octets());
    for _ in 0..60 {
        peer.pass(30 * SECOND);
        assert_eq!(peer.result, Ok(()));
        peer.send_octets(b"x");
    }
    peer.expect_alive();
    assert!(matches!(&peer.events()[..], [_, Event::Data { data, .. }] if data.len() == 60));
}

#[test]
fn without_a_header_timeout_a_frame_may_take_any_time() {
    let config = Config { header_timeout: None, idle_timeout: None, ..Config::default() };
    let mut peer = Peer::of_server(config);
    let ping = octets(Ping { ack: false, payload: [0; 8] });
    peer.send_octets(&ping[..16]);
    peer.pass(HOURS);
    peer.send_octets(&ping[16..]);
    peer.expect(Ping { ack: true, payload: [0; 8] });
}

// Jumps ahead.

/// A deadline passes and the driver is late by hours. What the peer sent meanwhile is read within
/// the extension and accepted.
fn check_survives(peer: &mut Peer, said_meanwhile: Vec<Frame>) {
    peer.now += HOURS;
    peer.ask(|core, now| core.handle_timeout(now)).unwrap();
    assert_eq!(peer.core().poll_timeout(), Some(peer.now + SECOND));
    peer.send_all(said_meanwhile);
    assert_eq!(peer.result, Ok(()));
    peer.pass(SECOND);
    assert_eq!(peer.result, Ok(()), "input that was in time came too late");
    assert_eq!(peer.core().close_reason(), None);
}

/// As in `check_survives`, but the peer has sent nothing.
fn check_ends(peer: &mut Peer) {
    peer.now += HOURS;
    peer.ask(|core, now| core.handle_timeout(now)).unwrap();
    peer.pass(SECOND - MS);
    assert_eq!(peer.result, Ok(()));
    peer.pass(MS);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout);
}

#[test]
fn settings_acknowledged_during_a_suspension_are_in_time() {
    let suspended = || {
        let mut peer = Peer::of_client(Config::default());
        peer.ask(|core, now| core.update_settings(Vec::new(), now)).unwrap();
        peer.sent();
        peer
    };
    check_survives(&mut suspended(), vec![Settings::acknowledgement().into()]);
    check_ends(&mut suspended());
}

#[test]
fn a_ping_acknowledged_during_a_suspension_is_in_time() {
    let suspended = || {
        let mut peer = Peer::of_client(Config::default());
        let payload = peer.ask(|core, now| core.ping(now)).unwrap();
        (peer, Ping { ack: true, payload })
    };
    let (mut peer, pong) = suspended();
    check_survives(&mut peer, vec![pong.into()]);
    check_ends(&mut suspended().0);
}

#[test]
fn a_window_opened_during_a_suspension_is_no_stall() {
    let mut peer = Peer::greeted(
        Role::Server,
        Config::default(),
        vec![crate::frame::Setting::InitialWindowSize(0)],
    );
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), vec![0; 5_000].into(), true, now)).unwrap();
    peer.sent();
    let window = WindowUpdate { stream_id: id(1), increment: 5_000 };
    check_survives(&mut peer, vec![window.into()]);
    assert_eq!(peer.sent().len(), 1, "the response has gone out");
    assert_eq!(peer.core().stats().resets_sent, 0);
}

#[test]
fn a_field_block_completed_during_a_suspension_is_in_time() {
    let mut peer = server();
    let whole = octets(peer.headers(1, &get(), true));
    peer.send_octets(&whole[..12]);
    peer.now += HOURS;
    peer.ask(|core, now| core.handle_timeout(now)).unwrap();
    peer.send_octets(&whole[12..]);
    peer.pass(SECOND);
    assert_eq!(peer.result, Ok(()));
    assert!(matches!(peer.events()[..], [Event::Headers { .. }]));
}

/// The peer was suspended too, so no deadline applies.
#[test]
fn two_ends_suspended_together_continue() {
    let config = || Config { keepalive_interval: Some(15 * SECOND), ..Config::default() };
    let mut pair = Pair::greeted(config(), config());
    let id = pair.client.open(&get(), true, pair.now).unwrap();
    pair.pump();
    for _ in 0..10 {
        pair.now += HOURS;
        for side in [Side::Client, Side::Server] {
            let now = pair.now;
            pair.side(side).handle_timeout(now).unwrap();
        }
        pair.pump();
        pair.pass(SECOND);
        pair.pump();
    }
    let now = pair.now;
    pair.server.send_headers(id, &status(200), true, now).unwrap();
    pair.pump();
    assert_eq!(pair.client.close_reason(), None);
    assert!(pair.events(Side::Client).iter().any(|event| matches!(event, Event::Headers { .. })));
}

/// The driver follows `poll_timeout`, but is late each time.
#[test]
fn each_suspension_extends_the_deadline() {
    let config = Config { keepalive_interval: Some(15 * SECOND), ..Config::default() };
    let mut peer = Peer::of_client(config);
    for _ in 0..10 {
        let payload = peer.ask(|core, now| core.ping(now)).unwrap();
        peer.sent();
        check_survives(&mut peer, vec![Ping { ack: true, payload }.into()]);
        peer.sent();
    }
}

/// The acknowledgment arrives at the end of the extension, and later deadlines are normal.
#[test]
fn a_deadline_after_the_extension_is_on_time() {
    let mut peer = Peer::of_client(Config::default());
    let payload = peer.ask(|core, now| core.ping(now)).unwrap();
    check_survives(&mut peer, vec![Ping { ack: true, payload }.into()]);
    peer.ask(|core, now| core.ping(now)).unwrap();
    assert_eq!(peer.core().poll_timeout(), Some(peer.now + 20 * SECOND));
    peer.pass(20 * SECOND);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout);
}

/// A deadline is extended once, however often the driver is late.
#[test]
fn a_driver_that_is_always_late_still_ends_the_connection() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.ping(now)).unwrap();
    peer.now += HOURS;
    peer.ask(|core, now| core.handle_timeout(now)).unwrap();
    peer.now += HOURS;
    let end = peer.ask(|core, now| core.handle_timeout(now));
    assert_eq!(end.unwrap_err().fault(), Fault::Timeout);
}

#[test]
fn a_driver_that_is_a_little_late_is_in_time() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.ping(now)).unwrap();
    peer.now += 20 * SECOND + 900 * MS;
    let end = peer.ask(|core, now| core.handle_timeout(now));
    assert_eq!(end.unwrap_err().fault(), Fault::Timeout);
}

// Clocks that stop or go back.

/// Runs exchanges that involve every deadline of the core, with the clock that `clock` returns.
fn exchange(mut clock: impl FnMut(usize) -> Instant) {
    let config = || Config { keepalive_interval: Some(15 * SECOND), ..Config::default() };
    let mut step = 0;
    let mut now = || {
        step += 1;
        clock(step)
    };
    let mut client = Connection::new(Role::Client, config(), now()).unwrap();
    let mut server = Connection::new(Role::Server, config(), now()).unwrap();
    let (mut to_server, mut to_client) = Default::default();
    let carry =
        |from: &mut Connection, to: &mut Connection, input: &mut bytes::BytesMut, at, then| {
            let mut out = Transmit::new();
            from.poll_transmit(at, &mut out, usize::MAX);
            // In two parts, to split frames and blocks.
            let octets = out.to_vec();
            let (first, second) = octets.split_at(octets.len() / 2);
            for part in [first, second] {
                input.extend_from_slice(part);
                to.receive(input, then).unwrap();
            }
        };
    let mut answered = 0;
    for round in 0..200 {
        if round % 10 == 0 {
            let id = client.open(&post(), false, now()).unwrap();
            client.send_data(id, vec![1; 70_000].into(), true, now()).unwrap();
            client.ping(now()).unwrap();
            server.ping(now()).unwrap();
        }
        carry(&mut client, &mut server, &mut to_server, now(), now());
        while let Some(event) = server.poll_event() {
            if let Event::Headers { stream_id, .. } = event {
                server.send_headers(stream_id, &status(200), false, now()).unwrap();
                server.send_data(stream_id, vec![2; 70_000].into(), true, now()).unwrap();
            }
        }
        carry(&mut server, &mut client, &mut to_client, now(), now());
        while let Some(event) = client.poll_event() {
            answered += usize::from(matches!(event, Event::Data { end_stream: true, .. }));
        }
        for core in [&mut client, &mut server] {
            core.poll_timeout();
            core.handle_timeout(now()).unwrap();
        }
    }
    assert_eq!(answered, 20);
    client.shutdown(now());
    server.close(ErrorCode::NoError, bytes::Bytes::new());
    assert_eq!(server.close_reason(), Some(&CloseReason::Local));
}

#[test]
fn a_clock_that_stands_still_is_harmless() {
    let now = Instant::now();
    exchange(|_| now);
}

#[test]
fn a_clock_that_goes_back_is_harmless() {
    let now = Instant::now() + HOURS;
    exchange(|step| now - MS * step as u32);
}

#[test]
fn a_clock_that_goes_back_and_forth_is_harmless() {
    let now = Instant::now() + HOURS;
    exchange(|step| if step % 2 == 0 { now } else { now - 5 * SECOND });
    exchange(|step| if step % 3 == 0 { now + HOURS } else { now });
}
