//! Handlers that switch protocols: 101 in HTTP/1.1, extended CONNECT in HTTP/2.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use h2_sync::server::{Config, Handle, RecvHalf, Request, Response, SendHalf};
use h2_sync::{Headers, StreamId};
use http::Version;

use crate::client::Client;
use crate::frames::http1::Raw;
use crate::http1::raw;
use crate::support::{BoxError, LONG, bounded, config, gate, serve, serve_with};

const ASKS: &str =
    "GET /t HTTP/1.1\r\nhost: test\r\nconnection: keep-alive, Upgrade\r\nupgrade: x, Echo\r\n\r\n";

fn with_extended_connect() -> Config {
    config(|config| config.websockets = true)
}

fn echo_halves(mut recv: RecvHalf, mut send: SendHalf) -> Result<(), BoxError> {
    while let Some(octets) = recv.next_chunk()? {
        send.send(octets)?;
    }
    Ok(send.finish()?)
}

/// Echoes in a tunnel if asked for one. Answers other requests.
fn echo(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    if !request.asks_to_upgrade("echo") {
        write!(response, "plain")?;
        return Ok(());
    }
    response.set_header("x-a", "1")?;
    let (recv, send) = response.upgrade(request, "echo")?;
    echo_halves(recv, send)
}

fn extended_connect(protocol: &str) -> Headers {
    h2_sync::headers!(
        ":method" => "CONNECT",
        ":protocol" => protocol,
        ":scheme" => "http",
        ":authority" => "test",
        ":path" => "/t",
    )
}

/// Opens the tunnel of [`echo`] in HTTP/1.1.
fn open(server: &Handle) -> Raw {
    let mut raw = raw(server);
    raw.send(ASKS);
    assert_eq!(raw.reply().status, 101);
    raw
}

/// A client that has read the server's SETTINGS.
fn greeted(server: &Handle) -> Client {
    let mut client = Client::of(server);
    client.ping();
    client
}

fn head(client: &mut Client, stream: StreamId) -> Option<u16> {
    client.until(|client| client.so_far(stream).status().is_some());
    client.so_far(stream).status()
}

#[test]
fn request_that_asks_for_it_is_answered_with_101_and_a_tunnel() {
    bounded(|| {
        let server = serve(echo);
        let mut raw = raw(&server);
        raw.send(ASKS);
        let reply = raw.reply();
        assert_eq!(
            (reply.status, reply.field("upgrade"), reply.field("x-a")),
            (101, Some("echo"), Some("1"))
        );
        assert_eq!(reply.field("connection"), Some("upgrade"));
        assert_eq!((reply.field("content-length"), reply.field("transfer-encoding")), (None, None));
        raw.send("GET / HTTP/1.1\r\n\r\n");
        raw.end();
        assert_eq!(raw.rest(), b"GET / HTTP/1.1\r\n\r\n");
    });
}

#[test]
fn octets_in_the_same_write_as_the_request_belong_to_the_tunnel() {
    bounded(|| {
        let server = serve(echo);
        let mut raw = raw(&server);
        raw.send(format!("{ASKS}first"));
        assert_eq!(raw.reply().status, 101);
        raw.send(" second");
        raw.end();
        assert_eq!(raw.rest(), b"first second");
    });
}

#[test]
fn request_that_asks_may_be_answered_in_http_and_the_connection_goes_on() {
    bounded(|| {
        let server = serve(|request, response| {
            assert!(request.asks_to_upgrade("ECHO") && !request.asks_to_upgrade("ech"));
            write!(response, "no")?;
            Ok(())
        });
        let mut raw = raw(&server);
        for _ in 0..2 {
            raw.send(ASKS);
            assert_eq!(raw.reply().body, b"no");
        }
    });
}

#[test]
fn upgrade_counts_in_http11_alone_and_where_connection_lists_it() {
    bounded(|| {
        let server = serve(|request, response| {
            let error = response.upgrade(request, "echo").unwrap_err();
            write!(response, "{error}")?;
            Ok(())
        });
        for request in [
            "GET / HTTP/1.0\r\nhost: test\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: test\r\nupgrade: echo\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade, close\r\nupgrade: echos\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade, close\r\n\r\n",
        ] {
            let mut raw = raw(&server);
            raw.send(request);
            let reply = raw.reply();
            assert_eq!(
                (reply.status, reply.text()),
                (200, "the client has not asked for an upgrade to \"echo\"")
            );
        }
    });
}

