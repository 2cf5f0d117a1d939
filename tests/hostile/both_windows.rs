//! Windows that overflow, and windows that the peer exceeds.

use std::io::{Read, Write};
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use h2_sync::client::Connection;
use h2_sync::server::serve_connection;
use h2_sync::transport::{Duplex, duplex};
use h2_sync::{Error, ErrorCode, ErrorKind, StreamId, headers};

use crate::client_stage::{Stage, assert_failed, assert_reset, next_request};
use crate::memory::{MIB, bounded, measured};
use crate::neighbour::Neighbour;
use crate::support::{LONG, Peer, wire};
use crate::victim::{Victim, get, hello, post};

const WHOLE: StreamId = StreamId::CONNECTION;

/// More than any window or buffer holds.
const MUCH: usize = 16 * MIB;

/// The memory that may remain after a connection has ended. Threads keep their buffers.
const LITTLE: usize = MIB;

/// A server that answers `/much` with more than the peer reads, and the errors of its handlers.
fn much() -> (Victim, Receiver<Error>) {
    let (told, tells) = unbounded();
    let victim = Victim::new(move |request, response| {
        if request.path() != "/much" {
            return hello(request, response);
        }
        let result = response.write_all(&vec![7; MUCH]).and_then(|()| response.flush());
        let error = result.expect_err("the peer does not read that much");
        told.send(Error::from(error)).unwrap();
        Ok(())
    });
    (victim, tells)
}

#[test]
fn a_stream_window_over_its_maximum_ends_the_stream_of_a_server() {
    measured(|memory| {
        let (victim, tells) = much();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        assert_eq!(peer.fetch(&get("/")).0, 200);
        let measured = memory.start();
        for _ in 0..10 {
            let id = peer.open(&get("/much"), true);
            peer.until(|frame| (frame.stream_id() == id).then_some(()));
            peer.grant(id, wire::MAX_WINDOW);
            peer.grant(id, wire::MAX_WINDOW);
            peer.expect_reset(id, ErrorCode::FlowControlError);
            let error = tells.recv_timeout(LONG).unwrap();
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::Reset, Some(ErrorCode::FlowControlError))
            );
            // Data in flight has used up the connection's window.
            peer.grant(WHOLE, 65_535);
        }
        measured.assert_kept(LITTLE);
        assert_eq!(peer.fetch(&get("/")).0, 200);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_connection_window_over_its_maximum_ends_the_connection_of_a_server() {
    measured(|memory| {
        let (victim, tells) = much();
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let mut peer = victim.peer();
        for _ in 0..3 {
            peer.open(&get("/much"), true);
        }
        peer.receive_data(65_535);
        peer.grant(WHOLE, wire::MAX_WINDOW);
        peer.grant(WHOLE, wire::MAX_WINDOW);
        peer.expect_goaway(ErrorCode::FlowControlError);
        for _ in 0..3 {
            let error = tells.recv_timeout(LONG).unwrap();
            let expected = (ErrorKind::Peer, Some(ErrorCode::FlowControlError));
            assert_eq!((error.kind(), error.code()), expected, "{error}");
        }
        drop(peer);
        measured.assert_kept(LITTLE);
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

#[test]
fn an_initial_size_that_overflows_a_stream_ends_the_connection_of_a_server() {
    bounded(|| {
        let (victim, tells) = much();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let id = peer.open(&get("/much"), true);
        peer.receive_data(65_535);
        peer.grant(id, wire::MAX_WINDOW);
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 65_536)]));
        peer.expect_goaway(ErrorCode::FlowControlError);
        let error = tells.recv_timeout(LONG).unwrap();
        let expected = (ErrorKind::Peer, Some(ErrorCode::FlowControlError));
        assert_eq!((error.kind(), error.code()), expected, "{error}");
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

#[test]
fn a_stream_window_over_its_maximum_ends_the_upload_of_a_client() {
    measured(|memory| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let measured = memory.start();
        for _ in 0..10 {
            let asked = stage.posts(MUCH);
            let id = next_request(&mut peer);
            peer.grant(id, wire::MAX_WINDOW);
            peer.grant(id, wire::MAX_WINDOW);
            assert_eq!(peer.until_reset(id), ErrorCode::FlowControlError);
            assert_reset(asked, ErrorCode::FlowControlError);
            peer.grant(WHOLE, 65_535);
        }
        measured.assert_kept(LITTLE);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_connection_window_over_its_maximum_ends_all_requests_of_a_client() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let upload = stage.posts(MUCH);
        let (mut peer, _) = stage.meets();
        peer.receive_data(65_535);
        let others: Vec<_> = (0..8).map(|_| stage.gets()).collect();
        for _ in &others {
            next_request(&mut peer);
        }
        peer.grant(WHOLE, wire::MAX_WINDOW);
        peer.grant(WHOLE, wire::MAX_WINDOW);
        peer.expect_goaway(ErrorCode::FlowControlError);
        drop(peer);
        for asked in others.into_iter().chain([upload]) {
            assert_failed(asked, ErrorKind::Peer, ErrorCode::FlowControlError);
        }
        measured.assert_kept(LITTLE);
        stage.begins_anew();
    });
}

#[test]
fn an_initial_size_that_overflows_a_stream_ends_the_connection_of_a_client() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.posts(MUCH);
        let (mut peer, id) = stage.meets();
        peer.receive_data(65_535);
        peer.grant(id, wire::MAX_WINDOW);
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 65_536)]));
        peer.expect_goaway(ErrorCode::FlowControlError);
        assert_failed(asked, ErrorKind::Peer, ErrorCode::FlowControlError);
        stage.begins_anew();
    });
}

