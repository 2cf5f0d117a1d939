//! Events that the application does not take.

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{
    AltSvc, Data, ErrorCode, Flags, Frame, Goaway, Kind, Origin, Setting, Settings, StreamId,
    Unknown,
};
use h2_sync::headers;
use h2_sync::proto::{Config, Role};

use crate::counted::{KIB, measured};
use crate::peer::{Peer, client_id, encoded};

/// What one stream takes besides its field sections and DATA: its state, and its events.
const STREAM: usize = 2 * KIB;

/// What one event takes besides what it points to, with the spare room of the queue.
const EVENT: usize = KIB;

fn client_with_requests(streams: usize) -> Peer {
    let mut config = Config::default();
    config.max_send_buffer = 1 << 30;
    let mut peer = Peer::new(Role::Client, config);
    peer.send(Settings { ack: false, entries: vec![Setting::MaxConcurrentStreams(1 << 20)] });
    let request = headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "a", ":path" => "/",
    );
    for _ in 0..streams {
        peer.core.open(&request, true, peer.now).expect("there are slots");
    }
    peer.write();
    peer
}

/// A field of 3,900 octets in the dynamic table makes sections of 60,000 out of 20.
#[test]
fn interim_responses_are_held_up_to_256_kib_whatever_they_were_compressed_from() {
    measured(|memory| {
        let streams = 500;
        let mut peer = client_with_requests(streams);
        // RFC 7541, Section 6.2.1: a field that enters the table: its name is new, of 4 octets, and
        // its length takes three octets as an integer of 7 bits (127 + 61 + 29 * 128 = 3,900).
        let mut first = vec![0x08, 3, b'1', b'0', b'3', 0x40, 4];
        first.extend_from_slice(b"link");
        first.extend_from_slice(&[0x7f, 0x80 | 61, 29]);
        first.extend_from_slice(&[b'x'; 3_900]);
        peer.send_block(client_id(0), &first, false);
        // ":status" as the static table names it, and the entry of the dynamic one, 15 times.
        let mut again = vec![0x08, 3, b'1', b'0', b'3'];
        again.extend_from_slice(&[0x80 | 62; 15]);
        let (sent, kept) = (peer.sent, memory.kept());
        for n in 1..streams {
            (0..16).for_each(|_| peer.send_block(client_id(n), &again, false));
        }
        assert!(peer.sent - sent < 240 * KIB, "{} octets were sent", peer.sent - sent);
        assert!(memory.kept() > kept + 180 * KIB, "some are held");
        memory.assert_kept(kept + 256 * KIB);
    });
}

/// Room for a section is made by the size of the one before.
#[test]
fn tiny_sections_behind_large_ones_take_little() {
    measured(|memory| {
        let streams = 1_000;
        let mut peer = client_with_requests(streams);
        let cancelled = client_id(streams - 1);
        peer.core.reset(cancelled, ErrorCode::Cancel, peer.now).expect("it is open");
        peer.write();
        let large = headers!(":status" => "103", "large" => "x".repeat(4_096));
        let tiny = headers!(":status" => "103");
        let kept = memory.kept();
        for n in 0..streams - 1 {
            for _ in 0..4 {
                // Late, and so decoded and dropped.
                peer.send_headers(cancelled, &large, false);
                peer.send_headers(client_id(n), &tiny, false);
            }
        }
        memory.assert_kept(kept + 256 * KIB);
    });
}

#[test]
fn two_field_sections_are_held_for_each_stream_and_an_eighth_more() {
    measured(|memory| {
        let (streams, limit) = (100, 64 * KIB);
        let mut peer = client_with_requests(streams);
        // 40,000 octets, then 20,000 more: the buffer of a section has grown to twice the first.
        let big = |name: &str| {
            let mut fields = headers!(":status" => "200", name => "x".repeat(40_000));
            (0..10).for_each(|_| fields.push("more", "y".repeat(2_000)));
            fields
        };
        let mut trailers = big("trailer-field");
        trailers.remove(":status");
        for n in 0..streams {
            peer.send_headers(client_id(n), &big("header-field"), false);
            peer.send_headers(client_id(n), &trailers, true);
        }
        assert!(memory.kept() > streams * 2 * 60_000, "both sections are there");
        memory.assert_kept(streams * (2 * (limit + limit / 8) + STREAM));
    });
}

