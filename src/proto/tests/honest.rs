//! Legitimate traffic that resembles an attack, for hours: for each budget, cases that must never
//! exhaust it. Limits are the defaults.

use std::time::Duration;

use bytes::Bytes;

use super::super::{Config, Event, Role};
use super::peer::{Sent, data_frame};
use super::{Pair, Peer, Side, get, id, post, status};
use crate::frame::{
    Dependency, ErrorCode, Frame, Ping, Priority, PriorityUpdate, Setting, Settings, StreamId,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: u32 = 3_600;

fn server() -> Peer {
    Peer::of_server(Config::default())
}

// Budget `resets_received`.

/// A browser requests fifty images at once, leaves the page, and loads the next one two seconds
/// later.
#[test]
fn a_browser_that_cancels_fifty_images_every_two_seconds_is_served() {
    let mut peer = server();
    let mut n = 1;
    for _ in 0..60 {
        let images: Vec<u32> = (0..50).map(|image| n + 2 * image).collect();
        for &image in &images {
            peer.send_headers(image, &get(), true);
        }
        for &image in &images {
            peer.send_reset(image, ErrorCode::Cancel);
        }
        assert_eq!(peer.result, Ok(()));
        peer.events();
        n += 100;
        peer.pass(2 * SECOND);
    }
    peer.expect_alive();
}

/// A download that is no longer wanted is reset, while earlier ones were not; one in eleven, at
/// full speed.
/// goes.
#[test]
fn a_hundred_thousand_requests_of_which_one_in_twenty_is_cancelled_are_served_in_no_time() {
    let mut pair = Pair::greeted(Config::default(), Config::default());
    let (mut answered, mut cancelled) = (0, 0);
    for round in 0..5_000 {
        let now = pair.now;
        let ids: Vec<_> = (0..20).map(|_| pair.client.open(&get(), true, now).unwrap()).collect();
        // Another one in each round.
        pair.client.reset(ids[round % 20], ErrorCode::Cancel, now).unwrap();
        pair.pump();
        for event in pair.events(Side::Server) {
            match event {
                Event::Headers { stream_id, .. } => {
                    // One has been cancelled already.
                    let _ = pair.server.send_headers(stream_id, &status(204), true, now);
                }
                Event::Reset { .. } => cancelled += 1,
                _ => {}
            }
        }
        pair.pump();
        let is_answer = |event: &Event| matches!(event, Event::Headers { .. });
        answered += pair.events(Side::Client).iter().filter(|event| is_answer(event)).count();
        assert_eq!((pair.client.close_reason(), pair.server.close_reason()), (None, None));
    }
    assert_eq!((answered, cancelled), (95_000, 5_000));
}

/// An overloaded server that refuses requests at once.
#[test]
fn a_server_that_refuses_half_of_the_requests_goes_on_with_the_other_half() {
    let mut peer = Peer::of_client(Config::default());
    for n in 0..5_000 {
        let stream_id = peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.sent();
        if n % 2 == 0 {
            peer.send_reset(stream_id.get(), ErrorCode::RefusedStream);
        } else {
            peer.send_headers(stream_id.get(), &status(204), true);
        }
        assert_eq!(peer.result, Ok(()));
        peer.events();
    }
    peer.expect_alive();
}

/// A client that has every promised response in its cache.
#[test]
fn a_client_that_declines_each_promise_gets_its_responses() {
    let mut peer = Peer::greeted(Role::Server, Config::default(), Vec::new());
    let mut n = 1;
    for _ in 0..100 {
        peer.send_headers(n, &get(), true);
        for _ in 0..20 {
            let promised = peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
            peer.ask(|core, now| core.promise(id(n), promised, &get(), now)).unwrap();
            peer.send_reset(promised.get(), ErrorCode::Cancel);
            assert_eq!(peer.result, Ok(()));
        }
        peer.ask(|core, now| core.send_headers(id(n), &status(204), true, now)).unwrap();
        peer.sent();
        peer.events();
        n += 2;
    }
    peer.expect_alive();
}

// Budget `glitches`.

/// A client reads a response in pieces of 4 KiB and grants credit for each, long after the server
/// has sent the last octet; at full speed.
#[test]
fn a_client_that_credits_what_it_reads_of_streams_that_have_ended_is_served() {
    let mut peer = server();
    for n in 0..2_000 {
        let stream_id = id(2 * n + 1);
        peer.send_headers(stream_id.get(), &get(), true);
        peer.ask(|core, now| core.send_headers(stream_id, &status(200), false, now)).unwrap();
        let body = Bytes::from(vec![0; 60_000]);
        peer.ask(|core, now| core.send_data(stream_id, body.clone(), true, now)).unwrap();
        peer.sent();
        peer.events();
        for _ in 0..15 {
            peer.send_window(stream_id.get(), 4_000);
        }
        peer.send_window(0, 60_000);
        assert_eq!(peer.result, Ok(()), "{n}");
    }
    peer.expect_alive();
}

// Budget `resets_provoked`.

/// A client that does not know or observe our limit is refused and retries, all day.
#[test]
fn a_client_that_opens_a_few_streams_too_many_every_second_is_served() {
    let mut peer = server();
    let mut n = 1;
    for _ in 0..60 {
        let ids: Vec<u32> = (0..150).map(|stream| n + 2 * stream).collect();
        for &stream in &ids {
            peer.send_headers(stream, &get(), true);
        }
        for &stream in &ids[..128] {
            peer.ask(|core, now| core.send_headers(id(stream), &status(204), true, now)).unwrap();
        }
        assert_eq!(peer.result, Ok(()));
        peer.sent();
        peer.events();
        n += 300;
        peer.pass(SECOND);
    }
    peer.expect_alive();
}

fn refused_id(sent: &Sent) -> Option<StreamId> {
    match sent {
        Sent::Frame(Frame::RstStream(reset)) => Some(reset.stream_id),
        _ => None,
    }
}

/// Handlers hang, and a client with 100 requests per second cancels each after a second. It never
/// has more than 100 streams open, and cannot know that the handlers hold all 128 slots.
#[test]
fn a_client_whose_requests_time_out_for_two_minutes_is_served_in_the_end() {
    let mut peer = Peer::of_server(Config { hold_slots: true, ..Config::default() });
    let mut n = 1;
    for _ in 0..120 {
        let ids: Vec<u32> = (0..100).map(|stream| n + 2 * stream).collect();
        for &stream in &ids {
            peer.send_headers(stream, &get(), true);
        }
        assert_eq!(peer.result, Ok(()));
        let refused: Vec<_> = peer.sent().iter().filter_map(refused_id).collect();
        peer.pass(SECOND);
        for &stream in ids.iter().filter(|&&stream| !refused.contains(&id(stream))) {
            peer.send_reset(stream, ErrorCode::Cancel);
        }
        assert_eq!(peer.result, Ok(()));
        n += 200;
    }
    let held = peer.events().into_iter().filter_map(|event| match event {
        Event::StreamClosed { stream_id, held_slot: true } => Some(stream_id),
        _ => None,
    });
    for stream_id in held {
        assert!(peer.ask(|core, _| core.release_slot(stream_id)));
    }
    peer.send_headers(n, &get(), true);
    peer.ask(|core, now| core.send_headers(id(n), &status(204), true, now)).unwrap();
    peer.expect_headers(n, true);
    peer.expect_alive();
}

// Budget `glitches`.

/// One octet per keystroke, three a second, with an occasional empty frame, for an hour.
#[test]
fn a_slow_typist_is_served() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    for key in 0..3 * HOUR {
        peer.send_data(1, b"x", false);
        if key % 5 == 0 {
            peer.send_data(1, b"", false);
        }
        peer.ask(|core, now| core.release(id(1), 1, now)).unwrap();
        assert_eq!(peer.result, Ok(()));
        peer.events();
        peer.sent();
        peer.pass(333 * MS);
    }
    peer.expect_alive();
}

