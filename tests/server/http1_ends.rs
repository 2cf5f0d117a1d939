//! The ends of HTTP/1.x connections: unread bodies, faults, timeouts, shutdown.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use h2_sync::server::Config;

use crate::http1::raw;
use crate::support::{LONG, bounded, config, eventually, gate, serve, serve_with};

const SHORT: Duration = Duration::from_millis(30);

#[test]
fn small_rest_of_a_body_is_dropped_and_the_connection_goes_on() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n");
        raw.send(vec![0; 100_000]);
        assert!(!raw.reply().closes());
        assert_eq!(raw.get("/").status, 200);
        assert_eq!(server.stats().connections_accepted, 1);
    });
}

#[test]
fn large_rest_of_a_body_closes_and_the_response_can_be_read() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(b"enough")?));
        let mut raw = raw(&server);
        raw.send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 8 << 20));
        // More than the sockets buffer, so that the server has to read it.
        raw.send(vec![0; 6 << 20]);
        let reply = raw.reply();
        assert!(reply.closes(), "{}", reply.head);
        assert_eq!(reply.text(), "enough");
        raw.assert_closed();
    });
}

#[test]
fn last_octets_of_a_tunnel_can_be_read_whatever_the_client_has_sent() {
    bounded(|| {
        let server = serve(|request, response| {
            let (_recv, mut send) = response.split(request)?;
            send.send("bye")?;
            Ok(send.finish()?)
        });
        let mut raw = raw(&server);
        raw.send("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
        raw.send(vec![0; 100_000]);
        let mut answer = Vec::new();
        raw.stream.read_to_end(&mut answer).expect("the end is no reset");
        assert!(answer.ends_with(b"\r\n\r\nbye"), "{}", answer.escape_ascii());
    });
}

#[test]
fn handler_that_fails_is_a_500_and_one_that_panics_ends_the_connection() {
    bounded(|| {
        let server = serve(|request, _| match request.path() {
            "/fail" => Err("it fails".into()),
            "/panic" => panic!("it panics"),
            _ => Ok(()),
        });
        let mut raw = raw(&server);
        let reply = raw.get("/fail");
        assert!(reply.status == 500 && !reply.closes(), "{}", reply.head);
        assert_eq!(raw.get("/").status, 200);
        let reply = raw.get("/panic");
        assert!(reply.status == 500 && reply.closes(), "{}", reply.head);
        raw.assert_closed();
        let stats = server.stats();
        assert_eq!((stats.handlers_failed, stats.handlers_panicked), (1, 1));
    });
}

#[test]
fn response_that_fails_in_the_middle_does_not_look_complete() {
    bounded(|| {
        let server = serve(|_, response| {
            response.write_all(b"a part")?;
            response.flush()?;
            Err("it fails".into())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let text = String::from_utf8(raw.rest()).unwrap();
        assert!(text.contains("6\r\na part\r\n") && !text.ends_with("0\r\n\r\n"), "{text}");
    });
}

#[test]
fn content_length_that_the_handler_does_not_keep_is_a_fault() {
    bounded(|| {
        let server = serve(|request, response| {
            response.set_header("content-length", "5")?;
            let body: &[u8] = if request.path() == "/right" { b"right" } else { b"wrong length" };
            Ok(response.write_all(body)?)
        });
        let mut raw = raw(&server);
        assert_eq!(raw.get("/right").text(), "right");
        assert_eq!(raw.get("/wrong").status, 500);
    });
}

#[test]
fn body_over_the_limit_is_a_413_and_one_that_is_malformed_a_400() {
    bounded(|| {
        let config = config(|config| config.max_body = 10);
        let server = serve_with(config, |request, _| {
            request.read_to_end(&mut Vec::new())?;
            Ok(())
        });
        let post = |fields: &str, body: &str| {
            let mut raw = raw(&server);
            raw.send(format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n{body}"));
            let reply = raw.reply();
            assert!(reply.closes(), "{}", reply.head);
            raw.assert_closed();
            reply.status
        };
        assert_eq!(post("content-length: 11", "hello world"), 413);
        assert_eq!(post("transfer-encoding: chunked", "x\r\n"), 400);
        assert_eq!(post("transfer-encoding: chunked", "2\r\nabc\r\n0\r\n\r\n"), 400);
    });
}

#[test]
fn limits_of_the_codec_are_those_of_the_configuration() {
    bounded(|| {
        let config = config(|config| {
            config.http1.max_head_size = 200;
            config.http1.max_request_line = 50;
            config.http1.max_fields = 3;
            config.http1.max_body_size = Some(5);
        });
        let server = serve_with(config, |_, _| Ok(()));
        let status = |text: String| {
            let mut raw = raw(&server);
            raw.send(text);
            let reply = raw.reply();
            assert_eq!(reply.closes(), reply.status != 200, "{}", reply.head);
            reply.status
        };
        let get =
            |path: &str, fields: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        assert_eq!(status(get("/", "")), 200);
        assert_eq!(status(get(&format!("/{}", "a".repeat(50)), "")), 414);
        assert_eq!(status(get("/", &format!("a: {}\r\n", "b".repeat(200)))), 431);
        assert_eq!(status(get("/", "a: b\r\nc: d\r\ne: f\r\n")), 431);
        assert_eq!(status(get("/", "content-length: 6\r\n")), 413);
        assert_eq!(server.stats().requests, 1);
    });
}

#[test]
fn head_that_comes_too_slowly_is_a_408() {
    bounded(|| {
        let config = config(|config| config.http2.header_timeout = Some(SHORT));
        let server = serve_with(config, |_, _| Ok(()));
        let mut raw = raw(&server);
        assert_eq!(raw.get("/").status, 200);
        raw.send("GET / HTTP/1.1\r\nhost: ");
        let reply = raw.reply();
        assert!(reply.status == 408 && reply.closes(), "{}", reply.head);
        raw.assert_closed();
    });
}

#[test]
fn connection_that_is_idle_for_too_long_is_closed_without_a_word() {
    bounded(|| {
        let config = config(|config| config.http2.idle_timeout = Some(SHORT));
        let server = serve_with(config, |_, _| Ok(()));
        let mut raw = raw(&server);
        assert_eq!(raw.get("/").status, 200);
        raw.assert_closed();
    });
}

#[test]
fn body_that_stops_coming_is_a_408() {
    bounded(|| {
        let config = config(|config| config.read_timeout = Some(SHORT));
        let server = serve_with(config, |request, _| {
            request.read_to_end(&mut Vec::new())?;
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe");
        let reply = raw.reply();
        assert!(reply.status == 408 && reply.closes(), "{}", reply.head);
        eventually(|| server.stats().connections == 1);
    });
}

#[test]
fn client_that_does_not_read_is_cut() {
    bounded(|| {
        let config = config(|config| config.http2.stall_timeout = Some(Duration::from_millis(300)));
        let (at, bolt) = gate();
        let server = serve_with(config, move |_, response| {
            let result = std::iter::repeat_with(|| response.send(vec![0; 1 << 20]));
            let error = result.take(1_000).find_map(Result::err).expect("the client does not read");
            at.wait(&error.is_timeout().to_string());
            Err(error.into())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(bolt.comes(), "true");
        bolt.open();
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn handler_that_takes_too_long_costs_its_connection() {
    bounded(|| {
        let config = config(|config| config.handler_timeout = Some(SHORT));
        let (at, bolt) = gate();
        let server = serve_with(config, move |request, _| {
            if request.path() == "/slow" {
                at.wait("slow");
            }
            Ok(())
        });
        let mut raw = raw(&server);
        assert_eq!(raw.get("/").status, 200);
        raw.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
        raw.assert_closed();
        assert_eq!(server.stats().handlers_timed_out, 1);
        bolt.open();
    });
}

#[test]
fn shutdown_closes_idle_connections_and_finishes_requests() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/slow" {
                at.wait("slow");
            }
            Ok(response.write_all(b"done")?)
        });
        let (mut idle, mut busy) = (raw(&server), raw(&server));
        assert_eq!(idle.get("/").text(), "done");
        busy.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
        bolt.comes();
        let ending = std::thread::spawn(move || server.shutdown(LONG));
        idle.assert_closed();
        bolt.open();
        let reply = busy.reply();
        assert!(reply.text() == "done" && reply.closes(), "{}", reply.head);
        busy.assert_closed();
        let cut = ending.join().unwrap();
        assert_eq!((cut.connections, cut.requests), (0, 0));
    });
}

#[test]
fn shutdown_aborts_requests_after_its_timeout() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("hangs");
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        bolt.comes();
        let ending = std::thread::spawn(move || server.shutdown(SHORT));
        raw.assert_closed();
        bolt.open();
        let cut = ending.join().unwrap();
        assert_eq!((cut.connections, cut.requests), (1, 1));
    });
}

#[test]
fn request_in_line_for_a_handler_is_not_answered_after_the_cut() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers = 1;
            config.max_waiting_handlers = 0;
            config.queue_timeout = 100 * LONG;
        });
        let server = serve_with(config, move |request, _| {
            at.wait(request.path());
            Ok(())
        });
        let mut runs = raw(&server);
        runs.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(bolt.comes(), "/1");
        let mut waits = raw(&server);
        waits.send("GET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
        eventually(|| server.stats().connections == 2);
        let cut = server.shutdown(SHORT);
        assert_eq!(cut.connections, 2);
        // Only the connection of the running handler is left.
        eventually(|| server.stats().connections == 1);
        bolt.let_one();
        eventually(|| server.stats().connections == 0);
        assert_eq!((bolt.has_come(), server.stats().requests), (None, 1));
    });
}

