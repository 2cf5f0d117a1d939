//! What a client does to reach a WebSocket, and what it makes of the answers.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use h2_sync::ErrorKind;
use h2_sync::client::{CancelHandle, Proxies, Proxy, Versions};
use h2_sync::websocket::{self, Builder, Compression};
use http::Version;

use crate::by_hand::{ACCEPT, ByHand, CLOSE, frame};
use crate::memory::bounded;
use crate::sites::{Site, WAYS, Way, assert_echo, client_config, config, echo, server_config};

/// What the client makes of a server that answers the opening request with `answer`, in which `ACCEPT`
/// stands for what belongs to the key of the request. Gives the head of that request as well.
fn answered(
    answer: &str,
    build: impl FnOnce(Builder<'_>) -> Builder<'_>,
) -> (Result<(), h2_sync::Error>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/a?b=c", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    let server = thread::spawn(move || {
        let (mut peer, head) = ByHand::accept(&listener);
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let accept = h2_sync::ws::accept_key(key.as_bytes());
        peer.write(answer.replace("ACCEPT", &accept));
        (peer, head)
    });
    let client = h2_sync::client::Client::with_config(client_config()).unwrap();
    let result = build(Builder::new(&client, url)).connect().map(drop);
    (result, server.join().unwrap().1)
}

const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\
                    sec-websocket-accept: ACCEPT\r\n\r\n";

#[test]
fn opening_request_has_the_fields_of_rfc_6455() {
    bounded(|| {
        let (result, head) = answered(GOOD, |builder| {
            builder.header("x-a", "1").protocols(["a", "b"]).compression(Compression::default())
        });
        result.unwrap();
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:"), "{head}");
        for field in [
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-version: 13",
            "sec-websocket-protocol: a, b",
            "x-a: 1",
        ] {
            assert!(head.contains(&format!("\r\n{field}\r\n")), "{head}");
        }
        assert!(head.contains("\r\nsec-websocket-extensions: permessage-deflate"), "{head}");
        let (result, head) = answered(GOOD, |builder| builder);
        result.unwrap();
        assert!(!head.contains("sec-websocket-protocol") && !head.contains("extensions"), "{head}");
    });
}

#[test]
fn error_of_an_invalid_answer_says_why() {
    bounded(|| {
        let more = |field: &str| GOOD.replace("\r\n\r\n", &format!("\r\n{field}\r\n\r\n"));
        for (answer, text) in [
            (GOOD.replace("ACCEPT", ACCEPT), "sec-websocket-accept"),
            (GOOD.replace("sec-websocket-accept", "x"), "sec-websocket-accept"),
            (GOOD.replace("connection: Upgrade\r\n", ""), "`connection: upgrade`"),
            (GOOD.replace("WebSocket", "other"), "\"other\""),
            (GOOD.replace("upgrade: WebSocket\r\n", ""), "101"),
            (more("sec-websocket-protocol: c"), "\"c\", which was not offered"),
            (more("sec-websocket-extensions: permessage-deflate"), "permessage-deflate"),
            (more("sec-websocket-extensions: x-other"), "x-other"),
        ] {
            let error = answered(&answer, |builder| builder.protocols(["a"])).0.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Peer, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
    });
}

#[test]
fn other_status_is_an_error_with_the_beginning_of_the_body() {
    bounded(|| {
        for (status, kind) in
            [(401, "Unauthorized"), (404, "Not Found"), (500, "Internal Server Error")]
        {
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\nsorry");
            let error = answered(&answer, |builder| builder).0.unwrap_err();
            assert_eq!(error.status().unwrap(), status);
            assert!(error.to_string().ends_with(&format!("{status} {kind}: sorry")), "{error}");
        }
    });
}

#[test]
fn http_urls_mean_the_same_and_others_are_errors() {
    bounded(|| {
        let site = Site::echoing(Way::Http1);
        let client = site.client(Way::Http1);
        let rest = site.ws().strip_prefix("ws").unwrap().to_owned();
        for scheme in ["ws", "WS", "http"] {
            let mut socket = websocket::connect(&client, format!("{scheme}{rest}")).unwrap();
            assert_echo(&mut socket, "hello");
        }
        for url in ["wsx://a/", "a", "", "ws://", "ftp://a/", "ws:/a"] {
            let error = websocket::connect(&client, url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Caller, "{url}: {error}");
        }
    });
}

#[test]
fn server_without_extended_connect_is_reached_in_http11() {
    bounded(|| {
        for &way in WAYS.iter().filter(|way| way.is_http2()) {
            let mut server = server_config();
            server.websockets = false;
            let site = Site::of(way, server, |request, response| match request.path() {
                "/ws" => crate::sites::echo(websocket::accept(
                    request,
                    response,
                    &websocket::Config::default(),
                )?),
                _ => response.send("plain"),
            });
            let client = site.client_with(way, |config| {
                (config.versions, config.prior_knowledge) = (Versions::Auto, true);
            });
            assert_eq!(client.get(site.plain()).send().unwrap().version(), Version::HTTP_2);
            let mut socket = websocket::connect(&client, site.ws()).unwrap();
            assert_eq!(socket.handshake().version(), Version::HTTP_11);
            assert_echo(&mut socket, "hello");
            assert_eq!(client.get(site.plain()).send().unwrap().version(), Version::HTTP_2);
        }
    });
}

#[test]
fn proxy_opens_a_tunnel_in_each_way() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::echoing(way);
            let (proxy, asked) = proxy();
            let client = site.client_with(way, |config| {
                config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
            });
            assert_echo(&mut websocket::connect(&client, site.ws()).unwrap(), "hello");
            let target = site.handle.local_addr().unwrap();
            let asked = asked.join().unwrap();
            assert!(asked.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{asked}");
        }
    });
}

