//! SETTINGS (RFC 9113, Section 6.5).

use std::time::Instant;

use bytes::Bytes;
use h2_sync::frame::{Flags, Frame, Head, Kind, Setting, StreamId};
use h2_sync::proto::{Config, Connection, Event, Role};

use super::cores::{RawPeer, events, exchange, feed, frames, request, start, take_output};
use super::input::Input;

/// Any octets as the payload of SETTINGS, to a core with a few streams, and from one.
///
/// - What is valid is encoded to what it was, acknowledged, and in force.
/// - What is not valid ends the connection.
/// - What the core agrees to announce, another core takes.
pub fn settings(data: &[u8]) {
    let mut input = Input::new(data);
    let role = if input.flag() { Role::Client } else { Role::Server };
    let entries = 6 * input.below(40);
    let payload = Bytes::copy_from_slice(input.octets(entries + 1));
    let head = Head {
        length: payload.len() as u32,
        kind: Kind::SETTINGS,
        flags: Flags::default(),
        stream_id: StreamId::CONNECTION,
    };
    let Ok(frame) = Frame::decode_payload(head, payload.clone()) else { return };
    let Frame::Settings(settings) = &frame else { panic!("not SETTINGS: {frame}") };
    let mut again = Vec::new();
    settings.encode_payload(&mut again);
    assert_eq!(again, payload);

    receive(role, &frame, &settings.entries);
    announce(role, settings.entries.clone());
}

fn receive(role: Role, frame: &Frame, entries: &[Setting]) {
    let now = Instant::now();
    let mut core = start(role, &Config::default(), now);
    let mut peer = RawPeer::new(other(role));
    if role == Role::Server {
        peer.send_headers(StreamId::new(1).expect("in range"), &request("POST"), false);
    }
    feed(&mut core, &peer.take_wire(), now).expect("it is valid");
    if role == Role::Client {
        let id = core.open(&request("POST"), false, now).expect("it is valid");
        core.send_data(id, Bytes::from_static(&[0; 100_000]), true, now).expect("there is room");
    }
    take_output(&mut core, now);
    events(&mut core);

    peer.send(frame.clone());
    let result = feed(&mut core, &peer.take_wire(), now);
    let answer = frames(role, &take_output(&mut core, now));
    match result {
        Ok(()) => {
            let acks = answer
                .iter()
                .filter(|frame| matches!(frame, Frame::Settings(settings) if settings.ack));
            assert_eq!(acks.count(), 1);
            let expected = Event::SettingsChanged { settings: entries.to_vec() };
            assert!(events(&mut core).contains(&expected));
            check_in_force(&core, entries);
        }
        Err(error) => {
            assert!(matches!(
                answer.last(),
                Some(Frame::Goaway(goaway)) if goaway.error_code == error.code()
            ));
        }
    }
}

/// RFC 9113, Section 6.5.3: of several values for one setting, the last one counts.
fn check_in_force(core: &Connection, entries: &[Setting]) {
    let remote = core.remote_settings();
    let last = |id: u16| entries.iter().rev().find(|entry| entry.id() == id).map(|e| e.value());
    let expect = |id, value| assert!(last(id).is_none_or(|last| last == value), "{entries:?}");
    expect(0x01, remote.header_table_size);
    expect(0x02, remote.enable_push.into());
    expect(0x03, remote.max_concurrent_streams);
    expect(0x04, remote.initial_window_size);
    expect(0x05, remote.max_frame_size);
    expect(0x06, remote.max_header_list_size.unwrap_or(u32::MAX));
    expect(0x08, remote.enable_connect_protocol.into());
    expect(0x09, remote.no_rfc7540_priorities.into());
}

fn announce(role: Role, entries: Vec<Setting>) {
    let now = Instant::now();
    let config = Config::default();
    let mut core = start(role, &config, now);
    let mut peer = start(other(role), &config, now);
    exchange(&mut core, &mut peer, now);
    events(&mut core);
    if core.update_settings(entries.clone(), now).is_ok() {
        exchange(&mut core, &mut peer, now);
        assert!(events(&mut core).contains(&Event::SettingsAcknowledged));
        check_in_force(&peer, &entries);
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}