/// Streams of messages of a few octets, each followed by an empty frame, in both directions: faster
/// than any budget refills.
#[test]
fn grpc_streams_both_ways_are_served() {
    let mut pair = Pair::greeted(Config::default(), Config::default());
    let now = pair.now;
    let ids: Vec<_> = (0..10).map(|_| pair.client.open(&post(), false, now).unwrap()).collect();
    pair.pump();
    for &stream in &ids {
        pair.server.send_headers(stream, &status(200), false, now).unwrap();
    }
    let mut received = [0, 0];
    for _ in 0..3_000 {
        for &stream in &ids {
            for side in [Side::Client, Side::Server] {
                pair.side(side).send_data(stream, "\0\0\0\0\x02hi".into(), false, now).unwrap();
                pair.side(side).send_data(stream, "".into(), false, now).unwrap();
            }
        }
        pair.pump();
        for (side, received) in [Side::Client, Side::Server].into_iter().zip(&mut received) {
            for event in pair.events(side) {
                if let Event::Data { stream_id, data, .. } = event {
                    *received += data.len();
                    pair.side(side).release(stream_id, data.len(), now).unwrap();
                }
            }
        }
    }
    assert_eq!(received, [10 * 3_000 * 7; 2]);
}

/// Firefox first builds a tree of PRIORITY frames, and browsers send an update for each image that
/// scrolls into view.
#[test]
fn a_browser_that_changes_its_priorities_is_served() {
    let mut peer = server();
    for n in [3, 5, 7, 9, 11, 13] {
        let dependency = Dependency { stream_id: id(0), exclusive: false, weight: 200 };
        peer.send(Priority { stream_id: id(n), dependency });
    }
    let mut n = 15;
    for _ in 0..100 {
        let images: Vec<u32> = (0..50).map(|image| n + 2 * image).collect();
        for &image in &images {
            peer.send_headers(image, &get(), true);
        }
        for urgency in ["u=3", "u=5, i", "u=1"] {
            for &image in &images {
                let field_value = urgency.into();
                peer.send(PriorityUpdate { prioritized_stream_id: id(image), field_value });
            }
        }
        for &image in &images {
            peer.ask(|core, now| core.send_headers(id(image), &status(204), true, now)).unwrap();
        }
        assert_eq!(peer.result, Ok(()));
        peer.sent();
        peer.events();
        n += 100;
        peer.pass(SECOND);
    }
    peer.expect_alive();
}