#[test]
fn more_than_the_streams_window_ends_the_stream_of_a_server() {
    bounded(|| {
        let (has_read, reads) = unbounded();
        let (told, tells) = unbounded();
        let victim = Victim::with(
            |config| config.http2.initial_window_size = 1_000,
            move |request, response| {
                if request.path() != "/some" {
                    return hello(request, response);
                }
                // Less than half of the window, so that no credit is sent yet.
                request.read_exact(&mut [0; 400])?;
                has_read.send(()).unwrap();
                let error =
                    request.read_to_end(&mut Vec::new()).expect_err("the window must be exceeded");
                told.send(Error::from(error)).unwrap();
                Ok(())
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        // The window applies once its announcement has been acknowledged.
        peer.synchronize();
        let id = peer.open(&post("/some"), false);
        peer.send_data(id, vec![7; 400], false);
        reads.recv_timeout(LONG).unwrap();
        peer.send_data(id, vec![7; 601], false);
        peer.expect_reset(id, ErrorCode::FlowControlError);
        let error = tells.recv_timeout(LONG).unwrap();
        assert_eq!(error.code(), Some(ErrorCode::FlowControlError), "{error}");
        assert_eq!(peer.fetch(&get("/")).0, 200);
        neighbour.was_served();
    });
}

#[test]
fn more_than_the_streams_window_ends_the_response_of_a_client() {
    bounded(|| {
        let stage = Stage::with(|config| config.http2.initial_window_size = 1_000);
        let (has_read, reads) = unbounded();
        let asked = stage.asks(move |client, url| {
            let mut response = client.get(url).send()?;
            response.read_exact(&mut [0; 400])?;
            has_read.send(()).unwrap();
            response.text()
        });
        let (mut peer, id) = stage.meets();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, vec![7; 400], false);
        reads.recv_timeout(LONG).unwrap();
        peer.send_data(id, vec![7; 601], false);
        assert_eq!(peer.until_reset(id), ErrorCode::FlowControlError);
        assert_reset(asked, ErrorCode::FlowControlError);
        stage.goes_on(&mut peer);
    });
}

/// Only the connection's window is a limit, and it has the minimum size.
fn with_a_small_window(config: &mut h2_sync::Config) {
    config.connection_window_size = 65_535;
    config.initial_window_size = 64 << 20;
    // A single frame can exceed the window.
    config.max_frame_size = 70_000;
}

#[test]
fn more_than_the_connections_window_ends_the_connection_of_a_server() {
    bounded(|| {
        let victim = Victim::with(|config| with_a_small_window(&mut config.http2), hello);
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        peer.synchronize();
        let id = peer.open(&post("/"), false);
        peer.send_data(id, vec![7; 65_536], false);
        peer.expect_goaway(ErrorCode::FlowControlError);
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

#[test]
fn more_than_the_connections_window_ends_the_connection_of_a_client() {
    bounded(|| {
        let stage = Stage::with(|config| with_a_small_window(&mut config.http2));
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, vec![7; 65_536], false);
        peer.expect_goaway(ErrorCode::FlowControlError);
        assert_failed(asked, ErrorKind::Peer, ErrorCode::FlowControlError);
        stage.begins_anew();
    });
}

/// A stream that the peer does not read, with so little buffer that a few acknowledgements fill it:
/// credit that the other side sends stays in flight.
fn unread() -> (Duplex, Duplex) {
    let (near, far) = duplex(256);
    far.set_write_timeout(Some(LONG)).unwrap();
    (near, far)
}

/// Fills the other side's output buffer, and sends much DATA on the stream.
fn overrun(peer: &mut Peer<Duplex>, id: StreamId) {
    for _ in 0..20 {
        peer.ping(b"fill up!");
    }
    let piece = wire::data(id.get(), 0, [7; 16 << 10]);
    // The window allows four of them. After the end, the rest is drained for a moment.
    let end = (0..10_000).find(|_| !peer.write(&piece));
    end.expect("the other side must close");
}

#[test]
fn credit_in_flight_to_an_attacker_of_a_server_does_not_count() {
    bounded(|| {
        let (near, far) = unread();
        let (told, tells) = unbounded();
        let mut config = h2_sync::server::Config::default();
        with_a_small_window(&mut config.http2);
        let serves = thread::spawn(move || {
            serve_connection(near, config, move |request: &mut _, _: &mut _| {
                let request: &mut h2_sync::server::Request = request;
                let result = std::io::copy(request, &mut std::io::sink());
                told.send(Error::from(result.expect_err("the window must be exceeded"))).unwrap();
                Ok::<_, std::io::Error>(())
            })
        });
        let mut peer = Peer::client(far, Vec::new());
        peer.synchronize();
        let id = peer.open(&post("/"), false);
        overrun(&mut peer, id);
        let error = tells.recv_timeout(LONG).unwrap();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Peer, Some(ErrorCode::FlowControlError))
        );
        drop(peer);
        serves.join().unwrap().unwrap();
    });
}

#[test]
fn credit_in_flight_to_an_attacker_of_a_client_does_not_count() {
    bounded(|| {
        let (near, far) = unread();
        let mut config = h2_sync::Config::default();
        with_a_small_window(&mut config);
        let asks = thread::spawn(move || {
            let connection = Connection::start(near, config)?;
            let mut response =
                connection.send(&http::Request::get("http://test/").body(()).unwrap())?;
            std::io::copy(&mut response, &mut std::io::sink()).map_err(Error::from)
        });
        let mut peer = Peer::server(far, Vec::new());
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        overrun(&mut peer, id);
        assert_failed(asks, ErrorKind::Peer, ErrorCode::FlowControlError);
    });
}