#[test]
fn handler_can_end_the_connection_after_its_response() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.close_connection()?));
        let mut raw = raw(&server);
        assert!(raw.get("/").closes());
        raw.assert_closed();
    });
}

#[test]
fn connection_that_has_reached_its_age_ends_after_a_response() {
    bounded(|| {
        let config = config(|config| config.max_age = Some(SHORT));
        let server = serve_with(config, |_, _| Ok(()));
        let mut raw = raw(&server);
        let begin = Instant::now();
        while let Some(reply) = {
            raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
            raw.reply_if_any()
        } {
            assert!(begin.elapsed() < LONG);
            if reply.closes() {
                break;
            }
        }
        raw.rest();
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn connections_are_bounded_in_both_versions() {
    bounded(|| {
        let server = serve_with(config(|config| config.max_connections = 1), |_, _| Ok(()));
        let mut first = raw(&server);
        assert_eq!(first.get("/").status, 200);
        let mut second = raw(&server);
        second.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(server.stats().connections, 1);
        drop(first);
        assert_eq!(second.reply().status, 200);
    });
}

#[test]
fn feeding_does_not_wait_for_a_client_that_does_not_read() {
    use h2_sync::server::TrySendError;

    bounded(|| {
        let (there, here) = std::sync::mpsc::channel();
        let there = std::sync::Mutex::new(there);
        let server = serve_with(Config::default(), move |request, response| {
            let (_, send) = response.split(request)?;
            there.lock().unwrap().send(send)?;
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut send = here.recv_timeout(LONG).unwrap();
        let piece = bytes::Bytes::from(vec![7; 100_000]);
        let mut sent = 0;
        while match send.try_send(piece.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(back)) => back != piece,
            Err(error) => panic!("{error}"),
        } {
            sent += piece.len();
        }
        let reader = std::thread::spawn(move || raw.reply().body.len());
        while send.finish().is_err_and(|error| error.is_timeout()) {}
        drop(send);
        assert_eq!(reader.join().unwrap(), sent);
    });
}

#[test]
fn version_or_coding_that_is_not_known_is_refused_on_a_fresh_connection() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(b"served")?));
        let coded =
            |coding| format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {coding}\r\n\r\n");
        let empty = "0\r\n\r\n";
        for (request, status) in [
            ("GET / HTTP/1.2\r\nhost: a\r\n\r\n".to_owned(), 505),
            ("GET / HTTP/1.9\r\nhost: a\r\n\r\n".to_owned(), 505),
            (coded("gzip, chunked") + empty, 501),
            (coded("x, chunked") + empty, 501),
            // The honest twins.
            ("GET / HTTP/1.0\r\n\r\n".to_owned(), 200),
            (coded("Chunked") + empty, 200),
        ] {
            let mut raw = raw(&server);
            raw.send(&request);
            let reply = raw.reply();
            assert_eq!(reply.status, status, "{request}");
            if status != 200 {
                assert!(reply.closes(), "{}", reply.head);
                raw.assert_closed();
            }
        }
        assert_eq!(server.stats().requests, 2);
    });
}

