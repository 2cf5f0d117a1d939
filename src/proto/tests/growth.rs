//! Receive windows that grow while their readers keep up, and the limit of their total.

use std::time::Duration;

use super::super::{Config, Role};
use super::peer::data_frame;
use super::{Peer, Sent, get, id, post, status};
use crate::frame::{ErrorCode, Frame, PREFACE, Setting, Settings};

const INITIAL: u32 = 4 << 10;
const MAX: u32 = 64 << 10;
const BUDGET: u32 = 96 << 10;
const ROUND_TRIP: Duration = Duration::from_millis(50);

fn config() -> Config {
    Config {
        initial_window_size: INITIAL,
        max_window_size: MAX,
        window_budget: BUDGET,
        max_frame_size: 1 << 20,
        ..Config::default()
    }
}

/// Returns a server with this round-trip time to its peer.
fn server_far_away(config: Config) -> Peer {
    let mut peer = Peer::before_handshake(Role::Server, config);
    peer.send_octets(PREFACE);
    peer.send(Settings { ack: false, entries: Vec::new() });
    peer.now += ROUND_TRIP;
    peer.send(Settings::acknowledgement());
    peer.sent();
    peer
}

/// Returns a server with uploads in progress on these streams.
fn server(streams: &[u32]) -> Peer {
    let mut peer = server_far_away(config());
    for &n in streams {
        peer.send_headers(n, &post(), false);
    }
    peer.sent();
    peer
}

fn window(peer: &mut Peer, n: u32) -> u32 {
    peer.ask(|core, _| core.receive_window(id(n)))
}

fn borrowed(peer: &mut Peer) -> u32 {
    peer.ask(|core, _| core.input.growth.borrowed())
}

fn send(peer: &mut Peer, n: u32, octets: u32) {
    let mut left = octets as usize;
    while left > 0 {
        let len = left.min(128 << 10);
        peer.send(data_frame(n, &vec![0; len], false));
        left -= len;
    }
    assert_eq!(peer.result, Ok(()));
    peer.events();
}

/// Takes octets as the application. Returns the credit that the stream gets for them.
fn take(peer: &mut Peer, n: u32, octets: u32) -> u32 {
    peer.ask(|core, now| core.release(id(n), octets as usize, now)).unwrap();
    let credit = |sent| match sent {
        Sent::Frame(Frame::WindowUpdate(update)) if update.stream_id == id(n) => update.increment,
        _ => 0,
    };
    peer.sent().into_iter().map(credit).sum()
}

/// Uses a whole window and takes it, `takes` after the peer began.
fn use_window(peer: &mut Peer, n: u32, takes: Duration) -> u32 {
    let size = window(peer, n);
    send(peer, n, size);
    peer.now += takes;
    take(peer, n, size)
}

/// Grows a window to its maximum.
fn grow(peer: &mut Peer, n: u32) -> u32 {
    for _ in 0..8 {
        use_window(peer, n, ROUND_TRIP);
    }
    window(peer, n)
}

