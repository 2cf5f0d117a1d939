//! The start of a connection (RFC 9113, Section 3.4).

use std::time::Duration;

use super::super::{Config, Connection, Event, Role, Transmit};
use super::{Peer, get, id};
use crate::frame::{
    ErrorCode, Frame, Goaway, PREFACE, Ping, Setting, Settings, StreamId, WindowUpdate,
};

fn first_octets(role: Role, config: Config) -> Vec<u8> {
    let now = std::time::Instant::now();
    let mut core = Connection::new(role, config, now).unwrap();
    let mut out = Transmit::new();
    core.poll_transmit(now, &mut out, usize::MAX);
    out.to_vec()
}

#[test]
fn a_client_starts_with_the_preface_and_settings() {
    let octets = first_octets(Role::Client, Config::default());
    assert!(octets.starts_with(PREFACE));
    let settings = Settings {
        ack: false,
        entries: vec![
            Setting::EnablePush(false),
            Setting::InitialWindowSize(256 << 10),
            Setting::MaxHeaderListSize(64 << 10),
            Setting::NoRfc7540Priorities(true),
        ],
    };
    let window = WindowUpdate { stream_id: StreamId::CONNECTION, increment: (32 << 20) - 65_535 };
    let mut expected = Vec::new();
    settings.encode(&mut expected);
    window.encode(&mut expected);
    assert_eq!(octets[PREFACE.len()..], expected);
}

#[test]
fn a_server_starts_with_settings() {
    let mut peer = Peer::before_handshake(Role::Server, Config::default());
    peer.expect(Settings {
        ack: false,
        entries: vec![
            Setting::MaxConcurrentStreams(128),
            Setting::InitialWindowSize(256 << 10),
            Setting::MaxHeaderListSize(64 << 10),
            Setting::NoRfc7540Priorities(true),
        ],
    });
}

#[test]
fn settings_that_differ_from_the_initial_values_are_announced() {
    let config = Config {
        header_table_size: 100,
        enable_push: true,
        max_frame_size: 20_000,
        enable_connect_protocol: true,
        connection_window_size: 65_535,
        ..Config::default()
    };
    let mut client = Peer::before_handshake(Role::Client, config.clone());
    let mut server = Peer::before_handshake(Role::Server, config);
    let common = [Setting::HeaderTableSize(100), Setting::MaxFrameSize(20_000)];
    for (peer, own) in [
        (&mut client, [Setting::EnablePush(true), Setting::MaxConcurrentStreams(128)]),
        (&mut server, [Setting::EnableConnectProtocol(true), Setting::MaxConcurrentStreams(128)]),
    ] {
        let sent = peer.sent();
        let [super::Sent::Frame(Frame::Settings(settings))] = &sent[..] else {
            panic!("a window of 65,535 needs no update: {sent:?}")
        };
        for entry in common.iter().chain(&own) {
            assert!(settings.entries.contains(entry), "{entry} in {settings}");
        }
    }
}

#[test]
fn skip_preface_omits_only_the_preface() {
    let config = Config { skip_preface: true, ..Config::default() };
    let octets = first_octets(Role::Client, config.clone());
    assert_eq!(octets, first_octets(Role::Client, Config::default())[PREFACE.len()..]);

    let mut peer = Peer::before_handshake(Role::Server, config);
    peer.send(Settings::default());
    assert_eq!(peer.result, Ok(()));
    peer.send_headers(1, &get(), true);
    assert!(matches!(peer.events()[..], [_, Event::Headers { .. }]));
}

#[test]
fn each_octet_of_the_preface_must_be_correct() {
    for wrong in 0..PREFACE.len() {
        let mut peer = Peer::before_handshake(Role::Server, Config::default());
        let mut octets = PREFACE[..=wrong].to_vec();
        octets[wrong] ^= 1;
        peer.send_octets(&octets);
        peer.expect_failure(ErrorCode::ProtocolError);
    }
}

#[test]
fn the_first_frame_must_be_settings_without_ack() {
    for role in [Role::Client, Role::Server] {
        for frame in [
            Frame::from(Settings::acknowledgement()),
            Ping { ack: false, payload: [0; 8] }.into(),
            WindowUpdate { stream_id: StreamId::CONNECTION, increment: 1 }.into(),
            super::peer::data_frame(1, b"x", true),
        ] {
            let mut peer = Peer::before_handshake(role, Config::default());
            if role == Role::Server {
                peer.send_octets(PREFACE);
            }
            peer.send(frame);
            peer.expect_failure(ErrorCode::ProtocolError);
        }
    }
}

#[test]
fn settings_are_acknowledged_once_and_before_what_follows() {
    let mut peer = Peer::before_handshake(Role::Client, Config::default());
    peer.sent();
    peer.send_all([Settings::default().into(), Ping { ack: false, payload: [1; 8] }.into()]);
    peer.expect(Settings::acknowledgement());
    peer.expect(Ping { ack: true, payload: [1; 8] });
    peer.expect_nothing();
    assert_eq!(peer.events(), [Event::SettingsChanged { settings: Vec::new() }]);
}

#[test]
fn a_client_need_not_wait_for_the_servers_settings() {
    let mut peer = Peer::before_handshake(Role::Client, Config::default());
    peer.sent();
    for _ in 0..101 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    }
    // Before SETTINGS announce more, every server is assumed to allow a hundred streams.
    assert_eq!(peer.sent().len(), 100);
    peer.send(Settings::default());
    peer.expect(Settings::acknowledgement());
    peer.expect_headers(201, true);
}

#[test]
fn without_preface_and_settings_in_time_the_connection_ends() {
    for (role, first) in
        [(Role::Client, &b""[..]), (Role::Server, b""), (Role::Server, &PREFACE[..])]
    {
        let mut peer = Peer::before_handshake(role, Config::default());
        peer.send_octets(first);
        peer.pass(Duration::from_millis(9_999));
        assert_eq!(peer.result, Ok(()));
        peer.pass(Duration::from_millis(1));
        peer.expect_failure(ErrorCode::SettingsTimeout);
    }
}

#[test]
fn a_goaway_first_means_that_nothing_was_processed() {
    let mut peer = Peer::before_handshake(Role::Server, Config::default());
    peer.sent();
    peer.send_octets(b"GET / HTTP/1.1\r\n\r\n");
    let error = peer.result.clone().unwrap_err();
    peer.expect(Goaway {
        last_stream_id: id(0),
        error_code: ErrorCode::ProtocolError,
        debug_data: error.detail().to_owned().into(),
    });
}

#[test]
fn an_invalid_config_is_rejected() {
    let config = Config { connection_window_size: 1, ..Config::default() };
    let error = Connection::new(Role::Client, config, std::time::Instant::now()).unwrap_err();
    assert_eq!(error.field(), "connection_window_size");
}
