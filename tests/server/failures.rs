//! Handlers that fail, and clients that fail during a handler.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2_sync::frame::{Frame, Setting};
use h2_sync::{Error, ErrorCode, ErrorKind};

use crate::client::{Client, Reply};
use crate::peer::Peer;
use crate::support::{BoxError, bounded, config, eventually, gate, get, post, serve, serve_with};

const SECRET: &str = "the password is 12345";

fn assert_500(reply: &Reply) {
    assert_eq!((reply.status(), reply.is_complete), (Some(500), true), "{reply:?}");
    assert!(reply.body.is_empty());
    assert!(!format!("{:?}", reply.head).contains("12345"));
    assert_eq!(reply.head.get("x"), None, "a field of the response that failed");
}

/// RFC 9113, Section 6.5.2: the limit is the client's, and the code says that one was passed.
#[test]
fn a_response_over_the_clients_limit_is_an_error_and_then_a_reset() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/trailers" {
                let mut trailers = http::HeaderMap::new();
                trailers.insert("x", http::HeaderValue::from_str(&"y".repeat(900))?);
                response.set_trailers(trailers);
            } else {
                response.set_header("x", "y".repeat(900))?;
            }
            Ok(())
        });
        // Room for the header section of a 500, then not even for that.
        for (limit, path, expected) in
            [(300, "/", None), (300, "/trailers", Some(())), (40, "/", Some(()))]
        {
            let mut peer = Peer::with(&server, vec![Setting::MaxHeaderListSize(limit)]);
            let id = peer.open(&get(path), true);
            let code = peer.until(|frame| match frame {
                Frame::RstStream(frame) => Some(Some(frame.error_code)),
                Frame::Headers(frame) if frame.end_stream => Some(None),
                _ => None,
            });
            assert_eq!(code, expected.map(|()| ErrorCode::EnhanceYourCalm), "{limit} {path} {id}");
        }
    });
}

#[test]
fn an_error_before_the_header_section_is_500_without_detail() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_header("x", "1")?;
            response.write_all(b"half of it")?;
            response.set_trailers(Default::default());
            Err(SECRET.into())
        });
        assert_500(&Client::of(&server).fetch("/"));
        assert_eq!(server.stats().handlers_failed, 1);
    });
}

#[test]
fn a_panic_before_the_header_section_is_500_without_detail() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_header("x", "1")?;
            response.write_all(b"half of it")?;
            panic!("{SECRET}")
        });
        assert_500(&Client::of(&server).fetch("/"));
        assert_eq!(server.stats().handlers_panicked, 1);
    });
}

#[test]
fn an_error_or_a_panic_after_the_header_section_resets_the_stream() {
    bounded(|| {
        let server = serve(|request, response| {
            response.write_all(b"half of it")?;
            response.flush()?;
            match request.path() {
                "/panic" => panic!("{SECRET}"),
                _ => Err(SECRET.into()),
            }
        });
        let mut client = Client::of(&server);
        for path in ["/fail", "/panic"] {
            let reply = client.fetch(path);
            assert_eq!(reply.reset, Some(ErrorCode::InternalError), "{path}: {reply:?}");
            assert!(!reply.is_complete);
        }
    });
}

/// A response reuses the memory of the previous one on the same thread. Requests that arrive in one
/// write are handled one after the other.
#[test]
fn octets_of_a_failed_response_are_not_in_another_one() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() != "/fails" {
                return Ok(response.send("hello")?);
            }
            response.flush()?;
            response.write_all(SECRET.as_bytes())?;
            Err("it fails".into())
        });
        let mut peer = Peer::of(&server);
        let mut octets = Vec::new();
        let ids: Vec<_> = ["/fails", "/"]
            .into_iter()
            .cycle()
            .take(20)
            .map(|path| {
                let (id, opening) = peer.opening(&get(path), true);
                octets.extend(opening);
                id
            })
            .collect();
        peer.write(&octets);
        let mut whole = 0;
        while whole < ids.len() / 2 {
            peer.until(|frame| match frame {
                Frame::Data(frame) => {
                    assert_eq!(frame.data, "hello");
                    whole += 1;
                    Some(())
                }
                _ => None,
            });
        }
    });
}

