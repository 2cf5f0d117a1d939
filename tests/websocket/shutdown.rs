//! A server that stops while WebSockets are open.

use std::thread;
use std::time::Duration;

use h2_sync::websocket::{self, CloseCode};

use crate::by_hand::{ByHand, CLOSE};
use crate::memory::bounded;
use crate::sites::{Site, WAYS, Way, assert_echo, config, server_config};
use crate::support::LONG;

#[test]
fn websocket_is_closed_with_1001_and_the_shutdown_waits_for_that_alone() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::echoing(way);
            let client = site.client(way);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert_echo(&mut socket, "hello");
            thread::scope(|scope| {
                let stops = scope.spawn(|| site.handle.shutdown(LONG));
                assert_eq!(socket.read().unwrap(), None);
                assert_eq!(socket.closed().unwrap().code, Some(CloseCode::GOING_AWAY));
                drop(socket);
                drop(client);
                assert_eq!(stops.join().unwrap().connections, 0);
            });
        }
    });
}

#[test]
fn websocket_that_outlives_its_handler_is_closed_with_1001_as_well() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::with(way, config(|_| {}), |socket| {
                thread::spawn(move || crate::sites::echo(socket));
                Ok(())
            });
            let client = site.client(way);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert_echo(&mut socket, "hello");
            thread::scope(|scope| {
                let stops = scope.spawn(|| site.handle.shutdown(LONG));
                assert_eq!(socket.read().unwrap(), None);
                assert_eq!(socket.closed().unwrap().code, Some(CloseCode::GOING_AWAY));
                drop((socket, client));
                assert_eq!(stops.join().unwrap().connections, 0);
            });
        }
    });
}

#[test]
fn websocket_of_a_connection_that_has_its_age_is_closed_with_1001() {
    bounded(|| {
        for way in [Way::Http1, Way::Http2] {
            let mut server = server_config();
            server.max_age = Some(Duration::from_millis(100));
            let site = Site::of(way, server, |request, response| {
                crate::sites::echo(websocket::accept(request, response, &config(|_| {}))?)
            });
            let client = site.client(way);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert_eq!(socket.read().unwrap(), None);
            assert_eq!(socket.closed().unwrap().code, Some(CloseCode::GOING_AWAY));
        }
    });
}

#[test]
fn peer_that_does_not_answer_the_goodbye_does_not_hold_up_the_shutdown() {
    bounded(|| {
        let settings = config(|config| config.close_timeout = Duration::from_millis(50));
        let site = Site::with(Way::Http1, settings, crate::sites::echo);
        let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), "").0;
        peer.send(0x81, b"a");
        assert_eq!(peer.next().unwrap().payload, b"a");
        thread::scope(|scope| {
            let stops = scope.spawn(|| site.handle.shutdown(LONG));
            let goodbye = peer.next().unwrap();
            assert_eq!(
                (goodbye.first, &goodbye.payload[..2]),
                (CLOSE, &1001_u16.to_be_bytes()[..])
            );
            assert_eq!(stops.join().unwrap().connections, 0);
        });
    });
}
