//! SETTINGS on a running connection (RFC 9113, Section 6.5).

use std::time::Duration;

use bytes::Bytes;

use super::super::{CommandError, Config, Event, Role};
use super::{Peer, Sent, get, id, post, status};
use crate::frame::{ErrorCode, Frame, Setting, Settings};
use crate::headers;

fn server() -> Peer {
    Peer::of_server(Config { window_budget: 0, ..Config::default() })
}

fn client() -> Peer {
    Peer::of_client(Config::default())
}

/// Announces settings, without the acknowledgment.
fn announce(peer: &mut Peer, entries: Vec<Setting>) {
    peer.ask(|core, now| core.update_settings(entries.clone(), now)).unwrap();
    peer.expect(Settings { ack: false, entries });
}

fn acknowledge(peer: &mut Peer) {
    peer.send(Settings::acknowledgement());
    assert_eq!(peer.events(), [Event::SettingsAcknowledged]);
}

#[test]
fn settings_that_are_not_acknowledged_in_time_end_the_connection() {
    let mut peer = server();
    peer.pass(Duration::from_secs(60));
    announce(&mut peer, vec![Setting::MaxConcurrentStreams(1)]);
    peer.pass(Duration::from_millis(9_999));
    assert_eq!(peer.result, Ok(()));
    peer.pass(Duration::from_millis(1));
    peer.expect_failure(ErrorCode::SettingsTimeout);
}

#[test]
fn settings_after_data_wait_while_the_transport_accepts_it() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.send_window(0, 1 << 20);
    peer.send_window(1, 1 << 20);
    let data = Bytes::from(vec![0; 1 << 20]);
    peer.ask(move |core, now| core.send_data(id(1), data.clone(), false, now)).unwrap();
    peer.ask(|core, now| core.update_settings(vec![], now)).unwrap();
    for _ in 0..10 {
        peer.pass(Duration::from_secs(4));
        peer.read_some(64 << 10);
        assert_eq!(peer.result, Ok(()));
    }
    peer.pass(Duration::from_secs(10));
    peer.expect_failure(ErrorCode::SettingsTimeout);
}

#[test]
fn each_settings_frame_has_its_own_deadline() {
    let mut peer = server();
    announce(&mut peer, vec![]);
    peer.pass(Duration::from_secs(6));
    announce(&mut peer, vec![]);
    acknowledge(&mut peer);
    peer.pass(Duration::from_secs(9));
    assert_eq!(peer.result, Ok(()));
    peer.pass(Duration::from_secs(1));
    peer.expect_failure(ErrorCode::SettingsTimeout);
}

#[test]
fn an_unsolicited_acknowledgment_is_harmless() {
    let mut peer = server();
    peer.send(Settings::acknowledgement());
    peer.expect_alive();
}

#[test]
fn the_peers_settings_are_stored_and_reported() {
    let mut peer = client();
    let entries = vec![
        Setting::HeaderTableSize(7),
        Setting::MaxConcurrentStreams(8),
        Setting::InitialWindowSize(9),
        Setting::MaxFrameSize(20_000),
        Setting::MaxHeaderListSize(10),
        Setting::EnableConnectProtocol(true),
        Setting::Unknown { id: 0x99, value: 1 },
    ];
    peer.send_settings(entries.clone());
    peer.expect(Settings::acknowledgement());
    assert_eq!(peer.events(), [Event::SettingsChanged { settings: entries }]);
    let remote = peer.core().remote_settings();
    assert_eq!(remote.header_table_size, 7);
    assert_eq!(remote.max_concurrent_streams, 8);
    assert_eq!(remote.initial_window_size, 9);
    assert_eq!(remote.max_frame_size, 20_000);
    assert_eq!(remote.max_header_list_size, Some(10));
    assert!(remote.enable_connect_protocol);
}

#[test]
fn the_last_of_two_values_for_one_setting_wins() {
    let mut peer = client();
    peer.send_settings(vec![Setting::InitialWindowSize(9), Setting::InitialWindowSize(3)]);
    peer.sent();
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "hello".into(), true, now)).unwrap();
    peer.expect_headers(1, false);
    peer.expect_data(1, b"hel", false);
    peer.expect_nothing();
}

#[test]
fn a_setting_of_one_role_is_an_error_from_the_other() {
    let mut peer = client();
    peer.send_settings(vec![Setting::EnablePush(true)]);
    peer.expect_failure(ErrorCode::ProtocolError);
    let mut peer = client();
    peer.send_settings(vec![Setting::EnablePush(false)]);
    peer.expect_alive();
    let mut peer = server();
    peer.send_settings(vec![Setting::EnablePush(true)]);
    peer.expect_alive();
}

