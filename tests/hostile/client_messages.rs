//! Responses that the client did not request, or that contradict their header section.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use h2_sync::{ErrorCode, ErrorKind, headers};

use crate::client_stage::{Asked, Stage, assert_failed, assert_reset, next_request};
use crate::memory::{KIB, MIB, bounded, measured};
use crate::support::{Peer, wire};

/// The server's response must reset the stream with this code, while the connection continues.
fn resets(
    stage: &Stage,
    peer: &mut Peer,
    asked: Asked,
    code: ErrorCode,
    says: impl Fn(u32) -> Vec<u8>,
) {
    let id = next_request(peer);
    peer.write(says(id.get()));
    assert_eq!(peer.until_reset(id), code);
    assert_reset(asked, code);
    stage.serves_the_neighbour();
}

fn all_reset(says: &[&dyn Fn(u32) -> Vec<u8>]) {
    let stage = Stage::new();
    let mut peer = stage.has_met();
    for says in says {
        resets(&stage, &mut peer, stage.gets(), ErrorCode::ProtocolError, says);
    }
    stage.goes_on(&mut peer);
}

fn with_length(length: &str) -> Vec<u8> {
    wire::and(wire::ok(), &[("content-length", length)])
}

#[test]
fn a_body_that_contradicts_its_content_length_resets_its_stream() {
    bounded(|| {
        all_reset(&[
            // Too much, at once or at the end.
            &|id| [wire::headers(id, 4, with_length("3")), wire::data(id, 0, "four")].concat(),
            &|id| {
                let head = wire::headers(id, 4, with_length("3"));
                [head, wire::data(id, 0, "abc"), wire::data(id, 1, "d")].concat()
            },
            // Too little, ended in either way.
            &|id| [wire::headers(id, 4, with_length("5")), wire::data(id, 1, "four")].concat(),
            &|id| wire::headers(id, wire::END, with_length("5")),
            &|id| {
                let head = wire::headers(id, 4, with_length("5"));
                let trailers = wire::headers(id, wire::END, wire::block(&[("a", "b")]));
                [head, wire::data(id, 0, "four"), trailers].concat()
            },
            // Two different values; values that are not numbers.
            &|id| {
                let two = wire::and(with_length("4"), &[("content-length", "5")]);
                [wire::headers(id, 4, two), wire::data(id, 1, "four")].concat()
            },
            &|id| wire::headers(id, 4, with_length("-1")),
            &|id| wire::headers(id, 4, with_length("99999999999999999999")),
            &|id| wire::headers(id, 4, with_length("")),
        ]);
    });
}

#[test]
fn a_truncated_body_never_looks_complete() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.asks(|client, url| {
            let mut response = client.get(url).send()?;
            let mut octets = Vec::new();
            let error = response.read_to_end(&mut octets).expect_err("the body is truncated");
            Ok((octets, h2_sync::Error::from(error)))
        });
        let (mut peer, id) = stage.meets();
        peer.write(wire::headers(id.get(), 4, with_length("10")));
        peer.send_data(id, "four", false);
        peer.shut();
        let (octets, error) = asked.join().unwrap().unwrap();
        assert_eq!((&octets[..], error.kind()), (&b"four"[..], ErrorKind::Closed), "{error}");
        stage.begins_anew();
    });
}