#[test]
fn body_of_the_request_is_read_before_the_upgrade() {
    bounded(|| {
        let server = serve(|request, response| {
            let error = response.upgrade(request, "echo").unwrap_err();
            assert!(error.to_string().contains("was not read to its end"), "{error}");
            let mut body = String::new();
            request.read_to_string(&mut body)?;
            assert_eq!(body, "body");
            let (recv, send) = response.upgrade(request, "echo")?;
            echo_halves(recv, send)
        });
        let mut raw = raw(&server);
        raw.send(ASKS.replace("\r\n\r\n", "\r\ncontent-length: 4\r\n\r\nbodytunnel"));
        assert_eq!(raw.reply().status, 101);
        raw.end();
        assert_eq!(raw.rest(), b"tunnel");
    });
}

#[test]
fn halves_may_outlive_the_handler() {
    bounded(|| {
        let server = serve(|request, response| {
            let (recv, send) = response.upgrade(request, "echo")?;
            thread::spawn(move || echo_halves(recv, send).unwrap());
            Ok(())
        });
        let mut raw = open(&server);
        raw.send("hello");
        raw.end();
        assert_eq!(raw.rest(), b"hello");
    });
}

#[test]
fn handler_that_has_opened_a_tunnel_may_run_for_longer_than_others() {
    bounded(|| {
        let config = config(|config| {
            config.handler_timeout = Some(Duration::from_millis(50));
            config.websockets = true;
        });
        let (handlers, bolt) = gate();
        let server = serve_with(config, move |request, response| {
            if request.asks_to_upgrade("echo") {
                let (recv, send) = response.upgrade(request, "echo")?;
                return echo_halves(recv, send);
            }
            handlers.wait("slow");
            Ok(())
        });
        let mut tunnel = open(&server);
        let mut client = greeted(&server);
        let stream = client.open(&extended_connect("echo"), false);
        assert_eq!(head(&mut client, stream), Some(200));
        // A handler without a tunnel times out meanwhile, so the clock has passed the tunnels.
        let mut slow = raw(&server);
        slow.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        bolt.comes();
        assert_eq!(slow.rest(), b"");
        assert_eq!(server.stats().handlers_timed_out, 1);
        tunnel.send("a");
        tunnel.end();
        assert_eq!(tunnel.rest(), b"a");
        client.send(stream, "b", true);
        assert_eq!(client.reply(stream).text(), "b");
        drop(bolt);
    });
}

#[test]
fn extended_connect_is_announced_only_where_the_server_says_so() {
    bounded(|| {
        for (config, is_announced) in [(Config::default(), false), (with_extended_connect(), true)]
        {
            let server = serve_with(config, echo);
            let client = greeted(&server);
            assert_eq!(client.try_open(&extended_connect("echo")).is_some(), is_announced);
        }
    });
}

#[test]
fn extended_connect_is_answered_with_200_and_a_tunnel() {
    bounded(|| {
        let server = serve_with(with_extended_connect(), |request, response| {
            assert_eq!((request.version(), request.path()), (Version::HTTP_2, "/t"));
            echo(request, response)
        });
        let mut client = greeted(&server);
        let stream = client.open(&extended_connect("echo"), false);
        assert_eq!(head(&mut client, stream), Some(200));
        client.send(stream, "one", false);
        client.send(stream, "two", true);
        assert_eq!(client.reply(stream).text(), "onetwo");
    });
}

#[test]
fn protocol_that_the_handler_does_not_know_reaches_it() {
    bounded(|| {
        let server = serve_with(with_extended_connect(), |request, response| {
            assert!(!request.asks_to_upgrade("echo"));
            assert_eq!(request.protocol(), Some("other"));
            response.set_status(501)?;
            Ok(())
        });
        let mut client = greeted(&server);
        let stream = client.open(&extended_connect("other"), false);
        assert_eq!(head(&mut client, stream), Some(501));
    });
}

#[test]
fn server_that_shuts_down_waits_for_its_tunnels() {
    bounded(|| {
        let server = serve(echo);
        let mut raw = open(&server);
        let stops = thread::spawn(move || server.shutdown(LONG));
        raw.send("late");
        raw.end();
        assert_eq!(raw.rest(), b"late");
        assert_eq!(stops.join().unwrap().connections, 0);
    });
}

#[test]
fn tunnel_that_is_given_up_ends_its_connection() {
    bounded(|| {
        let server = serve(|request, response| {
            drop(response.upgrade(request, "echo")?);
            Ok(())
        });
        let mut raw = open(&server);
        assert_eq!(raw.rest(), b"");
    });
}