#[cfg(feature = "tls")]
#[test]
fn client_that_is_silent_behind_tls_is_given_up_as_in_clear_text() {
    use h2_sync::server::Server;
    use h2_sync::tls::{Acceptor, Connector};

    bounded(|| {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
        let config = config(|config| {
            config.handshake_timeout = Duration::from_secs(2);
            config.http2.idle_timeout = None;
        });
        let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor).config(config);
        let server = server.serve(|_, response| response.write_all(b"hello")).unwrap();
        let connect = || {
            let connector = Connector::with_only_roots(cert.as_bytes()).unwrap();
            let mut config = connector.config().as_ref().clone();
            config.alpn_protocols.clear();
            let stream = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
            let connected = Connector::from_config(config).connect("localhost", stream, LONG);
            connected.unwrap_err().into_stream().expect("TLS is there")
        };
        let mut served = connect();
        let mut hello = || {
            served.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            let mut text = String::new();
            while !text.ends_with("hello") {
                let mut octets = [0; 1000];
                let n = served.read(&mut octets).unwrap();
                assert!(n > 0, "cut: {text}");
                text += std::str::from_utf8(&octets[..n]).unwrap();
            }
        };
        hello();
        let mut silent = connect();
        assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
        // After its first request, a connection may be idle for longer.
        hello();
    });
}
