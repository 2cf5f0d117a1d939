//! RST_STREAM: wasted work is charged (CVE-2023-44487), and legitimate peers do not exhaust the
//! budget.

use std::time::Duration;

use super::super::{Config, Event};
use super::{Pair, Peer, Side, get, id, post, status};
use crate::frame::ErrorCode;

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Peer {
    Peer::of_server(Config { max_concurrent_streams: 10_000, ..Config::default() })
}

fn respond(peer: &mut Peer, n: u32, end_stream: bool) {
    peer.ask(move |core, now| core.send_headers(id(n), &status(200), end_stream, now)).unwrap();
    peer.sent();
}

/// Whether a request is reset before, during or after its response.
#[derive(Clone, Copy)]
enum When {
    Before,
    Within,
    After,
}

fn request_and_reset(peer: &mut Peer, n: u32, when: When) {
    match when {
        When::Before => peer.send_headers(n, &get(), true),
        When::Within => {
            peer.send_headers(n, &get(), true);
            respond(peer, n, false);
        }
        When::After => {
            peer.send_headers(n, &post(), false);
            respond(peer, n, true);
        }
    }
    peer.send_reset(n, ErrorCode::Cancel);
    peer.events();
}

/// Returns how many such resets a server accepts at once.
fn resets_at_once(when: When, max: u32) -> u32 {
    let mut peer = server();
    for count in 0..max {
        request_and_reset(&mut peer, 2 * count + 1, when);
        if peer.result.is_err() {
            peer.expect_failure(ErrorCode::EnhanceYourCalm);
            return count;
        }
    }
    max
}

#[test]
fn reset_before_the_response_costs_one_of_a_thousand() {
    assert_eq!(resets_at_once(When::Before, 2_000), 1_000);
}

#[test]
fn reset_of_a_response_that_has_begun_costs_an_eighth() {
    assert_eq!(resets_at_once(When::Within, 10_000), 8_000);
}

#[test]
fn reset_after_the_response_costs_nothing() {
    assert_eq!(resets_at_once(When::After, 9_000), 9_000);
}

