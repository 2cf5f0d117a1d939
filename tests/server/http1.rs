//! Requests in HTTP/1.x, with the same handlers as in HTTP/2.

use std::io::{Read, Write};
use std::thread;

use h2_sync::server::{Handle, Request, Response};
use http::{HeaderMap, HeaderValue, Version};

use crate::client::Client;
use crate::frames::http1::Raw;
use crate::support::{
    BoxError, LONG, bounded, config, eventually, gate, request, serve, serve_with,
};

pub(crate) fn raw(server: &Handle) -> Raw {
    Raw::connect(server.local_addr().unwrap())
}

fn echo(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    std::io::copy(request, response)?;
    Ok(())
}

fn hello(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    write!(response, "hello {}", request.path())?;
    Ok(())
}

#[test]
fn request_looks_as_in_http2() {
    bounded(|| {
        let server = serve(|request, response| {
            let (version, id) = (request.version(), request.stream_id());
            assert_eq!((version, id), (Version::HTTP_11, None));
            assert!(request.peer_addr().is_some());
            let (path, query, host) = (request.path(), request.query(), request.authority());
            writeln!(response, "{path} {query:?} {host:?} {:?}", request.scheme())?;
            writeln!(response, "{} {:?}", request.uri(), request.field("x-a"))?;
            let names = request.fields().iter().map(|it| it.name.escape_ascii().to_string());
            write!(response, "{:?}", names.collect::<Vec<_>>())?;
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET /a%20b?c=d HTTP/1.1\r\nHost: test:81\r\nX-A: 1\r\nConnection: x\r\n\r\n");
        let expected = "/a%20b Some(\"c=d\") Some(\"test:81\") Some(\"http\")\n\
                        http://test:81/a%20b?c=d Some(\"1\")\n\
                        [\":method\", \":scheme\", \":authority\", \":path\", \"x-a\"]";
        assert_eq!(raw.reply().text(), expected);
    });
}

#[test]
fn absolute_target_is_that_of_the_request() {
    bounded(|| {
        let server = serve(|request, response| {
            write!(response, "{} {:?} {}", request.path(), request.authority(), request.uri())?;
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET http://test/x?y HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(raw.reply().text(), "/x Some(\"test\") http://test/x?y");
        raw.send("GET http://test?y HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(raw.reply().text(), "/ Some(\"test\") http://test/?y");
    });
}

#[test]
fn asterisk_is_a_target_without_a_host_in_either_version() {
    bounded(|| {
        let server = serve(|request, response| {
            let fields = request.fields();
            write!(response, "{:?} {:?} ", fields.path(), fields.authority())?;
            write!(response, "{} {}", request.uri(), request.path())?;
            Ok(())
        });
        let expected = "Some(\"*\") Some(\"test\") * *";
        let mut raw = raw(&server);
        raw.send("OPTIONS * HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(raw.reply().text(), expected);
        let reply = Client::of(&server).exchange(&request("OPTIONS", "*"), b"");
        assert_eq!(reply.text(), expected);
    });
}

#[test]
fn small_response_has_its_length_and_keeps_the_connection() {
    bounded(|| {
        let server = serve(hello);
        let mut raw = raw(&server);
        for path in ["/a", "/b"] {
            let reply = raw.get(path);
            assert_eq!((reply.status, reply.field("content-length")), (200, Some("8")));
            assert_eq!(reply.field("server"), Some("h2-sync"));
            assert!(reply.field("date").is_some() && !reply.closes());
            assert_eq!(reply.text(), format!("hello {path}"));
        }
        assert_eq!((server.stats().connections_accepted, server.stats().requests), (1, 2));
    });
}

#[test]
fn response_of_unknown_length_is_chunked_and_streams() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, response| {
            response.write_all(b"first")?;
            response.flush()?;
            at.wait("flushed");
            response.write_all(b"second")?;
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut octets = vec![0; 300];
        let mut text = String::new();
        while !text.ends_with("5\r\nfirst\r\n") {
            let n = raw.stream.read(&mut octets).unwrap();
            text += std::str::from_utf8(&octets[..n]).unwrap();
        }
        assert!(text.contains("transfer-encoding: chunked"), "{text}");
        bolt.let_one();
        let mut rest = [0; 16];
        raw.stream.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"6\r\nsecond\r\n0\r\n\r\n");
    });
}

#[test]
fn bodies_of_both_framings_reach_the_handler() {
    bounded(|| {
        let server = serve(echo);
        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(raw.reply().text(), "hello");
        let chunks = "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        raw.send(format!(
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
        ));
        assert_eq!(raw.reply().text(), "hello");
        assert_eq!(server.stats().connections_accepted, 1);
    });
}

#[test]
fn large_bodies_go_both_ways() {
    bounded(|| {
        let server = serve(echo);
        let body: Vec<u8> = (0..8_000_000u32).map(|n| (n % 251) as u8).collect();
        let mut raw = raw(&server);
        let mut writer = raw.stream.try_clone().unwrap();
        let theirs = body.clone();
        let sender = thread::spawn(move || {
            write!(
                writer,
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
                theirs.len()
            )
            .unwrap();
            writer.write_all(&theirs).unwrap();
        });
        assert!(raw.reply().body == body);
        sender.join().unwrap();
    });
}

#[test]
fn refused_request_keeps_the_connection_if_its_body_was_read() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/read" {
                std::io::copy(request, &mut std::io::sink())?;
            }
            // Not a form: answered with 415.
            request.form()?;
            Ok(response.send("")?)
        });
        let mut raw = raw(&server);
        let post = |path| format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
        for _ in 0..2 {
            raw.send(post("/read"));
            let reply = raw.reply();
            assert_eq!((reply.status, reply.closes()), (415, false));
        }
        raw.send(post("/unread"));
        assert!(raw.reply().closes());
    });
}