/// The same for one that was reset before it was written.
#[test]
fn an_abandoned_response_leaves_nothing_in_the_next_one() {
    bounded(|| {
        let (at, bolt) = gate();
        // One permit, so that the next handler runs after this one.
        let server =
            serve_with(config(|config| config.max_handlers = 1), move |request, response| {
                if request.path() == "/" {
                    return Ok(response.send("hello")?);
                }
                at.wait("handler");
                Ok(response.send(SECRET)?)
            });
        let mut client = Client::of(&server);
        for _ in 0..20 {
            let id = client.get("/reset");
            bolt.comes();
            client.reset(id, ErrorCode::Cancel);
            // Its answer shows that the server has received the reset.
            client.ping();
            let next = client.get("/");
            bolt.let_one();
            assert_eq!(client.reply(next).text(), "hello");
        }
    });
}

#[test]
fn other_streams_and_the_connection_go_on() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            match request.path() {
                "/waits" => at.wait("handler"),
                "/panic" => panic!("{SECRET}"),
                "/fail" => return Err(SECRET.into()),
                _ => {}
            }
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let waits = client.get("/waits");
        bolt.comes();
        assert_eq!(client.fetch("/panic").status(), Some(500));
        assert_eq!(client.fetch("/fail").status(), Some(500));
        assert_eq!(client.fetch("/").text(), "hello");
        bolt.open();
        assert_eq!(client.reply(waits).text(), "hello");
        assert_eq!(server.stats().connections_accepted, 1);
    });
}

#[test]
fn panic_in_drop_fails_only_its_request() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("dropped");
            }
        }
    }
    #[derive(Debug)]
    struct Fails(#[allow(dead_code, reason = "it is there to be dropped")] Arc<Mutex<u8>>);
    impl std::fmt::Display for Fails {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    impl std::error::Error for Fails {}

    bounded(|| {
        let one = config(|config| config.max_handlers = 1);
        let server = serve_with(one, |request, _| match request.path() {
            "/bomb" => {
                // Extensions must be `Clone`.
                request.extensions_mut().insert(Arc::new(Bomb));
                Ok(())
            }
            "/mute" => Err(Box::new(Fails(Default::default())) as BoxError),
            _ => Ok(()),
        });
        let mut client = Client::of(&server);
        for _ in 0..3 {
            client.fetch("/bomb");
            client.fetch("/mute");
            assert_eq!(client.fetch("/").status(), Some(200));
        }
        assert_eq!(server.stats().connections_accepted, 1);
        eventually(|| server.stats().handlers_running == 0);
    });
}

#[test]
fn a_header_section_that_cannot_be_sent_is_500() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.set_header("content-length", 10)?));
        assert_500(&Client::of(&server).fetch("/"));
    });
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_does_not_look_whole() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_header("content-length", 10)?;
            Ok(response.write_all(b"hello")?)
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!((reply.reset, reply.is_complete), (Some(ErrorCode::InternalError), false));
    });
}

#[test]
fn a_body_over_the_limit_of_read_to_end_is_413() {
    bounded(|| {
        let small = config(|config| config.max_body = 10);
        let server = serve_with(small, |request, response| {
            if request.path() == "/string" {
                let error = request.read_to_string(&mut String::new()).unwrap_err();
                return Err(error.into());
            }
            if request.path() == "/own" {
                request.set_max_body(11);
            }
            let mut body = Vec::new();
            request.read_to_end(&mut body)?;
            Ok(response.write_all(&body)?)
        });
        let mut client = Client::of(&server);
        assert_eq!(client.exchange(&post("/"), b"12345678901").status(), Some(413));
        assert_eq!(client.exchange(&post("/string"), b"12345678901").status(), Some(413));
        assert_eq!(client.exchange(&post("/"), b"1234567890").text(), "1234567890");
        assert_eq!(client.exchange(&post("/own"), b"12345678901").text(), "12345678901");
    });
}

