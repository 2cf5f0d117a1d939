//! Well-behaved peers that reset many streams, or learn of resets late. They run with the default
//! limits, and faster than real peers, so that budgets gain nothing over time.

use std::collections::HashSet;
use std::io::Write;
use std::sync::mpsc;

use h2_sync::client::{Connection, ResponseHalf};
use h2_sync::frame::{Frame, MAX_WINDOW, Setting};
use h2_sync::{ErrorCode, StreamId, headers};

use crate::memory::bounded;
use crate::support::{LONG, Peer, get, listener, post, wire};
use crate::victim::{Bolt, Victim, gate, hello};

/// More than the burst of the budget for resets.
const MANY: usize = 3_000;

/// The streams that a peer opens before it reads.
const BATCH: usize = 50;

/// A server with one long call in progress, which completes when the bolt is dropped.
struct LongCall {
    victim: Victim,
    peer: Peer,
    stream_id: StreamId,
    bolt: Bolt,
}

impl LongCall {
    fn begin() -> Self {
        let (at, bolt) = gate();
        let victim = Victim::new(move |request, response| match request.path() {
            "/long" => {
                at.wait();
                Ok(response.send("well")?)
            }
            _ => hello(request, response),
        });
        let mut peer = victim.peer();
        let stream_id = peer.open(&get("/long"), true);
        bolt.comes();
        LongCall { victim, peer, stream_id, bolt }
    }

    #[track_caller]
    fn ends_well(self) {
        let LongCall { victim, mut peer, stream_id, bolt } = self;
        drop(bolt);
        assert_eq!(peer.response(stream_id), (200, b"well".to_vec()));
        assert_eq!(peer.seen.goaway, None);
        drop(peer);
        victim.comes_to_rest();
    }
}

/// Reads until the responses on all of these streams are complete.
#[track_caller]
fn complete(peer: &mut Peer, streams: &[StreamId]) {
    let mut open: HashSet<_> = streams.iter().copied().collect();
    while !open.is_empty() {
        let ended = peer.until(|frame| match frame {
            Frame::Data(data) if data.end_stream => Some(data.stream_id),
            Frame::Headers(headers) if headers.end_stream => Some(headers.stream_id),
            _ => None,
        });
        open.remove(&ended);
    }
}

/// RFC 9113, Section 8.1: the server responds without the rest of the request. The C core of gRPC
/// then resets its upload with NO_ERROR.
#[test]
fn refused_client_streaming_calls_do_not_affect_a_long_call() {
    bounded(|| {
        let mut long = LongCall::begin();
        for _ in 0..MANY / BATCH {
            let peer = &mut long.peer;
            let mut octets = Vec::new();
            let calls: Vec<_> = (0..BATCH)
                .map(|_| {
                    let (stream_id, opening) = peer.opening(&post("/refused"), false);
                    octets.extend(opening);
                    octets.extend(wire::data(stream_id.get(), 0, b"\0\0\0\0\x02hi"));
                    stream_id
                })
                .collect();
            peer.write(octets);
            complete(peer, &calls);
            for stream_id in calls {
                peer.reset(stream_id, ErrorCode::NoError);
            }
        }
        long.ends_well();
    });
}

/// Hedged calls: each call is made twice, and the slower one is cancelled. At 1,000 requests per
/// second, that is 20 of a hundred.
#[test]
fn hedged_calls_with_a_fifth_cancelled_do_not_affect_a_long_call() {
    bounded(|| {
        let mut long = LongCall::begin();
        for _ in 0..5 * MANY / BATCH {
            let peer = &mut long.peer;
            let (mut octets, mut kept) = (Vec::new(), Vec::new());
            for n in 0..BATCH {
                let (stream_id, opening) = peer.opening(&get("/hedged"), true);
                octets.extend(opening);
                match n % 5 {
                    0 => octets.extend(wire::rst_stream(stream_id.get(), 0x8)),
                    _ => kept.push(stream_id),
                }
            }
            peer.write(octets);
            complete(peer, &kept);
        }
        long.ends_well();
    });
}