#[test]
fn sections_of_tiny_fields_are_counted_by_what_they_take() {
    measured(|memory| {
        let (streams, limit) = (100, 64 * KIB);
        let mut peer = client_with_requests(streams);
        let mut response = headers!(":status" => "200");
        (0..255).for_each(|_| response.push("a", ""));
        for n in 0..streams {
            peer.send_headers(client_id(n), &response, true);
        }
        let section = response.section_size();
        assert!(section < limit);
        memory.assert_kept(streams * (section + STREAM));
    });
}

/// One read of 64 KiB: a frame that makes an event, then frames of unknown types.
fn read_with(frame: impl Into<Frame>) -> BytesMut {
    let mut read = BytesMut::with_capacity(64 * KIB);
    read.extend_from_slice(&encoded(frame));
    // Their events are dropped beyond the bound.
    while read.len() + 9 + 16 * KIB <= 64 * KIB {
        let payload = Bytes::from(vec![0; 16 * KIB]);
        let (kind, flags, stream_id) = (Kind(0xee), Flags::default(), StreamId::CONNECTION);
        read.extend_from_slice(&encoded(Unknown { kind, flags, stream_id, payload }));
    }
    read
}

type MakeFrame = Box<dyn Fn() -> Frame>;

#[test]
fn small_events_keep_no_read_buffer() {
    let text = || Bytes::from_static(b"sixteen octets..");
    let frames: [(&str, MakeFrame); 5] = [
        (
            "unknown",
            Box::new(move || {
                let (kind, flags, stream_id) = (Kind(0xef), Flags::default(), StreamId::CONNECTION);
                Unknown { kind, flags, stream_id, payload: text() }.into()
            }),
        ),
        (
            "ALTSVC",
            Box::new(move || {
                let stream_id = StreamId::CONNECTION;
                AltSvc { stream_id, origin: text(), field_value: text() }.into()
            }),
        ),
        ("ORIGIN", Box::new(move || Origin { origins: vec![text()] }.into())),
        (
            "GOAWAY",
            Box::new(move || {
                let (last_stream_id, error_code) = (StreamId::MAX, ErrorCode::NoError);
                Goaway { last_stream_id, error_code, debug_data: text() }.into()
            }),
        ),
        (
            "SETTINGS",
            Box::new(|| {
                let entries = vec![Setting::MaxConcurrentStreams(100); 32];
                Settings { ack: false, entries }.into()
            }),
        ),
    ];
    for (name, frame) in frames {
        measured(|memory| {
            let mut peer = Peer::new(Role::Client, Config::default());
            for _ in 0..90 {
                peer.receive(read_with(frame()));
                peer.write();
            }
            assert!(peer.sent > 90 * 40 * KIB, "{name}");
            memory.assert_kept(256 * KIB + 256 * EVENT);
        });
    }
}

#[test]
fn pieces_of_data_keep_twenty_times_their_octets_at_most() {
    for piece in [1, 100, 3_000, 4_096, 4_097, 5_000, 16_000] {
        measured(|memory| {
            let streams = 100;
            let mut peer = Peer::new(Role::Server, Config::default());
            let request = headers!(
                ":method" => "POST", ":scheme" => "http", ":authority" => "a", ":path" => "/",
            );
            for n in 0..streams {
                peer.send_headers(client_id(n), &request, false);
                let (stream_id, data) = (client_id(n), Bytes::from(vec![1; piece]));
                peer.receive(read_with(Data { stream_id, data, end_stream: false, padding: None }));
            }
            memory.assert_kept(streams * (20 * piece + STREAM) + 256 * KIB + 256 * EVENT);
        });
    }
}