/// A peer that reads a hundred octets at a time and grants credit for each piece.
#[test]
fn a_peer_that_credits_every_hundred_octets_is_served() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.sent();
    for _ in 0..20_000 {
        peer.ask(|core, now| core.send_data(id(1), vec![0; 100].into(), false, now)).unwrap();
        peer.expect_data(1, &[0; 100], false);
        peer.send_window(0, 100);
        peer.send_window(1, 100);
        assert_eq!(peer.result, Ok(()));
    }
    peer.expect_alive();
}

// Budget `pings_received`.

#[test]
fn a_client_that_pings_every_ten_seconds_for_an_hour_is_served() {
    let ping = Ping { ack: false, payload: [7; 8] };
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    for _ in 0..HOUR / 10 {
        peer.pass(10 * SECOND);
        peer.send(ping);
        peer.expect(Ping { ack: true, ..ping });
    }
    // And once a second while idle.
    for _ in 0..HOUR {
        peer.pass(SECOND);
        peer.send(ping);
        peer.expect(Ping { ack: true, ..ping });
    }
    peer.expect_alive();
}

/// Two of our endpoints with keepalive.
#[test]
fn two_ends_with_keepalive_stay_together_for_an_hour() {
    let config = || Config { keepalive_interval: Some(10 * SECOND), ..Config::default() };
    let mut pair = Pair::greeted(config(), config());
    pair.client.open(&get(), true, pair.now).unwrap();
    for _ in 0..HOUR {
        pair.pass(SECOND);
        pair.pump();
    }
    assert!(pair.client.stats().received.frames(crate::frame::Kind::PING) >= 300);
    assert_eq!((pair.client.close_reason(), pair.server.close_reason()), (None, None));
}

