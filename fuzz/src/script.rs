//! A peer's side of a connection, out of a fuzzer's octets: frames whose heads are true, some of
//! them quite valid, so that the fuzzer gets past the first checks.

use bytes::Bytes;
use h2_sync::frame::{
    Data, Flags, Goaway, Head, Kind, Ping, RstStream, Setting, Settings, StreamId, WindowUpdate,
};
use h2_sync::headers;
use h2_sync::hpack::Field;
use h2_sync::proto::Role;

use super::cores::{RawPeer, request};
use super::fields::read_field;
use super::input::Input;

/// What a peer in the role of `from` sends. `is_greeted` says that its preface and SETTINGS come
/// first, as they should.
pub fn wire(from: Role, is_greeted: bool, mut input: Input<'_>) -> Vec<u8> {
    let mut peer = if is_greeted { RawPeer::new(from) } else { RawPeer::default() };
    let mut wire = Vec::new();
    while !input.is_empty() {
        send_next(from, &mut peer, &mut input, &mut wire);
    }
    wire
}

fn send_next(from: Role, peer: &mut RawPeer, input: &mut Input<'_>, wire: &mut Vec<u8>) {
    let choice = input.octet();
    let stream_id = StreamId::from_wire(u32::from(input.octet() & 0x1f));
    match choice & 0x1f {
        kind @ 0..=0x10 => {
            let (flags, payload) = (Flags(input.octet()), input.string());
            wire.extend(peer.take_wire());
            let kind = Kind(kind);
            Head { length: payload.len() as u32, kind, flags, stream_id }.encode(wire);
            wire.extend_from_slice(payload);
        }
        0x11 => {
            let method = *input.pick(&["GET", "HEAD", "POST", "CONNECT"]).unwrap_or(&"GET");
            let status = *input.pick(&["200", "100", "204", "404"]).unwrap_or(&"200");
            let mut section = match from {
                Role::Client => request(method),
                Role::Server => headers!(":status" => status),
            };
            for _ in 0..input.below(4) {
                let (name, value, sensitive) = read_field(input);
                section.extend([Field { name: &name, value: &value, sensitive }]);
            }
            peer.send_headers(stream_id, &section, input.flag());
        }
        0x12 => {
            let len = usize::from(input.u16()) % (1 << 14);
            let padding = input.flag().then(|| input.octet());
            let data = Bytes::from(vec![b'd'; len]);
            peer.send(Data { stream_id, data, end_stream: input.flag(), padding });
        }
        0x13 => {
            let increment = input.u32();
            peer.send(WindowUpdate { stream_id, increment });
        }
        0x14 => peer.send_promise(
            stream_id,
            StreamId::from_wire(u32::from(input.octet())),
            &request("GET"),
        ),
        0x15 => {
            let setting = match input.below(5) {
                0 => Setting::HeaderTableSize(input.u32()),
                1 => Setting::MaxConcurrentStreams(input.octet().into()),
                2 => Setting::InitialWindowSize(input.u32() >> 1),
                3 => Setting::MaxHeaderListSize(input.u32()),
                _ => Setting::MaxFrameSize((1 << 14) + u32::from(input.u16())),
            };
            peer.send(Settings { ack: false, entries: vec![setting] });
        }
        0x16 => peer.send(Settings::acknowledgement()),
        0x17 => {
            let payload = u64::from(input.octet()).to_be_bytes();
            peer.send(Ping { ack: input.flag(), payload });
        }
        0x18 => {
            let error_code = u32::from(input.octet()).into();
            peer.send(RstStream { stream_id, error_code });
        }
        0x19 => {
            let error_code = u32::from(input.octet()).into();
            let debug_data = Bytes::copy_from_slice(input.string());
            peer.send(Goaway { last_stream_id: stream_id, error_code, debug_data });
        }
        // A field section of one octet to index a large field of the table, over and over.
        0x1a => {
            let (flags, index) = (Flags::END_HEADERS, 0xbe);
            let payload = vec![index; 8 * usize::from(input.octet())];
            wire.extend(peer.take_wire());
            let kind = Kind::HEADERS;
            Head { length: payload.len() as u32, kind, flags, stream_id }.encode(wire);
            wire.extend_from_slice(&payload);
        }
        _ => {}
    }
    wire.extend(peer.take_wire());
}
