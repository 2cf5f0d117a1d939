//! Waits that end: of the opening handshake, of reads and writes, of the close handshake.

use std::net::TcpListener;

use std::time::Duration;

use h2_sync::client::Client;
use h2_sync::websocket::{self, Builder, CloseCode};

use crate::by_hand::{ByHand, CLOSE, PING, PONG};
use crate::memory::bounded;
use crate::sites::{Site, WAYS, Way, assert_echo, client_config, config, echo};

const SOON: Duration = Duration::from_millis(50);

#[test]
fn server_that_does_not_answer_the_opening_request_is_given_up() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let client = Client::with_config(client_config()).unwrap();
        let error = Builder::new(&client, &url).response_timeout(SOON).connect().unwrap_err();
        assert!(error.is_timeout() && error.to_string().contains("response_timeout"), "{error}");
        let error = Builder::new(&client, &url).timeout(SOON).connect().unwrap_err();
        assert!(error.is_timeout(), "{error}");
    });
}

#[test]
fn proxy_that_opens_no_tunnel_is_given_up() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let mut config = client_config();
        config.proxies =
            h2_sync::client::Proxies::All(h2_sync::client::Proxy::parse(&proxy).unwrap());
        let client = Client::with_config(config).unwrap();
        let builder = Builder::new(&client, "ws://origin.invalid/").connect_timeout(SOON);
        let error = builder.connect().unwrap_err();
        assert!(error.is_timeout() && error.is_connect(), "{error:?}");
    });
}

#[test]
fn read_that_is_late_can_be_repeated() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::echoing(way);
            let client = site.client(way);
            let builder = Builder::new(&client, site.ws()).read_timeout(SOON);
            let mut socket = builder.connect().unwrap();
            for _ in 0..2 {
                let error = socket.read().unwrap_err();
                assert!(error.is_timeout(), "{error}");
            }
            socket.set_read_timeout(None);
            assert_echo(&mut socket, "hello");
        }
    });
}

#[test]
fn server_that_reads_has_its_client_asked_by_ping_and_fails_without_an_answer() {
    bounded(|| {
        let settings = config(|config| {
            config.ping_interval = Some(SOON);
            config.ping_timeout = SOON;
        });
        let (tells, told) = crossbeam_channel::unbounded();
        let site = Site::with(Way::Http1, settings, move |socket| {
            tells.send(echo(socket).map_err(|error| error.is_timeout())).unwrap();
            Ok(())
        });
        let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), "").0;
        for _ in 0..2 {
            let ping = peer.next().unwrap();
            assert_eq!(ping.first, PING);
            peer.send(PONG, ping.payload);
        }
        assert_eq!(peer.next().unwrap().first, PING);
        assert_eq!(told.recv().unwrap(), Err(true));
        peer.until_end();
    });
}

#[test]
fn close_handshake_ends_in_time_with_a_peer_that_never_closes() {
    bounded(|| {
        let settings = config(|config| config.close_timeout = SOON);
        let (tells, told) = crossbeam_channel::unbounded();
        let site = Site::with(Way::Http1, settings, move |mut socket| {
            let closed = socket.close(CloseCode::NORMAL, "enough");
            tells.send(closed.map_err(|error| error.is_timeout())).unwrap();
            Ok(())
        });
        let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), "").0;
        peer.expect_close(1000);
        assert!(told.recv().unwrap().unwrap_err());
        peer.until_end();
        // The honest twin answers.
        let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), "").0;
        peer.expect_close(1000);
        peer.send(CLOSE, b"\x0f\xa0bye");
        let closed = told.recv().unwrap().unwrap();
        assert_eq!(
            (closed.code, closed.reason.to_string()),
            (Some(CloseCode(4000)), "bye".to_owned())
        );
        peer.until_end();
    });
}

#[test]
fn idle_timeouts_of_server_and_client_leave_websockets_alone() {
    bounded(|| {
        for way in [Way::Http1, Way::Http2] {
            let mut server = crate::sites::server_config();
            server.read_timeout = Some(SOON);
            server.http2.idle_timeout = Some(SOON);
            server.handler_timeout = Some(SOON);
            server.body_timeout = Some(SOON);
            let site = Site::of(way, server, |request, response| {
                echo(websocket::accept(request, response, &config(|_| {}))?)
            });
            let client = site.client_with(way, |config| {
                config.idle_timeout = SOON;
                config.read_timeout = Some(SOON);
            });
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert!(socket.read_within(4 * SOON).unwrap_err().is_timeout());
            assert_echo(&mut socket, "hello");
        }
    });
}