#[test]
fn a_body_in_a_response_without_content_resets_its_stream() {
    bounded(|| {
        for status in ["204", "304"] {
            all_reset(&[&|id| {
                [wire::headers(id, 4, wire::status(status)), wire::data(id, 1, "four")].concat()
            }]);
        }
        let stage = Stage::new();
        let head = |stage: &Stage| {
            stage.asks(|client, url| client.request(http::Method::HEAD, url).send()?.text())
        };
        let asked = head(&stage);
        let (mut peer, id) = stage.meets();
        // A length without a body is valid here.
        peer.write(wire::headers(id.get(), wire::END, with_length("5")));
        assert_eq!(asked.join().unwrap().unwrap(), "");
        resets(&stage, &mut peer, head(&stage), ErrorCode::ProtocolError, |id| {
            [wire::headers(id, 4, with_length("4")), wire::data(id, 1, "four")].concat()
        });
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_response_that_is_malformed_resets_its_stream() {
    bounded(|| {
        let trailers = |fields: &[(&str, &str)], flags| {
            let block = wire::block(fields);
            move |id| {
                let head = wire::headers(id, 4, wire::ok());
                [head, wire::headers(id, flags, &block)].concat()
            }
        };
        all_reset(&[
            &|id| wire::data(id, 0, "before HEADERS"),
            &|id| wire::headers(id, wire::END, wire::block(&[("a", "b")])),
            &|id| wire::headers(id, wire::END, wire::status("20")),
            &|id| wire::headers(id, wire::END, wire::status("2000")),
            &|id| wire::headers(id, wire::END, wire::status("ok!")),
            &|id| wire::headers(id, wire::END, [wire::ok(), wire::ok()].concat()),
            &|id| wire::headers(id, wire::END, wire::get()),
            &|id| wire::headers(id, wire::END, wire::and(wire::ok(), &[("connection", "close")])),
            &|id| wire::headers(id, wire::END, wire::and(wire::ok(), &[("a", "b\r\nc: d")])),
            // An interim response with END_STREAM.
            &|id| wire::headers(id, wire::END, wire::status("103")),
            // RFC 9113, Section 8.6: HTTP/2 has no 101.
            &|id| wire::headers(id, wire::END_HEADERS, wire::status("101")),
            &trailers(&[(":status", "200")], wire::END),
            &trailers(&[("a", "b")], wire::END_HEADERS),
        ]);
    });
}

/// The server's output must end the connection while the client waits for its response.
fn ends(code: ErrorCode, says: impl Fn(u32) -> Vec<u8>) {
    let stage = Stage::new();
    let asked = stage.gets();
    let (mut peer, id) = stage.meets();
    peer.answer(id, 200, "hello");
    assert_eq!(asked.join().unwrap().unwrap(), "hello");
    let asked = stage.gets();
    let next = next_request(&mut peer);
    assert_eq!((id.get(), next.get()), (1, 3));
    peer.write(says(next.get()));
    peer.expect_goaway(code);
    assert_failed(asked, ErrorKind::Peer, code);
    stage.begins_anew();
}

#[test]
fn unrequested_responses_end_the_connection() {
    bounded(|| {
        // On streams that were never opened or promised.
        for id in [5, 7, 2, 0x7fff_ffff, 0] {
            ends(ErrorCode::ProtocolError, |_| wire::headers(id, wire::END, wire::ok()));
            ends(ErrorCode::ProtocolError, |_| wire::data(id, 0, "hello"));
        }
        for id in [5, 2] {
            ends(ErrorCode::ProtocolError, |_| wire::rst_stream(id, 8));
            ends(ErrorCode::ProtocolError, |_| wire::window_update(id, 1));
        }
        // On a closed stream.
        ends(ErrorCode::StreamClosed, |_| wire::headers(1, wire::END, wire::ok()));
        ends(ErrorCode::StreamClosed, |_| wire::data(1, 0, "more"));
        // Frames that only clients may send.
        ends(ErrorCode::ProtocolError, |id| wire::priority_update(id, "u=0"));
    });
}

#[test]
fn a_second_response_ends_the_connection_and_leaves_the_first() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.write(wire::headers(id.get(), wire::END, wire::ok()).repeat(2));
        peer.expect_goaway(ErrorCode::StreamClosed);
        assert_eq!(asked.join().unwrap().unwrap(), "");
        stage.begins_anew();
    });
}

#[test]
fn redirects_without_end_are_given_up() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, mut id) = stage.meets();
        // Each with an unread body that is longer than the window.
        for n in 0..11 {
            let location = format!("/{n}");
            peer.send_headers(id, &headers!(":status" => "302", "location" => location), false);
            peer.send_data(id, vec![7; 16 * KIB], false);
            assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
            if n < 10 {
                id = next_request(&mut peer);
            }
        }
        let error = asked.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Peer, "{error}");
        assert!(error.to_string().contains("10 redirects"), "{error}");
        measured.assert_peak(2 * MIB);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn refusals_without_end_are_given_up() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.reset(id, ErrorCode::RefusedStream);
        for _ in 0..3 {
            let id = next_request(&mut peer);
            peer.reset(id, ErrorCode::RefusedStream);
        }
        assert_reset(asked, ErrorCode::RefusedStream);
        // A connection that only refuses requests is retired.
        peer.expect_goaway(ErrorCode::NoError);
        stage.begins_anew();
    });
}

#[test]
fn connections_with_goaway_before_each_request_are_given_up() {
    bounded(|| {
        let stage = Stage::with(|config| config.max_retries = 1);
        let asked = stage.gets();
        // Eight times as often as a refusal.
        let peers: Vec<_> = (0..9)
            .map(|_| {
                let (mut peer, _) = stage.meets();
                peer.goaway(h2_sync::StreamId::CONNECTION, ErrorCode::NoError);
                peer
            })
            .collect();
        let error = asked.join().unwrap().unwrap_err();
        assert!(error.is_reset() && error.is_retry_safe(), "{error}");
        drop(peers);
        stage.begins_anew();
    });
}

#[test]
fn connections_with_an_immediate_goaway_are_given_up() {
    bounded(|| {
        let stage = Stage::with(|config| config.max_retries = 0);
        let (listener, is_over) = (stage.listener.try_clone().unwrap(), Arc::default());
        let is_done: Arc<AtomicBool> = Arc::clone(&is_over);
        let serves = thread::spawn(move || {
            let mut peers = Vec::new();
            loop {
                let mut peer = Peer::accept_silent(&listener);
                if is_over.load(Ordering::SeqCst) {
                    return peers.len();
                }
                peer.write([wire::settings(&[]), wire::goaway(0, 0)].concat());
                peers.push(peer);
            }
        });
        let error = stage.gets().join().unwrap().unwrap_err();
        assert!(error.is_retry_safe(), "{error}");
        is_done.store(true, Ordering::SeqCst);
        let last = TcpStream::connect(stage.listener.local_addr().unwrap()).unwrap();
        let connections = serves.join().unwrap();
        assert!((1..=9).contains(&connections), "{connections}");
        drop(last);
        stage.begins_anew();
    });
}
