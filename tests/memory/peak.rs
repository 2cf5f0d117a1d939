//! What stays after many streams at once.

use h2_sync::frame::{Setting, Settings};
use h2_sync::headers;
use h2_sync::proto::{Config, Role};

use crate::counted::{KIB, measured};
use crate::peer::{Peer, client_id};

const STREAMS: usize = 10_000;

/// What may stay of tables and queues for the next streams.
const SPARE: usize = 128 * KIB;

fn config() -> Config {
    let mut config = Config::default();
    config.max_concurrent_streams = STREAMS as u32;
    config.max_send_buffer = 1 << 30;
    config
}

#[test]
fn server_gives_back_the_memory_of_ten_thousand_streams() {
    measured(|memory| {
        let mut peer = Peer::new(Role::Server, config());
        let request = headers!(
            ":method" => "GET", ":scheme" => "http", ":authority" => "a", ":path" => "/",
        );
        for n in 0..STREAMS {
            peer.send_headers(client_id(n), &request, true);
        }
        let events = peer.take_events();
        assert_eq!(events.len(), STREAMS);
        drop(events);
        assert!(memory.kept() > STREAMS * 240, "all are open");
        let response = headers!(":status" => "200");
        for n in 0..STREAMS {
            let (id, now) = (client_id(n), peer.now);
            peer.core.send_headers(id, &response, false, now).expect("it was asked for");
            peer.core.send_data(id, "body".into(), true, now).expect("there is room");
        }
        peer.write();
        drop(peer.take_events());
        assert!(!peer.core.has_streams());
        memory.assert_kept(SPARE);
    });
}

#[test]
fn server_gives_back_the_memory_of_ten_thousand_streams_that_were_reset() {
    measured(|memory| {
        let mut config = config();
        config.hold_slots = true;
        config.resets_received = h2_sync::proto::Budget::new(1 << 20, 1);
        let mut peer = Peer::new(Role::Server, config);
        let request = headers!(
            ":method" => "GET", ":scheme" => "http", ":authority" => "a", ":path" => "/",
        );
        for n in 0..STREAMS {
            peer.send_headers(client_id(n), &request, true);
        }
        for n in 0..STREAMS {
            let (stream_id, error_code) = (client_id(n), h2_sync::ErrorCode::Cancel);
            peer.send(h2_sync::frame::RstStream { stream_id, error_code });
        }
        drop(peer.take_events());
        for n in 0..STREAMS {
            assert!(peer.core.release_slot(client_id(n)));
        }
        memory.assert_kept(SPARE);
    });
}

#[test]
fn client_gives_back_the_memory_of_ten_thousand_streams_of_which_most_waited() {
    measured(|memory| {
        let mut peer = Peer::new(Role::Client, config());
        let most = vec![Setting::MaxConcurrentStreams(STREAMS as u32 / 2)];
        peer.send(Settings { ack: false, entries: most });
        let request = headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "a", ":path" => "/",
        );
        for _ in 0..STREAMS {
            let now = peer.now;
            let id = peer.core.open(&request, false, now).expect("it may wait");
            peer.core.send_data(id, "body".into(), true, now).expect("there is room");
        }
        peer.write();
        assert!(memory.kept() > STREAMS * 240, "all are there");
        let response = headers!(":status" => "200");
        for n in 0..STREAMS {
            peer.send_headers(client_id(n), &response, true);
            if n % 100 == 0 {
                peer.write();
            }
        }
        peer.write();
        drop(peer.take_events());
        assert!(!peer.core.has_streams());
        memory.assert_kept(SPARE);
    });
}