#[test]
fn trailers_go_to_clients_that_take_them() {
    bounded(|| {
        let server = serve(|request, response| {
            let trailers = request.trailers()?;
            let sum = trailers.as_ref().and_then(|it| it.get("x-sum")).cloned();
            response.write_all(b"body")?;
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", sum.unwrap_or(HeaderValue::from_static("none")));
            response.set_trailers(trailers);
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send(
            "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\
             transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-sum: 7\r\n\r\n",
        );
        let reply = raw.reply();
        assert_eq!((reply.text(), &reply.trailers[..]), ("body", "x-sum: 7\r\n"));
        let reply = raw.get("/");
        assert_eq!((reply.text(), reply.field("content-length")), ("body", Some("4")));
    });
}

#[test]
fn continue_is_sent_only_where_the_handler_reads() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/read" {
                return echo(request, response);
            }
            Ok(response.set_status(403)?)
        });
        let head = |path| {
            let fields = "host: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n";
            format!("POST {path} HTTP/1.1\r\n{fields}\r\n")
        };
        let mut reads = raw(&server);
        reads.send(head("/read"));
        assert_eq!(reads.reply().status, 100);
        reads.send("hi");
        assert_eq!(reads.reply().text(), "hi");
        // It is then unknown whether the client sends the body.
        let mut refuses = raw(&server);
        refuses.send(head("/refuse"));
        let reply = refuses.reply();
        assert!(reply.status == 403 && reply.closes(), "{}", reply.head);
        refuses.assert_closed();
    });
}