// Budget `settings_received`.

/// A client that adapts its windows to measurements.
#[test]
fn a_client_that_announces_another_window_every_second_is_served() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    for second in 0..HOUR {
        peer.send_settings(vec![Setting::InitialWindowSize(65_535 + second)]);
        peer.expect(Settings::acknowledgement());
        peer.pass(SECOND);
    }
    peer.expect_alive();
}

// Limits of a field section.

#[test]
fn many_cookies_are_taken() {
    let mut pair = Pair::greeted(Config::default(), Config::default());
    let mut request = get();
    for n in 0..200 {
        request.push("cookie", format!("crumb-{n}={}", "v".repeat(200)));
    }
    assert!(request.section_size() < 64 << 10);
    for _ in 0..10 {
        pair.client.open(&request, true, pair.now).unwrap();
        pair.pump();
        let events = pair.events(Side::Server);
        let [Event::Headers { headers, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(headers.len(), request.len());
    }
}

/// A server of tiny messages continues until the reset arrives, and so does an uploading client: up
/// to the window of the stream.
#[test]
fn tiny_messages_that_were_on_their_way_when_we_reset_their_stream_cost_nothing() {
    let config = || Config { initial_window_size: 100_000, ..Config::default() };
    let download = || {
        let mut peer = Peer::of_client(config());
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.send_headers(1, &status(200), false);
        peer
    };
    let upload = || {
        let mut peer = Peer::of_server(config());
        peer.send_headers(1, &post(), false);
        peer
    };
    for mut peer in [download(), upload()] {
        peer.send_data(1, b"tick", false);
        peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        peer.send_all(std::iter::repeat_n(data_frame(1, b"tick", false), 24_998));
        peer.send_data(1, b"last", true);
        assert_eq!(peer.result, Ok(()));
        peer.sent();
        peer.expect_alive();
    }
}

/// A client asks two servers and takes the first response. The other is in flight when its request
/// is cancelled.
#[test]
fn answers_to_twenty_thousand_requests_that_were_cancelled_meanwhile_cost_nothing() {
    let mut peer = Peer::of_client(Config::default());
    for _ in 0..20_000 {
        let stream_id = peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.ask(|core, now| core.reset(stream_id, ErrorCode::Cancel, now)).unwrap();
        peer.send_headers(stream_id.get(), &status(204), true);
        assert_eq!(peer.result, Ok(()));
        peer.sent();
        peer.events();
    }
    peer.expect_alive();
}

/// A stream over the limit is refused, while its messages are in flight.
#[test]
fn tiny_messages_that_were_on_their_way_when_their_stream_was_refused_cost_nothing() {
    let mut peer = Peer::of_server(Config { max_concurrent_streams: 1, ..Config::default() });
    peer.send_headers(1, &post(), false);
    peer.send_headers(3, &post(), false);
    peer.send_all(std::iter::repeat_n(data_frame(3, b"tick", false), 20_000));
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.sent();
    peer.expect_alive();
}

/// One octet per padded frame, as sent to hide the length of messages.
#[test]
fn an_upload_in_padded_frames_of_one_octet_is_taken() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    let Frame::Data(plain) = data_frame(1, b"x", false) else { unreachable!() };
    let padded = crate::frame::Data { padding: Some(255), ..plain };
    for _ in 0..12_000 {
        peer.send(padded.clone());
        peer.ask(|core, now| core.release(id(1), 1, now)).unwrap();
        peer.sent();
        assert_eq!(peer.result, Ok(()));
    }
    peer.expect_alive();
}
