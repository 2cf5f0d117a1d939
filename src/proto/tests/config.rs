//! Limits: their defaults and valid ranges.

use std::time::Duration;

use super::super::{Budget, Config, Connection, Role};
use super::{Pair, Side, post, status};

const NO_TIME: Duration = Duration::ZERO;

type Change = fn(&mut Config);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Users size machines by these defaults, so a change must be deliberate.
#[test]
fn defaults_are_as_documented() {
    let Config {
        skip_preface,
        header_table_size,
        enable_push,
        max_concurrent_streams,
        initial_window_size,
        max_window_size,
        window_budget,
        connection_window_size,
        max_frame_size,
        max_header_list_size,
        enable_connect_protocol,
        lenient_responses,
        max_fields,
        max_continuations,
        encoder_table_cap,
        max_settings_entries,
        max_pending_acks,
        resets_received,
        resets_provoked,
        glitches,
        pings_received,
        settings_received,
        max_informational,
        max_promised_streams,
        remembered_streams,
        max_send_buffer,
        max_stream_send_buffer,
        auto_release,
        hold_slots,
        handshake_timeout,
        settings_timeout,
        header_timeout,
        idle_timeout,
        stall_timeout,
        keepalive_interval,
        keepalive_timeout,
        reservation_timeout,
    } = Config::default();
    // Kind of connection.
    assert_eq!((skip_preface, enable_push, enable_connect_protocol), (false, false, false));
    assert!(!lenient_responses);
    assert_eq!((auto_release, hold_slots), (true, false));
    assert_eq!(reservation_timeout, Duration::from_millis(50));
    // Streams and windows.
    assert_eq!(max_concurrent_streams, 128);
    assert_eq!((initial_window_size, max_window_size), (256 << 10, 16 << 20));
    assert_eq!((window_budget, connection_window_size), (16 << 20, 32 << 20));
    assert_eq!(max_frame_size, 16_384);
    assert_eq!((max_promised_streams, remembered_streams), (100, 1_024));
    // Field sections.
    assert_eq!((max_header_list_size, max_fields, max_continuations), (64 << 10, 256, 16));
    assert_eq!((header_table_size, encoder_table_cap), (4_096, 4_096));
    assert_eq!(max_informational, 16);
    // Queued output, and useless frames.
    assert_eq!((max_send_buffer, max_stream_send_buffer), (8 << 20, 2 << 20));
    assert_eq!((max_settings_entries, max_pending_acks), (32, 1_000));
    assert_eq!(resets_received, Budget::new(1_000, 100));
    assert_eq!(resets_provoked, Budget::new(500, 33));
    assert_eq!(glitches, Budget::new(10_000, 330));
    assert_eq!(pings_received, Budget::new(100, 10));
    assert_eq!(settings_received, Budget::new(100, 10));
    // Deadlines.
    assert_eq!(handshake_timeout, Some(seconds(10)));
    assert_eq!(settings_timeout, Some(seconds(10)));
    assert_eq!(header_timeout, Some(seconds(10)));
    assert_eq!(idle_timeout, Some(seconds(3 * 60)));
    assert_eq!(stall_timeout, Some(seconds(30)));
    assert_eq!((keepalive_interval, keepalive_timeout), (None, seconds(20)));
}

#[test]
fn clients_have_larger_windows_than_servers() {
    let client = Config::for_role(Role::Client);
    assert_eq!((client.initial_window_size, client.max_window_size), (1 << 20, 32 << 20));
    assert_eq!((client.window_budget, client.connection_window_size), (64 << 20, 64 << 20));
    assert_eq!(format!("{:?}", Config::for_role(Role::Server)), format!("{:?}", Config::default()));
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(Config::default().validate(), Ok(()));
    assert_eq!(Config::for_role(Role::Client).validate(), Ok(()));
}

#[test]
fn a_value_out_of_range_is_named() {
    const NOTHING: Budget = Budget::new(0, 100);
    let nonsense: &[(&str, Change)] = &[
        ("header_table_size", |config| config.header_table_size = u32::MAX),
        ("initial_window_size", |config| config.initial_window_size = 0),
        ("initial_window_size", |config| config.initial_window_size = 1 << 31),
        ("max_window_size", |config| config.max_window_size = 1 << 31),
        ("window_budget", |config| config.window_budget = 1 << 31),
        ("connection_window_size", |config| config.connection_window_size = 65_534),
        ("connection_window_size", |config| config.connection_window_size = 1 << 31),
        ("max_frame_size", |config| config.max_frame_size = 16_383),
        ("max_frame_size", |config| config.max_frame_size = 1 << 24),
        ("max_header_list_size", |config| config.max_header_list_size = 1_023),
        ("max_header_list_size", |config| config.max_header_list_size = u32::MAX),
        ("max_fields", |config| config.max_fields = 7),
        ("max_continuations", |config| config.max_continuations = 0),
        ("encoder_table_cap", |config| config.encoder_table_cap = usize::MAX),
        ("max_settings_entries", |config| config.max_settings_entries = 0),
        ("max_pending_acks", |config| config.max_pending_acks = 0),
        ("max_informational", |config| config.max_informational = 0),
        ("remembered_streams", |config| config.remembered_streams = 0),
        ("remembered_streams", |config| config.remembered_streams = u32::MAX),
        ("max_send_buffer", |config| config.max_send_buffer = 0),
        ("max_stream_send_buffer", |config| config.max_stream_send_buffer = 0),
        ("resets_received", |config| config.resets_received = NOTHING),
        ("resets_provoked", |config| config.resets_provoked = NOTHING),
        ("glitches", |config| config.glitches = NOTHING),
        ("pings_received", |config| config.pings_received = NOTHING),
        ("settings_received", |config| config.settings_received = Budget::new(1, 100)),
        ("handshake_timeout", |config| config.handshake_timeout = Some(NO_TIME)),
        ("settings_timeout", |config| config.settings_timeout = Some(NO_TIME)),
        ("header_timeout", |config| config.header_timeout = Some(NO_TIME)),
        ("idle_timeout", |config| config.idle_timeout = Some(NO_TIME)),
        ("stall_timeout", |config| config.stall_timeout = Some(NO_TIME)),
        ("keepalive_interval", |config| config.keepalive_interval = Some(NO_TIME)),
        ("keepalive_timeout", |config| config.keepalive_timeout = NO_TIME),
    ];
    for (field, change) in nonsense {
        let mut config = Config::default();
        change(&mut config);
        let error = config.validate().unwrap_err();
        assert_eq!(error.field(), *field);
        assert!(error.to_string().starts_with(&format!("config: `{field}` must ")), "{error}");
        for role in [Role::Client, Role::Server] {
            let made = Connection::new(role, config.clone(), std::time::Instant::now());
            assert_eq!(made.unwrap_err(), error);
        }
    }
}