#[test]
fn informational_response_comes_first_and_not_in_http_1_0() {
    bounded(|| {
        let server = serve(|_, response| {
            let mut fields = HeaderMap::new();
            fields.insert("link", HeaderValue::from_static("</a>"));
            response.send_informational(103, &fields)?;
            Ok(response.write_all(b"done")?)
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let early = raw.reply();
        assert_eq!((early.status, early.field("link")), (103, Some("</a>")));
        assert_eq!(raw.reply().text(), "done");
        raw.send("GET / HTTP/1.0\r\n\r\n");
        assert_eq!(raw.reply().text(), "done");
    });
}

#[test]
fn responses_without_content_have_none() {
    bounded(|| {
        let server = serve(|request, response| {
            response.set_status(request.path()[1..].parse::<u16>()?)?;
            if request.query().is_some() {
                response.set_header("content-length", 7)?;
            }
            Ok(response.write_all(b"dropped")?)
        });
        let mut raw = raw(&server);
        raw.send("HEAD /200 HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(raw.reply_to_head().field("content-length"), Some("7"));
        for (status, length) in [(204, None), (304, None), (205, Some("0"))] {
            let reply = raw.get(&format!("/{status}"));
            assert_eq!((reply.status, reply.field("content-length")), (status, length));
            assert!(reply.body.is_empty() && reply.field("transfer-encoding").is_none());
        }
        for (status, length) in [(204, None), (304, Some("7")), (205, Some("0"))] {
            let reply = raw.get(&format!("/{status}?length"));
            assert_eq!((reply.status, reply.field("content-length")), (status, length));
            assert!(reply.body.is_empty());
        }
        assert_eq!(server.stats().connections_accepted, 1);
    });
}

#[test]
fn http_1_0_ends_the_body_by_closing_unless_it_asks_for_more() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/stream" {
                response.flush()?;
            }
            hello(request, response)
        });
        let mut closes = raw(&server);
        closes.send("GET /stream HTTP/1.0\r\n\r\n");
        let reply = closes.reply();
        assert_eq!((reply.text(), reply.field("transfer-encoding")), ("hello /stream", None));
        let mut keeps = raw(&server);
        for path in ["/a", "/b"] {
            keeps.send(format!("GET {path} HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
            let reply = keeps.reply();
            assert_eq!(reply.field("connection"), Some("keep-alive"));
            assert_eq!(reply.text(), format!("hello {path}"));
        }
        keeps.send("GET /c HTTP/1.0\r\n\r\n");
        assert!(keeps.reply().closes());
        keeps.assert_closed();
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    bounded(|| {
        let server = serve(echo);
        let mut raw = raw(&server);
        let post =
            |n: usize| format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n{n:03}");
        raw.send((0..100).map(post).collect::<String>());
        for n in 0..100 {
            assert_eq!(raw.reply().text(), format!("{n:03}"));
        }
        assert_eq!(server.stats().requests, 100);
    });
}

#[test]
fn halves_are_used_by_two_threads_and_outlive_the_handler() {
    bounded(|| {
        let server = serve(|request, response| {
            let (mut recv, mut send) = response.split(request)?;
            thread::spawn(move || {
                while let Some(data) = recv.next_chunk().unwrap() {
                    send.send(data).unwrap();
                }
                send.finish().unwrap();
            });
            Ok(())
        });
        let mut raw = raw(&server);
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        raw.send(head);
        raw.send("3\r\none\r\n");
        raw.send("3\r\ntwo\r\n0\r\n\r\n");
        assert_eq!(raw.reply().text(), "onetwo");
        // The next request waits for them.
        raw.send(format!("{head}1\r\nx\r\n0\r\n\r\n"));
        assert_eq!(raw.reply().text(), "x");
    });
}

#[test]
fn connect_begins_a_tunnel_that_each_side_may_end() {
    bounded(|| {
        let server = serve(|request, response| {
            assert_eq!((request.path(), request.authority()), ("", Some("test:443")));
            let (mut recv, mut send) = response.split(request)?;
            while let Some(data) = recv.next_chunk()? {
                send.send(data)?;
            }
            send.write_all(b" and bye")?;
            Ok(send.finish()?)
        });
        let mut raw = raw(&server);
        // Octets after the head already belong to the tunnel.
        raw.send("CONNECT test:443 HTTP/1.1\r\nhost: test:443\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        raw.send("more");
        raw.end();
        let text = String::from_utf8(raw.rest()).unwrap();
        let (head, octets) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("content-length"), "{head}");
        assert_eq!(octets, "GET / HTTP/1.1\r\n\r\nmore and bye");
        assert_eq!(server.stats().requests, 1);
    });
}

#[test]
fn client_that_closes_cancels_its_request() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, _| {
            assert!(!request.is_cancelled());
            at.wait("asked");
            assert!(request.wait_cancelled(LONG));
            at.wait("cancelled");
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(bolt.comes(), "asked");
        drop(raw);
        bolt.let_one();
        assert_eq!(bolt.comes(), "cancelled");
        bolt.open();
    });
}

