//! Events that the application does not take are bounded, and keep no read buffer alive.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::super::{CommandError, Config, Connection, Event, Extension, HeadersKind};
use super::{Pair, Peer, get, id, status};
use crate::frame::{AltSvc, Flags, Frame, Kind, Origin, Unknown};

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn interim_octets(events: &[Event]) -> usize {
    let size = |event: &Event| match event {
        Event::Headers { headers, kind: HeadersKind::Informational, .. } => headers.section_size(),
        _ => 0,
    };
    events.iter().map(size).sum()
}

#[test]
fn untaken_interim_responses_are_bounded_over_all_streams() {
    let mut peer = Peer::of_client(Config::default());
    let hints = status(103).with("link", "x".repeat(16_000));
    for n in 0..100 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        for _ in 0..16 {
            peer.send_headers(2 * n + 1, &hints, false);
        }
        peer.send_headers(2 * n + 1, &status(200), true);
    }
    assert_eq!(peer.result, Ok(()));
    let events = peer.events();
    assert!(interim_octets(&events) <= 256 << 10);
    let finals =
        |event: &&Event| matches!(event, Event::Headers { kind: HeadersKind::Response, .. });
    assert_eq!(events.iter().filter(finals).count(), 100, "final responses are never dropped");
    // There is room again.
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_headers(201, &hints, false);
    assert_eq!(peer.events().len(), 1);
}

#[test]
fn a_server_sends_no_more_interim_responses_than_a_client_accepts() {
    let mut pair = Pair::greeted(Config::default(), Config::default());
    let now = pair.now;
    let id = pair.client.open(&get(), true, now).unwrap();
    pair.pump();
    for _ in 0..16 {
        pair.server.send_headers(id, &status(103), false, now).unwrap();
    }
    let one_more = pair.server.send_headers(id, &status(103), false, now);
    assert_eq!(one_more, Err(CommandError::TooManyInformational(id)));
    pair.server.send_headers(id, &status(200), true, now).unwrap();
    pair.pump();
    let events = pair.events(super::Side::Client);
    assert_eq!(events.len(), 16 + 2, "{events:?}");
}

#[test]
fn extension_frames_do_not_share_the_read_buffer() {
    let payload = Bytes::from_static(b"payload");
    let frames = [
        Frame::from(Unknown {
            kind: Kind(0x99),
            flags: Flags::default(),
            stream_id: id(0),
            payload: payload.clone(),
        }),
        AltSvc { stream_id: id(0), origin: "https://a".into(), field_value: payload.clone() }
            .into(),
        Origin { origins: vec![payload.clone(), payload] }.into(),
    ];
    for frame in frames {
        let now = Instant::now();
        let mut client = Connection::new(super::Role::Client, Config::default(), now).unwrap();
        let mut input = BytesMut::with_capacity(1 << 20);
        input.extend_from_slice(&encoded(&crate::frame::Settings::default().into()));
        client.receive(&mut input, now).unwrap();
        input.extend_from_slice(&encoded(&frame));
        let end = input.as_ptr().wrapping_add(input.len());
        let start = input.as_ptr();
        client.receive(&mut input, now).unwrap();
        let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
        let Some(Event::Extension(extension)) = events.last() else { panic!("{events:?}") };
        let parts = match extension {
            Extension::Unknown(frame) => vec![frame.payload.clone()],
            Extension::AltSvc(frame) => vec![frame.origin.clone(), frame.field_value.clone()],
            Extension::Origin(frame) => frame.origins.clone(),
        };
        assert!(parts.iter().all(|part| !(start..end).contains(&part.as_ptr())), "{extension:?}");
    }
}

#[test]
fn octets_of_events_without_a_stream_are_bounded() {
    let mut peer = Peer::of_client(Config::default());
    let payload = Bytes::from(vec![0; 16_000]);
    let unknown = Unknown { kind: Kind(0x99), flags: Flags::default(), stream_id: id(0), payload };
    peer.send_all(std::iter::repeat_n(Frame::from(unknown), 200));
    assert_eq!(peer.events().len(), (256 << 10) / 16_000);
}
