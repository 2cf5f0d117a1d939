//! Handlers that open WebSockets beside ordinary routes.

use h2_sync::Error;
use h2_sync::websocket::{self, Builder, CloseCode, Compression, Config, Message};
use http::Version;

use crate::memory::bounded;
use crate::sites::{Site, WAYS, assert_echo, config, echo, server_config};

#[test]
fn websocket_is_opened_beside_ordinary_routes_in_each_way() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::echoing(way);
            let client = site.client(way);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            let version = if way.is_http2() { Version::HTTP_2 } else { Version::HTTP_11 };
            assert_eq!(socket.handshake().version(), version);
            assert_echo(&mut socket, "one");
            assert_eq!(client.get(site.plain()).send().unwrap().text().unwrap(), "plain");
            assert_echo(&mut socket, "two");
            socket.close(CloseCode::NORMAL, "").unwrap();
            assert_eq!(client.get(site.plain()).send().unwrap().text().unwrap(), "plain");
        }
    });
}

#[test]
fn websockets_and_requests_share_one_connection_of_http2() {
    bounded(|| {
        for &way in WAYS.iter().filter(|way| way.is_http2()) {
            let site = Site::echoing(way);
            let client = site.client(way);
            let mut sockets: Vec<_> =
                (0..10).map(|_| websocket::connect(&client, site.ws()).unwrap()).collect();
            for (number, socket) in sockets.iter_mut().enumerate() {
                assert_echo(socket, &number.to_string());
            }
            assert_eq!(client.get(site.plain()).send().unwrap().text().unwrap(), "plain");
            assert_eq!(site.handle.stats().connections, 1);
        }
    });
}

#[test]
fn messages_of_any_size_and_both_kinds_come_back_as_they_were() {
    bounded(|| {
        for &way in WAYS {
            for compression in [None, Some(Compression::default())] {
                let config = config(|config| config.compression = compression);
                let site = Site::with(way, config.clone(), echo);
                let client = site.client(way);
                let mut socket = Builder::new(&client, site.ws()).config(config).connect().unwrap();
                for len in [0, 1, 125, 126, 65_535, 65_536, 300_000] {
                    let octets: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
                    for message in [Message::binary(octets), Message::text("ä".repeat(len / 2))] {
                        socket.send(message.clone()).unwrap();
                        assert_eq!(socket.read().unwrap(), Some(message), "{way:?} {len}");
                    }
                }
            }
        }
    });
}

#[test]
fn compression_is_used_where_both_ends_want_it() {
    bounded(|| {
        for &way in WAYS {
            for (ours, theirs) in [(false, false), (false, true), (true, false), (true, true)] {
                let config = |wants: bool| {
                    config(|config| config.compression = wants.then(Compression::default))
                };
                let site = Site::with(way, config(theirs), move |socket| {
                    let text = format!("{}", socket.handshake().deflate().is_some());
                    socket.send(text)?;
                    echo(socket)
                });
                let client = site.client(way);
                let builder = Builder::new(&client, site.ws()).config(config(ours));
                let mut socket = builder.connect().unwrap();
                let is_used = ours && theirs;
                assert_eq!(socket.handshake().deflate().is_some(), is_used);
                assert_eq!(socket.read().unwrap(), Some(is_used.to_string().into()));
                assert_echo(&mut socket, &"compress me ".repeat(1_000));
            }
        }
    });
}

#[test]
fn sub_protocol_is_the_first_of_the_servers_that_is_offered() {
    bounded(|| {
        for &way in WAYS {
            let config =
                config(|config| config.protocols = ["c", "b", "a"].map(str::to_owned).into());
            let site = Site::with(way, config, |socket| {
                let protocol = format!("{:?}", socket.handshake().protocol());
                socket.send(protocol)
            });
            let client = site.client(way);
            for (offered, chosen) in [(&["a", "b"][..], Some("b")), (&["d"], None), (&[], None)] {
                let builder = Builder::new(&client, site.ws()).protocols(offered.iter().copied());
                let mut socket = builder.connect().unwrap();
                assert_eq!(socket.handshake().protocol(), chosen);
                assert_eq!(socket.read().unwrap(), Some(format!("{chosen:?}").into()));
            }
        }
    });
}

#[test]
fn handler_sees_request_fields_and_adds_its_own() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::of(way, server_config(), |request, response| {
                response.set_header("x-a", "1")?;
                let socket = websocket::accept(request, response, &Config::default())?;
                let handshake = socket.handshake();
                assert!(handshake.peer_addr().is_some());
                let told = handshake.headers().get("x-b").unwrap().to_str().unwrap().to_owned();
                socket.send(told)
            });
            let client = site.client(way);
            let mut socket = Builder::new(&client, site.ws()).header("x-b", "2").connect().unwrap();
            assert_eq!(socket.handshake().headers().get("x-a").unwrap(), "1");
            assert_eq!(socket.read().unwrap(), Some("2".into()));
        }
    });
}

#[test]
fn websocket_may_outlive_its_handler_on_another_thread() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::with(way, Config::default(), |socket| {
                std::thread::spawn(move || echo(socket));
                Ok(())
            });
            let client = site.client(way);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert_echo(&mut socket, "one");
            assert_echo(&mut socket, "two");
        }
    });
}

#[test]
fn websockets_do_not_keep_permits_from_other_requests() {
    bounded(|| {
        for &way in WAYS {
            let mut config = server_config();
            config.max_handlers = 2;
            let site = Site::of(way, config, |request, response| match request.path() {
                "/ws" => echo(websocket::accept(request, response, &Config::default())?),
                _ => response.send("plain"),
            });
            // Each on a connection of its own: what one connection may hold is bounded as well.
            let open = |_| websocket::connect(&site.client(way), site.ws()).unwrap();
            let mut sockets: Vec<_> = (0..8).map(open).collect();
            let response = site.client(way).get(site.plain()).send().unwrap();
            assert_eq!(response.text().unwrap(), "plain");
            sockets.iter_mut().for_each(|socket| assert_echo(socket, "hello"));
        }
    });
}

#[test]
fn handler_may_open_one_websocket() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::of(way, server_config(), |request, response| {
                let socket = websocket::accept(request, response, &Config::default())?;
                let error: Error =
                    websocket::accept(request, response, &Config::default()).unwrap_err();
                assert!(error.to_string().contains("was already sent"), "{error}");
                echo(socket)
            });
            let client = site.client(way);
            assert_echo(&mut websocket::connect(&client, site.ws()).unwrap(), "hello");
        }
    });
}