#[test]
fn client_that_sends_nothing_more_gets_the_whole_response() {
    bounded(|| {
        let server = serve(|request, response| {
            while let Some(piece) = request.next_chunk()? {
                response.send(piece)?;
                // With nothing to send.
                response.flush()?;
                response.flush()?;
            }
            Ok(())
        });
        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
        raw.send("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
        raw.end();
        assert_eq!(raw.reply().body, b"abcdef");
        assert!(raw.reply_if_any().is_none());
    });
}

#[test]
fn pushes_are_refused_and_the_response_goes_on() {
    bounded(|| {
        let server = serve(|_, response| {
            assert!(!response.can_push());
            let request = http::Request::get("http://a/b").body(()).unwrap();
            assert!(response.push(&request).unwrap_err().to_string().contains("HTTP/1.x"));
            Ok(response.write_all(b"fine")?)
        });
        assert_eq!(raw(&server).get("/").text(), "fine");
    });
}

#[test]
fn wait_for_a_permit_ends_with_503() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers = 1;
            config.max_waiting_handlers = 0;
            config.queue_timeout = std::time::Duration::from_millis(20);
        });
        let server = serve_with(config, move |_, _| {
            at.wait("runs");
            Ok(())
        });
        let mut first = raw(&server);
        first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        bolt.comes();
        let mut second = raw(&server);
        let reply = second.get("/");
        assert!(reply.status == 503 && reply.closes(), "{}", reply.head);
        assert_eq!(server.stats().requests_refused, 1);
        bolt.open();
        assert_eq!(first.reply().status, 200);
        assert_eq!(first.get("/").status, 200);
        eventually(|| server.stats().handlers_running == 0);
    });
}

#[test]
fn permit_that_becomes_free_is_handed_to_a_connection_that_waits() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| config.max_handlers = 1);
        let server = serve_with(config, move |request, _| {
            at.wait(request.path());
            Ok(())
        });
        let mut raws: Vec<_> = (0..4).map(|_| raw(&server)).collect();
        for raw in &mut raws {
            raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        }
        for _ in 0..4 {
            bolt.comes();
            bolt.let_one();
        }
        for raw in &mut raws {
            assert_eq!(raw.reply().status, 200);
        }
    });
}

#[cfg(feature = "tls")]
#[test]
fn tls_without_alpn_and_with_http1_is_served() {
    use h2_sync::server::Server;
    use h2_sync::tls::{Acceptor, Connector};

    bounded(|| {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor);
        let server = server
            .serve(|request, response| {
                assert!(request.tls().is_some());
                let (version, scheme) = (request.version(), request.scheme());
                write!(response, "{version:?} {scheme:?}")
            })
            .unwrap();
        for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
            let connector = Connector::with_only_roots(cert.as_bytes()).unwrap();
            let mut config = connector.config().as_ref().clone();
            config.alpn_protocols = protocols;
            let stream = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
            let connector = Connector::from_config(config);
            let error = connector.connect("localhost", stream, LONG).unwrap_err();
            let mut stream = error.into_stream().expect("TLS is there");
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert!(text.ends_with("HTTP/1.1 Some(\"https\")"), "{text}");
        }
    });
}