#[test]
fn a_body_that_does_not_come_in_time_is_408() {
    bounded(|| {
        let short = config(|config| config.read_timeout = Some(Duration::from_millis(5)));
        let server = serve_with(short, |request, _| {
            let error = request.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            Err(error.into())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        assert_eq!(client.reply(id).status(), Some(408));
    });
}

#[test]
fn a_read_that_has_timed_out_can_be_tried_again() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            request.set_read_timeout(Some(Duration::from_millis(1)));
            assert!(Error::from(request.read(&mut [0; 10]).unwrap_err()).is_timeout());
            at.wait("handler");
            request.set_read_timeout(None);
            io::copy(request, response)?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        bolt.comes();
        client.send(id, "hello", true);
        bolt.open();
        assert_eq!(client.reply(id).text(), "hello");
    });
}

/// A handler learns of a reset, on the leader and on another thread.
fn sees_the_reset(
    act: impl Fn(&mut h2_sync::server::Request, &mut h2_sync::server::Response) -> io::Result<()>
    + Send
    + Sync
    + 'static,
) {
    let (sender, errors) = crossbeam_channel::unbounded();
    let (at, bolt) = gate();
    let server = serve(move |request, response| {
        if request.path() == "/other" {
            at.wait("other");
            return Ok(());
        }
        response.flush()?;
        let error = loop {
            match act(request, response) {
                Ok(()) => std::thread::yield_now(),
                Err(error) => break Error::from(error),
            }
        };
        sender.send(error.clone()).unwrap();
        Err(error.into())
    });
    let mut client = Client::of(&server);
    for other in [false, true] {
        if other {
            // The leader is busy.
            client.get("/other");
            bolt.comes();
        }
        let id = client.post("/");
        client.until(|client| client.so_far(id).status().is_some());
        client.reset(id, ErrorCode::Cancel);
        let error = errors.recv_timeout(crate::support::LONG).unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Reset, Some(ErrorCode::Cancel)));
    }
    bolt.open();
}

#[test]
fn a_reset_is_seen_by_the_next_read() {
    bounded(|| sees_the_reset(|request, _| request.read(&mut [0; 100]).map(drop)));
}

#[test]
fn a_reset_is_seen_by_the_next_write() {
    bounded(|| {
        sees_the_reset(|_, response| {
            response.write_all(b"tick")?;
            response.flush()
        });
    });
}

#[test]
fn a_client_that_goes_away_is_seen_by_a_handler_that_waits() {
    bounded(|| {
        let (sender, errors) = crossbeam_channel::unbounded();
        let server = serve(move |request, response| {
            response.flush()?;
            let error = Error::from(request.read(&mut [0; 100]).unwrap_err());
            sender.send(error.kind()).unwrap();
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.until(|client| client.so_far(id).status().is_some());
        drop(client);
        assert_eq!(errors.recv_timeout(crate::support::LONG).unwrap(), ErrorKind::Closed);
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn a_request_that_breaks_a_rule_after_its_start_ends_in_an_error_of_the_read() {
    bounded(|| {
        let (sender, errors) = crossbeam_channel::unbounded();
        let (at, bolt) = gate();
        let server = serve(move |request, _| {
            at.wait("handler");
            let error = Error::from(request.read_to_end(&mut Vec::new()).unwrap_err());
            sender.send(error.kind()).unwrap();
            Ok(())
        });
        let mut peer = Peer::of(&server);
        let id = peer.open(&post("/").with("content-length", "3"), false);
        bolt.comes();
        bolt.open();
        peer.send_data(id, "hello", true);
        assert_eq!(errors.recv_timeout(crate::support::LONG).unwrap(), ErrorKind::Reset);
    });
}