#[test]
fn window_doubles_while_it_limits_its_peer() {
    let mut peer = server(&[1]);
    let takes = 3 * ROUND_TRIP;
    assert_eq!(use_window(&mut peer, 1, takes), 2 * INITIAL, "what was used, and as much again");
    assert_eq!(window(&mut peer, 1), 2 * INITIAL);
    assert_eq!(use_window(&mut peer, 1, takes), 4 * INITIAL);
    // The peer may use all of it.
    send(&mut peer, 1, 4 * INITIAL);
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn window_that_limits_its_peer_by_far_quadruples() {
    let mut peer = server(&[1]);
    assert_eq!(use_window(&mut peer, 1, ROUND_TRIP), 4 * INITIAL);
    assert_eq!(use_window(&mut peer, 1, 2 * ROUND_TRIP), 8 * INITIAL);
    assert_eq!(window(&mut peer, 1), 8 * INITIAL);
}

/// The rate of a long transfer depends on how soon its window is as large as it can be. The sizes are
/// a 64th of the defaults.
#[test]
fn default_windows_reach_their_maximum_in_three_round_trips() {
    for role in [Role::Server, Role::Client] {
        let config = Config::for_role(role);
        let (initial, max) = (config.initial_window_size / 64, config.max_window_size / 64);
        let mut peer = server_far_away(Config {
            initial_window_size: initial,
            max_window_size: max,
            window_budget: config.window_budget / 64,
            max_frame_size: 1 << 20,
            ..config
        });
        peer.send_headers(1, &post(), false);
        peer.sent();
        let mut credit = initial;
        for _ in 0..3 {
            // All that was announced arrives at once, and is taken in pieces.
            send(&mut peer, 1, credit);
            credit = (0..16).map(|_| take(&mut peer, 1, credit / 16)).sum();
            peer.now += ROUND_TRIP;
        }
        assert_eq!(window(&mut peer, 1), max);
    }
}

#[test]
fn window_stops_growing_at_its_maximum() {
    let mut peer = server(&[1]);
    assert_eq!(grow(&mut peer, 1), MAX);
    assert_eq!(borrowed(&mut peer), MAX - INITIAL);
}

#[test]
fn default_window_of_a_server_grows_as_well() {
    let mut peer = server_far_away(Config { max_frame_size: 1 << 20, ..Config::default() });
    peer.send_headers(1, &post(), false);
    peer.sent();
    while window(&mut peer, 1) < 2 << 20 {
        let before = window(&mut peer, 1);
        let piece = 128 << 10;
        for _ in 0..before / piece {
            peer.send_data(1, &vec![0; piece as usize], false);
        }
        peer.events();
        peer.now += ROUND_TRIP;
        for _ in 0..before / piece {
            take(&mut peer, 1, piece);
        }
        assert!(window(&mut peer, 1) > before, "stuck at {before}");
    }
}

#[test]
fn client_gives_a_download_a_window_that_grows() {
    let mut peer = Peer::of_client(config());
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_headers(1, &status(200), false);
    peer.sent();
    assert_eq!(use_window(&mut peer, 1, Duration::ZERO), 4 * INITIAL);
}

#[test]
fn window_of_a_slow_peer_does_not_grow() {
    let mut peer = server(&[1]);
    for _ in 0..8 {
        assert_eq!(use_window(&mut peer, 1, 4 * ROUND_TRIP), INITIAL);
    }
}

#[test]
fn window_of_a_slow_reader_does_not_grow() {
    let mut peer = server(&[1]);
    for _ in 0..8 {
        let size = window(&mut peer, 1);
        send(&mut peer, 1, size);
        for _ in 0..8 {
            peer.now += ROUND_TRIP / 2;
            take(&mut peer, 1, size / 8);
        }
    }
    assert_eq!(window(&mut peer, 1), INITIAL);
}

#[test]
fn small_messages_leave_the_window_as_it_is() {
    let mut peer = server(&[1]);
    for _ in 0..200 {
        send(&mut peer, 1, 100);
        peer.now += ROUND_TRIP;
        take(&mut peer, 1, 100);
    }
    assert_eq!(window(&mut peer, 1), INITIAL);
}

#[test]
fn no_window_grows_before_a_round_trip_is_known() {
    let mut peer = Peer::before_handshake(Role::Server, config());
    peer.send_octets(PREFACE);
    peer.send(Settings::default());
    peer.send_headers(1, &post(), false);
    peer.sent();
    // The initial window of RFC 9113.
    assert_eq!(use_window(&mut peer, 1, Duration::ZERO), 65_535);
}

#[test]
fn round_trip_is_measured_without_any_ping_of_ours() {
    let mut peer = server(&[1]);
    for _ in 0..8 {
        let size = window(&mut peer, 1);
        send(&mut peer, 1, size);
        peer.ask(|core, now| core.release(id(1), size as usize, now)).unwrap();
        let is_ping = |sent: &Sent| matches!(sent, Sent::Frame(Frame::Ping(_)));
        assert!(!peer.sent().iter().any(is_ping));
    }
}

#[test]
fn backlog_of_more_than_half_the_window_stops_credit() {
    let config = Config { initial_window_size: 1 << 20, window_budget: 0, ..config() };
    let mut peer = server_far_away(config);
    peer.send_headers(1, &post(), false);
    send(&mut peer, 1, 1 << 20);
    peer.sent();
    assert_eq!(take(&mut peer, 1, (1 << 19) - 1), 0);
    assert_eq!(take(&mut peer, 1, 1), 1 << 19);
    assert_eq!(take(&mut peer, 1, 1 << 17), 1 << 17, "then an eighth is announced at once");
}

#[test]
fn window_that_is_larger_than_needed_shrinks_to_its_initial_size() {
    let mut peer = server(&[1]);
    grow(&mut peer, 1);
    let mut before = MAX;
    while before > INITIAL {
        use_window(&mut peer, 1, 8 * ROUND_TRIP);
        assert_eq!(window(&mut peer, 1), before / 2);
        before /= 2;
    }
    assert_eq!(borrowed(&mut peer), 0);
}

#[test]
fn reader_that_becomes_slow_gives_back_what_its_window_has_grown_by() {
    let (initial, size) = (256 << 10, 1 << 20);
    let sizes = (initial, size, size);
    let (initial_window_size, max_window_size, window_budget) = sizes;
    let config = Config { initial_window_size, max_window_size, window_budget, ..config() };
    let mut peer = server_far_away(config);
    peer.send_headers(1, &post(), false);
    assert_eq!(grow(&mut peer, 1), size);
    send(&mut peer, 1, size);
    peer.now += 8 * ROUND_TRIP;
    let eighth = size / 8;
    for taken in 1..=4 {
        assert_eq!(take(&mut peer, 1, eighth), 0);
        assert_eq!(borrowed(&mut peer), size - initial - taken * eighth);
    }
    // The rest is taken, and the peer continues.
    assert!(take(&mut peer, 1, 4 * eighth) > 0);
    assert_eq!(grow(&mut peer, 1), size);
}

#[test]
fn streams_that_are_limited_share_the_budget_evenly() {
    let mut peer = server(&[1, 3, 5]);
    assert_eq!(grow(&mut peer, 1), MAX);
    for _ in 0..16 {
        for n in [1, 3, 5] {
            use_window(&mut peer, n, ROUND_TRIP);
        }
    }
    let share = INITIAL + BUDGET / 3;
    for n in [1, 3, 5] {
        let window = window(&mut peer, n);
        assert!((share / 2..=share).contains(&window), "{n} has {window}");
    }
}

#[test]
fn budget_bounds_all_windows_together() {
    let streams: Vec<_> = (0..20).map(|n| 2 * n + 1).collect();
    let mut peer = server(&streams);
    for _ in 0..6 {
        for &n in &streams {
            use_window(&mut peer, n, ROUND_TRIP / 2);
        }
    }
    let sum: u32 = streams.iter().map(|&n| window(&mut peer, n)).sum();
    assert!(sum <= 20 * INITIAL + BUDGET && sum > 20 * INITIAL + BUDGET / 2, "{sum}");
}

#[test]
fn without_a_budget_no_window_grows() {
    let mut peer = server_far_away(Config { window_budget: 0, ..config() });
    peer.send_headers(1, &post(), false);
    assert_eq!(grow(&mut peer, 1), INITIAL);
}

#[test]
fn budget_comes_back_however_a_stream_ends() {
    let ends: [fn(&mut Peer); 4] = [
        |peer| peer.send_reset(1, ErrorCode::Cancel),
        |peer| peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap(),
        |peer| peer.send_headers(1, &get(), false),
        |peer| {
            peer.send_data(1, &[], true);
            peer.ask(|core, now| core.send_headers(id(1), &status(204), true, now)).unwrap();
        },
    ];
    for end in ends {
        let mut peer = server(&[1]);
        grow(&mut peer, 1);
        assert!(borrowed(&mut peer) > 0);
        end(&mut peer);
        assert_eq!(peer.result, Ok(()));
        assert_eq!(borrowed(&mut peer), 0);
    }
}

#[test]
fn budget_comes_back_a_thousand_times_from_a_client_that_resets() {
    let mut peer = server(&[]);
    for n in 0..1_000 {
        let n = 2 * n + 1;
        peer.send_headers(n, &post(), false);
        assert_eq!(use_window(&mut peer, n, ROUND_TRIP), 4 * INITIAL);
        peer.send_reset(n, ErrorCode::Cancel);
    }
    assert_eq!(borrowed(&mut peer), 0);
}

#[test]
fn octets_that_lie_untaken_stay_borrowed_after_the_end_of_their_stream() {
    for is_reset in [true, false] {
        let mut peer = server(&[1]);
        let size = grow(&mut peer, 1);
        send(&mut peer, 1, size / 2);
        if is_reset {
            peer.send_reset(1, ErrorCode::Cancel);
        } else {
            peer.send_data(1, &[], true);
            peer.ask(|core, now| core.send_headers(id(1), &status(204), true, now)).unwrap();
        }
        assert_eq!(borrowed(&mut peer), size / 2 - INITIAL);
        take(&mut peer, 1, size / 4);
        assert_eq!(borrowed(&mut peer), size / 4 - INITIAL);
        take(&mut peer, 1, size / 4 - INITIAL);
        assert_eq!(borrowed(&mut peer), 0);
        take(&mut peer, 1, INITIAL);
        peer.expect_alive();
    }
}

#[test]
fn window_that_has_grown_moves_with_the_initial_size() {
    for initial in [1_000, 50_000] {
        let mut peer = server(&[1]);
        let size = grow(&mut peer, 1);
        let entries = vec![Setting::InitialWindowSize(initial)];
        peer.ask(|core, now| core.update_settings(entries.clone(), now)).unwrap();
        peer.sent();
        peer.send(Settings::acknowledgement());
        assert_eq!(window(&mut peer, 1), size - INITIAL + initial);
        assert_eq!(borrowed(&mut peer), size - INITIAL);
        peer.send_reset(1, ErrorCode::Cancel);
        assert_eq!(borrowed(&mut peer), 0);
    }
}