#[test]
fn thousands_of_responses_that_are_cancelled_at_once_do_not_end_the_connection() {
    const REQUESTS: usize = 2_000;
    bounded(|| {
        let victim = Victim::with(
            |config| config.http2.max_concurrent_streams = REQUESTS as u32,
            |_, response| {
                response.write_all(&[b'x'; 20_000])?;
                Ok(())
            },
        );
        let settings = vec![Setting::InitialWindowSize(1_000)];
        let mut peer = Peer::connect_with(victim.address(), settings);
        peer.grant(StreamId::CONNECTION, MAX_WINDOW - 65_535);
        let streams: Vec<_> = (0..REQUESTS).map(|_| peer.open(&get("/"), true)).collect();
        peer.receive_data(1_000 * REQUESTS);
        let cancels = streams.iter().flat_map(|stream_id| wire::rst_stream(stream_id.get(), 0x8));
        peer.write(cancels.collect::<Vec<_>>());
        let last = peer.open(&get("/"), true);
        peer.grant(last, 20_000);
        assert_eq!(peer.response(last).1.len(), 20_000);
        assert_eq!(peer.seen.goaway, None);
    });
}

/// The client has forgotten most of the streams when their responses arrive.
#[test]
fn responses_to_thousands_of_requests_that_the_client_has_cancelled_are_ignored() {
    const REQUESTS: usize = 2_000;
    bounded(|| {
        let (listener, _) = listener();
        let address = listener.local_addr().unwrap();
        let (cancelled, go_on) = mpsc::channel();
        let client = std::thread::spawn(move || {
            let stream = std::net::TcpStream::connect(address).unwrap();
            let connection = Connection::start(stream, h2_sync::Config::default()).unwrap();
            let request = || http::Request::get("http://test/").body(()).unwrap();
            // The server's SETTINGS arrive before the first response.
            connection.send(&request()).unwrap().response().unwrap();
            let responses: Vec<ResponseHalf> =
                (0..REQUESTS).map(|_| connection.send(&request()).unwrap()).collect();
            drop(responses);
            connection.ping(LONG).unwrap();
            cancelled.send(()).unwrap();
            let mut last = connection.send(&request()).unwrap();
            assert_eq!(last.response().unwrap().status(), 200);
            assert_eq!(last.next_chunk().unwrap().as_deref(), Some(&b"last"[..]));
        });
        let mut peer = Peer::accept_with(&listener, vec![Setting::MaxConcurrentStreams(4_000)]);
        let (first, _) = peer.receive_headers();
        peer.answer(first, 200, "");
        let mut streams = Vec::new();
        while streams.len() < REQUESTS {
            streams.push(peer.receive_headers().0);
        }
        peer.answer_ping();
        go_on.recv_timeout(LONG).unwrap();
        // For the peer, they cross the resets.
        for stream_id in streams {
            let fields = headers!(":status" => "200");
            peer.send_headers(stream_id, &fields, false);
            peer.send_data(stream_id, "late", false);
            peer.send_headers(stream_id, &headers!("grpc-status" => "0"), true);
        }
        let (last, _) = peer.receive_headers();
        peer.answer(last, 200, "last");
        client.join().unwrap();
    });
}

/// The server has reset and forgotten a stream when its trailers, which cross the reset, arrive.
#[test]
fn trailers_that_come_late_by_1100_streams_are_ignored() {
    bounded(|| {
        let mut long = LongCall::begin();
        let peer = &mut long.peer;
        let early: Vec<_> = (0..BATCH).map(|_| peer.open(&post("/"), false)).collect();
        for &stream_id in &early {
            // RFC 9113, Section 6.9: an increment of 0 is a stream error.
            peer.write(wire::window_update(stream_id.get(), 0));
        }
        for _ in 0..1_100 / BATCH {
            let newer: Vec<_> = (0..BATCH).map(|_| peer.open(&get("/"), true)).collect();
            complete(peer, &newer);
        }
        for &stream_id in &early {
            assert_eq!(peer.seen.reset_of(stream_id), Some(ErrorCode::ProtocolError));
            peer.send_data(stream_id, "late", false);
            peer.send_headers(stream_id, &headers!("trailer" => "late"), true);
        }
        long.ends_well();
    });
}
