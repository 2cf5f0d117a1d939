//! Random and damaged input: no panics, and counters stay correct.

use bytes::BytesMut;
use proptest::prelude::*;

use super::super::{Config, Connection, Event, Role, Transmit};
use super::{Pair, Side, audit, get, id, post, status, trailers};
use crate::frame::{ErrorCode, PREFACE, Setting};

/// Returns the octets of a long conversation, from the client and from the server.
fn conversation() -> [Vec<u8>; 2] {
    let config = Config { enable_push: true, ..Config::default() };
    let mut pair = Pair::new(config.clone(), config);
    let mut said = [Vec::new(), Vec::new()];
    let now = pair.now;
    for round in 0..4 {
        let stream = pair.client.open(&post(), false, now).unwrap();
        pair.client.send_data(stream, vec![round; 500].into(), false, now).unwrap();
        pair.client.send_headers(stream, &trailers(), true, now).unwrap();
        pair.client.ping(now).unwrap();
        listen(&mut pair, &mut said);
        let promised = pair.server.reserve_stream_id(now).unwrap();
        pair.server.promise(stream, promised, &get(), now).unwrap();
        for n in [stream, promised] {
            pair.server.send_headers(n, &status(200), false, now).unwrap();
            pair.server.send_data(n, vec![round; 500].into(), round % 2 == 0, now).unwrap();
        }
        pair.server.update_settings(vec![Setting::HeaderTableSize(100)], now).unwrap();
        pair.client.reset(id(2), ErrorCode::Cancel, now).unwrap_or(());
        listen(&mut pair, &mut said);
    }
    pair.server.shutdown(now);
    listen(&mut pair, &mut said);
    said
}

fn listen(pair: &mut Pair, said: &mut [Vec<u8>; 2]) {
    loop {
        let mut quiet = true;
        for (side, said) in [Side::Client, Side::Server].into_iter().zip(said.iter_mut()) {
            let now = pair.now;
            let mut out = Transmit::new();
            pair.side(side).poll_transmit(now, &mut out, usize::MAX);
            let octets = out.to_vec();
            said.extend_from_slice(&octets);
            quiet &= octets.is_empty();
            let to = if side == Side::Client { Side::Server } else { Side::Client };
            pair.side(to).receive(&mut BytesMut::from(&octets[..]), now).unwrap();
        }
        if quiet {
            return;
        }
    }
}

/// Feeds arbitrary octets in pieces: no panic, correct counters, and no deadline that stays
/// expired.
fn endure(role: Role, octets: &[u8], chunk: usize) {
    let mut now = std::time::Instant::now();
    let config = Config { enable_push: true, enable_connect_protocol: true, ..Config::default() };
    let mut core = Connection::new(role, config, now).unwrap();
    for _ in 0..if role == Role::Client { 5 } else { 0 } {
        core.open(&post(), false, now).unwrap();
    }
    let mut input = BytesMut::new();
    let mut out = Transmit::new();
    for piece in octets.chunks(chunk.max(1)) {
        input.extend_from_slice(piece);
        let _ = core.receive(&mut input, now);
        while let Some(event) = core.poll_event() {
            if let Event::Headers { stream_id, .. } = event {
                let _ = core.send_headers(stream_id, &status(200), false, now);
                let _ = core.send_data(stream_id, vec![0; 100].into(), false, now);
            }
        }
        core.poll_transmit(now, &mut out, 1_000);
        out.clear();
        audit(&core);
    }
    for _ in 0..50 {
        let Some(at) = core.poll_timeout() else { break };
        now = now.max(at);
        let _ = core.handle_timeout(now);
        assert!(core.poll_timeout().is_none_or(|next| next > now), "a deadline that stays");
        audit(&core);
    }
}

/// Returns the SETTINGS of a peer, after its preface if it is a client.
fn greeting(role: Role) -> Vec<u8> {
    let mut octets = Vec::new();
    if role == Role::Server {
        octets.extend_from_slice(PREFACE);
    }
    octets.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    octets
}

#[test]
fn every_kind_of_frame_in_every_small_length_is_endured() {
    for role in [Role::Client, Role::Server] {
        // Beyond the known kinds, a few that are not.
        for kind in (0..=0x20_u8).chain([0x40, 0x7f, 0x80, 0xff]) {
            for length in 0..=64u8 {
                let (stream, fill) = (length % 3, kind.wrapping_mul(length));
                let mut octets = greeting(role);
                octets.extend([0, 0, length, kind, fill, 0, 0, 0, stream]);
                octets.extend(vec![fill; usize::from(length)]);
                endure(role, &octets, usize::MAX);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_frames_are_endured(
        frames in prop::collection::vec(
            (0u8..0x12, any::<u8>(), 0u32..12, prop::collection::vec(any::<u8>(), 0..40)),
            0..60,
        ),
        chunk in 1usize..200,
        is_client in any::<bool>(),
    ) {
        let role = if is_client { Role::Client } else { Role::Server };
        let mut octets = greeting(role);
        for (kind, flags, stream, payload) in frames {
            octets.extend([0, 0, payload.len() as u8, kind, flags]);
            octets.extend(stream.to_be_bytes());
            octets.extend(payload);
        }
        endure(role, &octets, chunk);
    }

    #[test]
    fn damaged_conversations_are_endured(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        chunk in 1usize..500,
    ) {
        let [client, server] = conversation();
        for (role, mut octets) in [(Role::Server, client), (Role::Client, server)] {
            for (at, value) in &damage {
                let at = at.index(octets.len());
                octets[at] = *value;
            }
            octets.truncate(octets.len() - cut.index(octets.len()) / 4);
            endure(role, &octets, chunk);
        }
    }
}