/// A proxy for one tunnel: its URL, and what it was asked.
fn proxy() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut peer, asked) = ByHand::accept(&listener);
        let target = asked.split(' ').nth(1).unwrap().to_owned();
        let far = std::net::TcpStream::connect(target).unwrap();
        peer.write("HTTP/1.1 200 OK\r\n\r\n");
        let near = peer.stream;
        for (mut from, mut to) in
            [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)]
        {
            from.set_read_timeout(None).unwrap();
            thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
        asked
    });
    (url, thread)
}

#[test]
fn field_of_the_handshake_cannot_be_given_as_one_of_the_request() {
    bounded(|| {
        let site = Site::echoing(Way::Http1);
        let client = site.client(Way::Http1);
        for name in ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"] {
            let builder = Builder::new(&client, site.ws()).header(name, "x");
            assert_eq!(builder.connect().unwrap_err().kind(), ErrorKind::Caller);
        }
        let settings = config(|config| config.protocols = vec!["a".into(), "a".into()]);
        let builder = Builder::new(&client, site.ws()).config(settings);
        assert!(builder.connect().unwrap_err().to_string().contains("`protocols` must"));
    });
}

#[test]
fn opening_handshake_can_be_cancelled() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let handle = CancelHandle::new();
        let cancels = handle.clone();
        let server = thread::spawn(move || {
            let peer = ByHand::accept(&listener);
            cancels.cancel();
            peer
        });
        let client = h2_sync::client::Client::with_config(client_config()).unwrap();
        let error = Builder::new(&client, url).cancel_with(&handle).connect().unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        drop(server.join());
    });
}

#[cfg(feature = "tls")]
#[test]
fn websocket_does_not_wait_for_a_connection_of_http11_that_is_busy() {
    use std::io::Write;
    use std::sync::{Mutex, mpsc};

    bounded(|| {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let mut config = server_config();
        config.versions = h2_sync::server::Versions::Http1;
        let site = Site::of(Way::Tls1, config, move |request, response| {
            if request.path() == "/ws" {
                return echo(websocket::accept(request, response, &websocket::Config::default())?);
            }
            response.write_all(b"the beginning")?;
            response.flush()?;
            let _ = released.lock().unwrap().recv();
            Ok(())
        });
        let client = site.client_with(Way::Tls1, |config| {
            config.versions = Versions::Auto;
            config.max_http1_connections_per_origin = 1;
        });
        let held = client.get(site.plain()).send().unwrap();
        let mut socket = websocket::connect(&client, site.ws()).unwrap();
        assert_echo(&mut socket, "hello");
        drop((release, held));
    });
}

/// A proxy that sees a reset discards what it has not passed on.
#[test]
fn client_waits_for_the_end_of_its_stream() {
    let invalid = frame(0xc1, b"a", false);
    let close = frame(CLOSE, &1000_u16.to_be_bytes(), false);
    for last in [invalid, close] {
        bounded(move || {
            let (report, ends) = mpsc::channel();
            let reports = report.clone();
            let other = Site::echoing(Way::Http1);
            let site = Site::of(Way::Http2, server_config(), move |request, response| {
                let (mut recv, mut send) = response.upgrade(request, "websocket")?;
                send.send(last.clone())?;
                while recv.next_chunk()?.is_some() {}
                // A client that does not wait has ended by the time of this response.
                other.client(Way::Http1).get(other.plain()).send()?;
                reports.send("the server ends").unwrap();
                send.finish()
            });
            let client = site.client(Way::Http2);
            let _ = websocket::connect(&client, site.ws()).unwrap().read();
            report.send("the client ends").unwrap();
            assert_eq!(ends.iter().next(), Some("the server ends"));
        });
    }
}