#[test]
fn the_ends_of_each_range_are_valid() {
    let smallest = Config {
        header_table_size: 0,
        max_concurrent_streams: 0,
        initial_window_size: 1,
        connection_window_size: 65_535,
        max_frame_size: 16_384,
        max_header_list_size: 1_024,
        max_fields: 8,
        max_continuations: 1,
        encoder_table_cap: 0,
        max_settings_entries: 1,
        max_pending_acks: 1,
        resets_received: Budget::new(1, 0),
        settings_received: Budget::new(2, 0),
        max_informational: 1,
        max_promised_streams: 0,
        remembered_streams: 1,
        max_send_buffer: 1,
        max_stream_send_buffer: 1,
        handshake_timeout: None,
        settings_timeout: None,
        header_timeout: None,
        idle_timeout: None,
        stall_timeout: None,
        reservation_timeout: NO_TIME,
        ..Config::default()
    };
    assert_eq!(smallest.validate(), Ok(()));
    let all = Budget::new(u32::MAX, u32::MAX);
    let largest = Config {
        header_table_size: 1 << 20,
        max_concurrent_streams: u32::MAX,
        initial_window_size: (1 << 31) - 1,
        connection_window_size: (1 << 31) - 1,
        max_frame_size: (1 << 24) - 1,
        max_header_list_size: 64 << 20,
        max_fields: usize::MAX,
        max_continuations: u32::MAX,
        encoder_table_cap: 1 << 20,
        max_settings_entries: usize::MAX,
        max_pending_acks: u32::MAX,
        resets_received: all,
        resets_provoked: all,
        glitches: all,
        pings_received: all,
        settings_received: all,
        max_informational: u32::MAX,
        max_promised_streams: usize::MAX,
        remembered_streams: 1 << 20,
        max_send_buffer: usize::MAX,
        max_stream_send_buffer: usize::MAX,
        handshake_timeout: Some(Duration::MAX),
        header_timeout: Some(Duration::MAX),
        keepalive_interval: Some(Duration::MAX),
        keepalive_timeout: Duration::MAX,
        reservation_timeout: Duration::MAX,
        ..Config::default()
    };
    assert_eq!(largest.validate(), Ok(()));
}

#[test]
fn with_the_largest_values_messages_come_and_go() {
    let all = Budget::new(u32::MAX, u32::MAX);
    let config = || Config {
        header_table_size: 1 << 20,
        max_concurrent_streams: u32::MAX,
        initial_window_size: (1 << 31) - 1,
        connection_window_size: (1 << 31) - 1,
        max_frame_size: (1 << 24) - 1,
        max_header_list_size: 64 << 20,
        max_fields: usize::MAX,
        encoder_table_cap: 1 << 20,
        resets_received: all,
        glitches: all,
        remembered_streams: 1 << 20,
        max_send_buffer: usize::MAX,
        max_stream_send_buffer: usize::MAX,
        handshake_timeout: Some(Duration::MAX),
        header_timeout: Some(Duration::MAX),
        stall_timeout: Some(Duration::MAX),
        idle_timeout: Some(Duration::MAX),
        keepalive_interval: Some(Duration::MAX),
        keepalive_timeout: Duration::MAX,
        reservation_timeout: Duration::MAX,
        ..Config::default()
    };
    let mut pair = Pair::greeted(config(), config());
    for _ in 0..3 {
        let now = pair.now;
        let id = pair.client.open(&post(), false, now).unwrap();
        pair.client.send_data(id, vec![0; 1 << 20].into(), true, now).unwrap();
        pair.pump();
        pair.server.send_headers(id, &status(200), true, now).unwrap();
        pair.pump();
        assert!(!pair.events(Side::Server).is_empty());
        assert!(!pair.events(Side::Client).is_empty());
        pair.pass(seconds(1));
    }
}
