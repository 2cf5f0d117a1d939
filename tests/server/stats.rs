//! What the statistics of a server count.

use std::io::{Read, Write};

use h2_sync::frame::WindowUpdate;
use h2_sync::{ErrorCode, StreamId};

use crate::client::Client;
use crate::frames::Peer;
use crate::http1::raw;
use crate::support::{bounded, config, eventually, gate, get, post, serve, serve_with};

#[test]
fn connections_and_octets_are_counted_for_each_protocol() {
    bounded(|| {
        let server = serve(|request, response| {
            request.read_to_end(&mut Vec::new())?;
            Ok(response.write_all(&[b'x'; 1000])?)
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(raw.reply().body.len(), 1000);
        let mut client = Client::of(&server);
        let id = client.get("/");
        assert_eq!(client.reply(id).body.len(), 1000);
        // The last octets may be counted after they were read.
        eventually(|| server.stats().http1.octets_sent > 1000);
        eventually(|| server.stats().http2.octets_sent > 1000);
        let before = server.stats();
        assert_eq!((before.http1.connections_open, before.http1.connections), (1, 1));
        assert_eq!((before.http2.connections_open, before.http2.connections), (1, 1));
        assert_eq!(before.http1.octets_received, 27);
        assert!((10..1000).contains(&before.http2.octets_received));
        assert_eq!((before.requests, before.http2.streams), (2, 1));

        // They stay when the connections have ended.
        drop((raw, client));
        eventually(|| server.stats().connections == 0);
        let after = server.stats();
        assert_eq!((after.http1.connections_open, after.http1.connections), (0, 1));
        assert_eq!((after.http2.connections_open, after.http2.connections), (0, 1));
        assert_eq!(after.http1.octets_sent, before.http1.octets_sent);
        assert!(after.http2.octets_sent >= before.http2.octets_sent);
        assert_eq!((after.requests, after.requests_open, after.http2.streams_open), (2, 0, 0));
    });
}

#[test]
fn waiting_for_a_permit_is_in_the_queue_time() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers = 1;
            config.max_waiting_handlers = 0;
        });
        let server = serve_with(config, move |request, _| {
            at.wait(request.path());
            Ok(())
        });
        let mut client = Client::of(&server);
        let first = client.get("/first");
        bolt.comes();
        let second = client.get("/second");
        eventually(|| server.stats().requests_open == 2);
        bolt.let_one();
        bolt.comes();
        bolt.open();
        client.reply(first);
        client.reply(second);
        let queue_time = server.stats().queue_time;
        assert_eq!(queue_time.count(), 2);
        assert!(!queue_time.sum().is_zero());
        assert_eq!(queue_time.buckets().last(), Some((None, 2)));
    });
}

#[test]
fn resets_are_counted_for_each_side() {
    bounded(|| {
        let server = serve(|request, _| Ok(request.read_to_end(&mut Vec::new()).map(drop)?));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&post("/"), false);
        peer.reset(stream_id, ErrorCode::Cancel);
        eventually(|| server.stats().http2.resets_received == 1);
        assert_eq!(server.stats().http2.resets_sent, 0);
        let stream_id = peer.open(&post("/"), false);
        // RFC 9113, Section 6.9: that is a stream error.
        peer.send(WindowUpdate { stream_id, increment: 0 });
        eventually(|| server.stats().http2.resets_sent == 1);
        assert_eq!(server.stats().http2.resets_received, 1);
    });
}

fn is_used((_, count): (&str, u64)) -> bool {
    count > 0
}

#[test]
fn exhausted_budget_is_counted_by_its_name() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        eventually(|| {
            !peer.write(ping.repeat(100)) || server.stats().http2.budgets_exhausted().any(is_used)
        });
        eventually(|| server.stats().http2.connections_open == 0);
        let exhausted: Vec<_> =
            server.stats().http2.budgets_exhausted().filter(|it| is_used(*it)).collect();
        assert_eq!(exhausted, [("pings_received", 1)]);
    });
}

#[test]
fn wait_for_a_window_is_counted() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(&[0; 70_000])?));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&get("/"), true);
        eventually(|| server.stats().http2.octets_sent > 65_535);
        for id in [StreamId::CONNECTION, stream_id] {
            peer.grant(id, 10_000);
        }
        eventually(|| server.stats().http2.octets_sent > 70_000);
        assert!(!server.stats().http2.blocked_on_windows.is_zero());
    });
}