#[test]
fn revoking_an_irrevocable_setting_is_an_error() {
    let mut peer = client();
    peer.send_settings(vec![Setting::EnableConnectProtocol(true)]);
    peer.send_settings(vec![Setting::EnableConnectProtocol(false)]);
    peer.expect_failure(ErrorCode::ProtocolError);
    let entries = vec![Setting::NoRfc7540Priorities(true)];
    let mut peer = Peer::greeted(Role::Client, Config::default(), entries);
    peer.send_settings(vec![Setting::NoRfc7540Priorities(true)]);
    peer.expect_alive();
    peer.send_settings(vec![Setting::NoRfc7540Priorities(false)]);
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn values_out_of_range_have_the_code_of_the_rfc() {
    for (setting, code) in [
        ([0, 2, 0, 0, 0, 2], ErrorCode::ProtocolError),
        ([0, 4, 0x80, 0, 0, 0], ErrorCode::FlowControlError),
        ([0, 5, 0, 0, 0x3f, 0xff], ErrorCode::ProtocolError),
        ([0, 5, 0, 0, 0, 0], ErrorCode::ProtocolError),
        ([0, 5, 1, 0, 0, 0], ErrorCode::ProtocolError),
        ([0, 8, 0, 0, 0, 2], ErrorCode::ProtocolError),
        ([0, 9, 0, 0, 0, 2], ErrorCode::ProtocolError),
    ] {
        for mut peer in [client(), server()] {
            let mut octets = vec![0, 0, 6, 4, 0, 0, 0, 0, 0];
            octets.extend(setting);
            peer.send_octets(&octets);
            peer.expect_failure(code);
        }
    }
}

#[test]
fn a_frame_with_too_many_entries_is_abuse() {
    let entries = |n| vec![Setting::Unknown { id: 0x99, value: 1 }; n];
    let mut peer = server();
    peer.send_settings(entries(32));
    peer.expect_alive();
    peer.send_settings(entries(33));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn the_peers_frame_size_bounds_our_frames() {
    let mut peer = client();
    let body = vec![b'x'; 40_000];
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.send_settings(vec![Setting::MaxFrameSize(20_000)]);
    peer.ask(|core, now| core.send_data(id(1), Bytes::from(body.clone()), true, now)).unwrap();
    peer.expect_headers(1, false);
    peer.expect(Settings::acknowledgement());
    peer.expect_data(1, &body[..20_000], false);
    peer.expect_data(1, &body[20_000..], true);
}

#[test]
fn the_peers_table_size_bounds_our_encoder_from_the_next_block_on() {
    let mut peer = client();
    peer.send_settings(vec![Setting::HeaderTableSize(0)]);
    peer.decoder.set_max_table_size(0);
    peer.expect(Settings::acknowledgement());
    for n in [1, 3] {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        // The test's decoder requires the size update.
        assert_eq!(peer.expect_headers(n, true), get());
        assert_eq!(peer.decoder.table_len(), 0);
    }
}

#[test]
fn a_section_larger_than_the_peer_accepts_is_an_error_of_the_call() {
    let mut peer = client();
    peer.send_settings(vec![Setting::MaxHeaderListSize(get().section_size() as u32)]);
    peer.sent();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    let larger = get().with("a", "");
    assert_eq!(
        peer.ask(|core, now| core.open(&larger, true, now)),
        Err(CommandError::SectionTooLarge {
            size: larger.section_size(),
            limit: get().section_size()
        })
    );
    peer.expect_headers(1, true);
    peer.expect_nothing();
}

#[test]
fn our_initial_window_is_in_force_once_acknowledged() {
    let config = Config { initial_window_size: 10, ..Config::default() };
    let mut peer = Peer::before_handshake(Role::Server, config);
    peer.send_octets(crate::frame::PREFACE);
    peer.send(Settings::default());
    // The peer has not seen our SETTINGS yet, so the window is 65,535.
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 100], false);
    assert_eq!(peer.result, Ok(()));
    peer.send(Settings::acknowledgement());
    // Now it has, and its window is -90.
    peer.sent();
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
    peer.send_headers(3, &post(), false);
    peer.send_data(3, &[0; 10], false);
    peer.expect_nothing();
    peer.send_data(3, &[0; 1], false);
    peer.expect_reset(3, ErrorCode::FlowControlError);
}

#[test]
fn a_window_that_is_lowered_opens_again_as_octets_are_released() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    for _ in 0..10 {
        peer.send_data(1, &[0; 10_000], false);
    }
    announce(&mut peer, vec![Setting::InitialWindowSize(60_000)]);
    peer.events();
    acknowledge(&mut peer);
    peer.ask(|core, now| core.release(id(1), 100_000, now)).unwrap();
    peer.expect(crate::frame::WindowUpdate { stream_id: id(1), increment: 100_000 });
    peer.send_data(1, &[0; 10_000], false);
    for _ in 0..5 {
        peer.send_data(1, &[0; 10_000], false);
    }
    peer.expect_nothing();
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn credit_too_small_to_announce_is_announced_when_the_window_is_lowered() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 1_000], false);
    peer.ask(|core, now| core.release(id(1), 1_000, now)).unwrap();
    announce(&mut peer, vec![Setting::InitialWindowSize(1_000)]);
    peer.events();
    acknowledge(&mut peer);
    // The peer's window is closed, and only this can open it.
    peer.expect(crate::frame::WindowUpdate { stream_id: id(1), increment: 1_000 });
}