#[test]
fn interim_response_does_not_make_a_reset_cheaper() {
    let mut peer = server();
    for n in 0..=1_000 {
        let n = 2 * n + 1;
        peer.send_headers(n, &get(), true);
        peer.ask(move |core, now| core.send_headers(id(n), &status(103), false, now)).unwrap();
        peer.sent();
        peer.send_reset(n, ErrorCode::Cancel);
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn hundred_resets_a_second_are_accepted_indefinitely() {
    let mut peer = server();
    for n in 0..2_500 {
        request_and_reset(&mut peer, 2 * n + 1, When::Before);
        assert_eq!(peer.result, Ok(()));
        peer.pass(SECOND / 100);
    }
}

#[test]
fn four_complete_streams_refund_one_reset() {
    let mut peer = server();
    // Three of four complete, so each round costs a quarter.
    let mut n = 1;
    for round in 0..3_998 {
        assert_eq!(peer.result, Ok(()), "{round}");
        for _ in 0..3 {
            peer.send_headers(n, &get(), true);
            respond(&mut peer, n, true);
            n += 2;
        }
        request_and_reset(&mut peer, n, When::Before);
        n += 2;
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn resets_of_streams_that_are_over_are_glitches() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    for count in 0..=10_001 {
        assert_eq!(peer.result, Ok(()), "{count}");
        peer.send_reset(1, ErrorCode::Cancel);
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn resets_that_cross_ours_cost_nothing_once_each() {
    let mut peer = Peer::of_client(Config::default());
    let open_and_reset = |peer: &mut Peer| {
        let id = peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.ask(move |core, now| core.reset(id, ErrorCode::Cancel, now)).unwrap();
        peer.sent();
        peer.events();
        id.get()
    };
    // A server with the same deadline as its client cancels each call at the same moment.
    for _ in 0..20_000 {
        let n = open_and_reset(&mut peer);
        peer.send_reset(n, ErrorCode::Cancel);
    }
    assert_eq!(peer.result, Ok(()));
    let n = open_and_reset(&mut peer);
    for _ in 0..=10_001 {
        peer.send_reset(n, ErrorCode::Cancel);
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn server_that_resets_each_stream_after_its_response_is_accepted() {
    let mut peer = Peer::of_client(Config::default());
    for n in (1..40_000).step_by(2) {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.send_headers(n, &status(304), true);
        peer.send_reset(n, ErrorCode::NoError);
        peer.sent();
        peer.events();
    }
    assert_eq!(peer.result, Ok(()));
}

#[test]
fn promises_that_are_reset_at_once_are_charged_to_the_server() {
    let mut peer = Peer::of_client(Config { enable_push: true, ..Config::default() });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    for n in 1..=1_001 {
        peer.send_promise(1, 2 * n, &get());
        peer.send_reset(2 * n, ErrorCode::Cancel);
        peer.events();
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

// Legitimate peers.

#[test]
fn server_that_answers_uploads_early_and_resets_them_keeps_its_client() {
    for code in [ErrorCode::NoError, ErrorCode::InternalError, ErrorCode::RefusedStream] {
        let mut peer = Peer::of_client(Config::default());
        for n in 0..1_500 {
            let n = 2 * n + 1;
            peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
            peer.ask(move |core, now| core.send_data(id(n), "part".into(), false, now)).unwrap();
            peer.sent();
            peer.send_headers(n, &status(413), code == ErrorCode::NoError);
            peer.send_reset(n, code);
            assert_eq!(peer.result, Ok(()));
            peer.events();
        }
        peer.expect_alive();
    }
}

#[test]
fn uploads_that_are_stopped_after_the_response_do_not_end_a_long_call() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    respond(&mut peer, 1, false);
    // gRPC's C core resets each refused call.
    for n in 1..=69 * 30 {
        request_and_reset(&mut peer, 2 * n + 1, When::After);
        assert_eq!(peer.result, Ok(()));
        peer.pass(SECOND / 69);
    }
    peer.send_data(1, b"still here", true);
    peer.expect_alive();
}

#[test]
fn hedged_requests_at_a_thousand_a_second_of_which_a_fifth_is_cancelled_are_served() {
    let mut peer = server();
    for n in 0..12_000 {
        let id = 2 * n + 1;
        if n % 5 == 0 {
            request_and_reset(&mut peer, id, When::Before);
        } else {
            peer.send_headers(id, &get(), true);
            respond(&mut peer, id, true);
            peer.events();
        }
        assert_eq!(peer.result, Ok(()));
        peer.pass(SECOND / 1_000);
    }
}

/// Three hundred images, of which 128 are in progress when the page is left, half of them with a
/// response.
#[test]
fn browser_that_leaves_pages_of_images_at_any_pace_is_served() {
    for pace in [SECOND, 3 * SECOND / 10, SECOND / 10] {
        let mut peer = Peer::of_server(Config::default());
        let mut n = 1;
        for _ in 0..12 {
            for _ in 0..128 {
                peer.send_headers(n, &get(), true);
                n += 2;
            }
            for image in (n - 256..n).step_by(4) {
                respond(&mut peer, image, false);
            }
            for image in (n - 256..n).step_by(2) {
                peer.send_reset(image, ErrorCode::Cancel);
            }
            assert_eq!(peer.result, Ok(()));
            peer.events();
            peer.pass(pace);
        }
        peer.expect_alive();
    }
}

#[test]
fn two_thousand_requests_cancelled_at_once_during_their_responses_are_accepted() {
    let config = Config { max_concurrent_streams: 2_001, ..Config::default() };
    let mut pair = Pair::greeted(Config::default(), config);
    let now = pair.now;
    let ids: Vec<_> = (0..2_000).map(|_| pair.client.open(&get(), true, now).unwrap()).collect();
    pair.pump();
    for &id in &ids {
        pair.server.send_headers(id, &status(200), false, now).unwrap();
        pair.server.send_data(id, vec![0; 2_000].into(), true, now).unwrap();
    }
    pair.carry(Side::Server);
    for &id in &ids {
        // Streams whose response is complete have ended already.
        let _ = pair.client.reset(id, ErrorCode::Cancel, now);
    }
    pair.pump();
    assert_eq!((pair.client.close_reason(), pair.server.close_reason()), (None, None));
    pair.events(Side::Server);
    pair.client.open(&get(), true, now).unwrap();
    pair.pump();
    assert!(matches!(pair.events(Side::Server)[..], [Event::Headers { .. }]));
}