#[test]
fn a_larger_frame_size_applies_at_once_and_a_smaller_one_once_acknowledged() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    announce(&mut peer, vec![Setting::MaxFrameSize(20_000)]);
    peer.send_data(1, &[0; 20_000], false);
    peer.events();
    acknowledge(&mut peer);
    announce(&mut peer, vec![Setting::MaxFrameSize(16_384)]);
    peer.send_data(1, &[0; 20_000], false);
    assert_eq!(peer.result, Ok(()));
    peer.events();
    acknowledge(&mut peer);
    peer.send_data(1, &[0; 16_384], false);
    assert_eq!(peer.result, Ok(()));
    peer.send_data(1, &[0; 16_385], false);
    peer.expect_failure(ErrorCode::FrameSizeError);
}

#[test]
fn a_smaller_table_must_be_confirmed_by_the_peers_encoder() {
    let mut peer = server();
    announce(&mut peer, vec![Setting::HeaderTableSize(0)]);
    acknowledge(&mut peer);
    peer.encoder.set_max_table_size(0);
    peer.send_headers(1, &get(), true);
    assert_eq!(peer.result, Ok(()));

    let mut peer = server();
    announce(&mut peer, vec![Setting::HeaderTableSize(0)]);
    acknowledge(&mut peer);
    peer.send_headers(1, &get(), true);
    peer.expect_failure(ErrorCode::CompressionError);
}

#[test]
fn a_lower_limit_of_streams_applies_at_once() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    announce(&mut peer, vec![Setting::MaxConcurrentStreams(1)]);
    peer.send_headers(3, &get(), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.send_headers(5, &get(), true);
    peer.expect_nothing();
}

#[test]
fn a_lower_limit_for_field_sections_applies_once_acknowledged() {
    let mut peer = server();
    announce(&mut peer, vec![Setting::MaxHeaderListSize(200)]);
    let large = get().with("x", "y".repeat(100));
    peer.send_headers(1, &large, true);
    peer.expect_nothing();
    peer.events();
    acknowledge(&mut peer);
    peer.send_headers(3, &large, true);
    assert_eq!(peer.expect_headers(3, true).status(), Some(431));
    peer.send_headers(5, &get(), true);
    peer.expect_nothing();
}

#[test]
fn extended_connect_can_be_enabled_on_a_running_connection() {
    let mut peer = server();
    let request = headers!(
        ":method" => "CONNECT", ":protocol" => "websocket", ":scheme" => "https",
        ":authority" => "a.example", ":path" => "/chat",
    );
    peer.send_headers(1, &request, false);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    announce(&mut peer, vec![Setting::EnableConnectProtocol(true)]);
    peer.send_headers(3, &request, false);
    peer.expect_nothing();
    let taken_back = vec![Setting::EnableConnectProtocol(false)];
    let answer = peer.ask(|core, now| core.update_settings(taken_back.clone(), now));
    assert!(matches!(answer, Err(CommandError::InvalidSetting(_))));
}

#[test]
fn invalid_settings_of_ours_are_an_error_of_the_call() {
    let config = Config { max_header_list_size: 9_999, ..Config::default() };
    for (role, entry) in [
        (Role::Client, Setting::InitialWindowSize(0)),
        (Role::Client, Setting::InitialWindowSize(1 << 31)),
        (Role::Client, Setting::MaxFrameSize(16_383)),
        (Role::Client, Setting::MaxFrameSize(1 << 24)),
        (Role::Client, Setting::HeaderTableSize(u32::MAX)),
        (Role::Client, Setting::MaxHeaderListSize(10_000)),
        (Role::Client, Setting::NoRfc7540Priorities(false)),
        (Role::Client, Setting::Unknown { id: 0x5, value: 1 }),
        (Role::Server, Setting::EnablePush(true)),
    ] {
        let mut peer = Peer::greeted(role, config.clone(), Vec::new());
        let answer = peer.ask(|core, now| core.update_settings(vec![entry], now));
        assert!(matches!(answer, Err(CommandError::InvalidSetting(_))), "{entry}: {answer:?}");
        peer.expect_nothing();
    }
    let mut peer = client();
    let many = vec![Setting::MaxFrameSize(16_384); 33];
    let answer = peer.ask(|core, now| core.update_settings(many.clone(), now));
    assert!(matches!(answer, Err(CommandError::InvalidSetting(_))));
}

#[test]
fn sixteen_settings_frames_may_be_unacknowledged() {
    let mut peer = client();
    for _ in 0..16 {
        announce(&mut peer, vec![]);
    }
    let answer = peer.ask(|core, now| core.update_settings(vec![], now));
    assert_eq!(answer, Err(CommandError::TooManyUnanswered));
    acknowledge(&mut peer);
    announce(&mut peer, vec![]);
}

#[test]
fn an_acknowledgment_is_queued_after_output_under_the_old_settings() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_settings(vec![Setting::MaxFrameSize(30_000)]);
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    let sent = peer.sent();
    assert!(matches!(
        sent[..],
        [
            Sent::Headers { .. },
            Sent::Frame(Frame::Settings(Settings { ack: true, .. })),
            Sent::Headers { .. },
        ]
    ));
}
