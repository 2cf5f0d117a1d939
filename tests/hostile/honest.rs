//! Well-behaved traffic that resembles attacks. With the default limits, none of it may be cut.
//! Traffic that takes hours is tested in the core with a virtual clock:
//! `src/proto/tests/honest.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::thread;

use h2_sync::client::Body;
use h2_sync::frame::{Dependency, Frame, Kind, MAX_WINDOW, Priority, PriorityUpdate, Setting};
use h2_sync::server::{Request, Response};
use h2_sync::{ErrorCode, StreamId, headers};

use crate::client_stage::client;
use crate::memory::{KIB, MIB, bounded};
use crate::support::{Flood, Peer, eventually, listener, wire};
use crate::victim::{BoxError, Victim, get, post, request};

/// More than the burst of any budget.
const MANY: usize = 12_000;

/// A gRPC message: a prefix of five octets, and two octets.
const MESSAGE: &[u8] = b"\0\0\0\0\x02hi";

fn echo(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    std::io::copy(request, response)?;
    Ok(())
}

/// Answers after a delay, or with a requested amount of data.
fn answer(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    let octets: usize = request.path()[1..].parse().unwrap_or(0);
    response.write_all(&vec![b'x'; octets])?;
    Ok(())
}

/// A client with a large connection window.
fn downloader(victim: &Victim) -> Peer {
    let mut peer = victim.peer();
    peer.grant(StreamId::CONNECTION, MAX_WINDOW - 65_535);
    peer
}

/// Checks that the peer is still served.
fn is_served(peer: &mut Peer) {
    peer.synchronize();
    assert_eq!(peer.fetch(&get("/5")).0, 200);
    assert_eq!(peer.seen.goaway, None);
}

// Budgets for useless frames.

/// Messages of a few octets, each followed by an empty frame.
#[test]
fn grpc_messages_with_empty_frames_are_accepted_by_a_server() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let mut octets = Vec::new();
            request.set_max_body(MIB);
            request.read_to_end(&mut octets)?;
            Ok(write!(response, "{}", octets.len())?)
        });
        let mut peer = victim.peer();
        let streams: Vec<_> = (0..4).map(|_| peer.open(&post("/grpc"), false)).collect();
        let pair = |stream_id: &StreamId| {
            let id = stream_id.get();
            [wire::data(id, 0, MESSAGE), wire::data(id, 0, b"")].concat()
        };
        let round: Vec<u8> = streams.iter().flat_map(pair).collect();
        assert_eq!(peer.flood(std::iter::repeat_n(round, MANY / 4)), Flood::Whole);
        for &stream_id in &streams {
            peer.send_data(stream_id, "", true);
        }
        let len = MANY / 4 * MESSAGE.len();
        let mut answered = 0;
        while answered < streams.len() {
            let data = peer.until(|frame| match frame {
                Frame::Data(data) => Some(data.data.clone()),
                _ => None,
            });
            answered += usize::from(data == len.to_string());
        }
        is_served(&mut peer);
    });
}

#[test]
fn grpc_messages_with_empty_frames_are_accepted_by_a_client() {
    bounded(|| {
        let (listener, url) = listener();
        let asks = thread::spawn(move || {
            let response = client(|_| {}).get(&*url).send().unwrap();
            response.bytes().unwrap()
        });
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.send_headers(stream_id, &headers!(":status" => "200"), false);
        let id = stream_id.get();
        let message = [wire::data(id, 0, MESSAGE), wire::data(id, 0, b"")].concat();
        assert_eq!(peer.flood(std::iter::repeat_n(message, MANY)), Flood::Whole);
        peer.send_headers(stream_id, &headers!("grpc-status" => "0"), true);
        assert_eq!(asks.join().unwrap().len(), MANY * MESSAGE.len());
    });
}

/// Messages in both directions alternately, between our client and our server.
#[test]
fn messages_alternate_between_client_and_server() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let mut lines = BufReader::new(request);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 {
                response.write_all(&line)?;
                response.flush()?;
                line.clear();
            }
            Ok(())
        });
        let client = client(|_| {});
        let lines = (0..2_000).map(|n| format!("{n}\n")).collect::<String>();
        let body = Body::from_reader(OneByOne(std::io::Cursor::new(lines.clone())));
        let response = client.post(&*victim.url).body(body).send().unwrap();
        assert_eq!(response.text().unwrap(), lines);
    });
}

/// A reader that returns single octets, like a slow typist without the delays.
struct OneByOne(std::io::Cursor<String>);

impl Read for OneByOne {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        let some = octets.len().min(1);
        self.0.read(&mut octets[..some])
    }
}

#[test]
fn an_upload_in_frames_of_one_octet_is_accepted() {
    bounded(|| {
        let victim = Victim::new(echo);
        let mut peer = victim.peer();
        let stream_id = peer.open(&post("/typed"), false);
        let key = wire::data(stream_id.get(), 0, "x");
        assert_eq!(peer.flood(std::iter::repeat_n(key, 2 * MANY)), Flood::Whole);
        peer.send_data(stream_id, "", true);
        assert_eq!(peer.response(stream_id).0, 200);
        assert_eq!(peer.seen.data, 2 * MANY as u64);
        is_served(&mut peer);
    });
}

/// Reads a MiB, and sends credit after every hundred octets, for the stream and the connection.
fn read_and_credit(peer: &mut Peer, stream_id: StreamId) {
    let (mut read, mut credited) = (0, 0);
    while read < MIB {
        read += peer.until(|frame| match frame {
            Frame::Data(data) => Some(data.data.len()),
            _ => None,
        });
        let mut credit = Vec::new();
        while credited + 100 <= read {
            credit.extend(wire::window_update(0, 100));
            credit.extend(wire::window_update(stream_id.get(), 100));
            credited += 100;
        }
        peer.write(credit);
    }
}

#[test]
fn a_peer_that_credits_every_hundred_octets_gets_its_response() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer =
            Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(1_000)]);
        let stream_id = peer.open(&get(&format!("/{MIB}")), true);
        read_and_credit(&mut peer, stream_id);
        is_served(&mut peer);
    });
}

#[test]
fn a_server_that_credits_every_hundred_octets_gets_the_request() {
    bounded(|| {
        let (listener, url) = listener();
        let asks = thread::spawn(move || {
            let body = vec![b'x'; MIB];
            client(|_| {}).post(&*url).body(body).send().unwrap().status()
        });
        let mut peer = Peer::accept_with(&listener, vec![Setting::InitialWindowSize(1_000)]);
        let (stream_id, _) = peer.receive_headers();
        read_and_credit(&mut peer, stream_id);
        peer.answer(stream_id, 200, "");
        assert_eq!(asks.join().unwrap(), 200);
        assert_eq!(peer.seen.goaway, None);
    });
}

/// The priority tree of Firefox, and the updates that Chrome sends for images that become visible.
#[test]
fn a_browser_that_changes_its_priorities_is_served() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = downloader(&victim);
        for n in [3, 5, 7, 9, 11, 13] {
            let dependency =
                Dependency { stream_id: StreamId::CONNECTION, exclusive: false, weight: 200 };
            peer.send(Priority { stream_id: StreamId::new(n).unwrap(), dependency });
        }
        peer.next_id = 15;
        for _ in 0..20 {
            let images: Vec<_> = (0..50).map(|_| peer.open(&get("/1000"), true)).collect();
            for urgency in ["u=3", "u=5, i", "u=1"] {
                for &prioritized_stream_id in &images {
                    let field_value = urgency.into();
                    peer.send(PriorityUpdate { prioritized_stream_id, field_value });
                }
            }
            for _ in images {
                peer.receive_data(1_000);
            }
        }
        is_served(&mut peer);
    });
}

// Budgets for resets.

#[test]
fn a_browser_that_cancels_fifty_images_a_few_times_is_served() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = downloader(&victim);
        for _ in 0..6 {
            let images: Vec<_> = (0..50).map(|_| peer.open(&get("/100000"), true)).collect();
            for &image in &images {
                peer.reset(image, ErrorCode::Cancel);
            }
            is_served(&mut peer);
            // A cancelled image holds its slot until its handler has ended.
            eventually(|| victim.handle.stats().handlers_running == 0);
        }
        assert_eq!(peer.seen.resets(ErrorCode::RefusedStream), 0, "{:?}", peer.seen);
    });
}

/// Like curl when its output is closed.
#[test]
fn a_client_that_aborts_its_downloads_is_served() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = downloader(&victim);
        for _ in 0..100 {
            let stream_id = peer.open(&get(&format!("/{MIB}")), true);
            peer.until(|frame| match frame {
                Frame::Data(data) if data.stream_id == stream_id => Some(()),
                _ => None,
            });
            peer.reset(stream_id, ErrorCode::Cancel);
        }
        is_served(&mut peer);
    });
}

/// Our own client, with dropped responses.
#[test]
fn responses_that_are_dropped_half_read_leave_the_connection_in_use() {
    bounded(|| {
        let victim = Victim::new(answer);
        let client = client(|_| {});
        let url = |octets: usize| format!("{}{octets}", victim.url);
        for _ in 0..100 {
            let mut response = client.get(url(4 * MIB)).send().unwrap();
            response.read_exact(&mut [0; KIB]).unwrap();
        }
        let last = client.get(url(5)).send().unwrap();
        assert_eq!(last.text().unwrap(), "xxxxx");
        assert_eq!(victim.handle.stats().connections_accepted, 1);
    });
}

/// On one connection, without pauses: far more resets per second than time alone refunds.
#[test]
fn a_hundred_thousand_requests_of_which_one_in_twenty_is_cancelled_are_served() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = victim.peer();
        for _ in 0..5_000 {
            let (mut octets, mut ids) = (Vec::new(), Vec::new());
            for _ in 0..20 {
                let (stream_id, opening) = peer.opening(&get("/0"), true);
                octets.extend(opening);
                ids.push(stream_id);
            }
            octets.extend(wire::rst_stream(ids[10].get(), 0x8));
            octets.extend(wire::ping(b"all here"));
            peer.write(octets);
            // All have ended: those that were not cancelled have been answered.
            let (mut answered, mut is_here) = (0, false);
            while answered < 19 || !is_here {
                match peer.next() {
                    Some(Frame::Headers(headers)) => {
                        answered += usize::from(headers.stream_id != ids[10]);
                    }
                    Some(Frame::Ping(_)) => is_here = true,
                    Some(_) => {}
                    None => panic!("it has closed: {:?}", peer.seen),
                }
            }
        }
        is_served(&mut peer);
        assert_eq!(victim.handle.stats().requests_refused, 0);
    });
}

/// Before the client has received the limit, streams over it are refused, to be retried.
#[test]
fn a_client_that_does_not_know_the_limit_yet_is_refused_streams() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = victim.peer();
        let mut octets = Vec::new();
        for _ in 0..400 {
            octets.extend(peer.opening(&request("POST", "/0"), false).1);
        }
        peer.write(octets);
        peer.synchronize();
        assert!(peer.seen.resets(ErrorCode::RefusedStream) >= 400 - 128, "{:?}", peer.seen);
        for n in 0..128 {
            peer.reset(StreamId::new(2 * n + 1).unwrap(), ErrorCode::Cancel);
        }
        is_served(&mut peer);
    });
}

// Budgets for PING and SETTINGS.

/// A measurement of the bandwidth in each round trip while data flows, as in gRPC.
#[test]
fn a_ping_for_each_round_trip_of_a_download_is_answered() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer =
            Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(1_000)]);
        let stream_id = peer.open(&get("/1000000"), true);
        for _ in 0..1_000 {
            peer.ping(b"how fast");
            peer.receive_data(1_000);
            peer.grant(stream_id, 1_000);
            peer.grant(StreamId::CONNECTION, 1_000);
        }
        is_served(&mut peer);
        assert_eq!(peer.seen.frames(Kind::GOAWAY), 0);
    });
}

#[test]
fn a_client_that_announces_its_windows_again_for_each_download_is_served() {
    bounded(|| {
        let victim = Victim::new(answer);
        let mut peer = victim.peer();
        for n in 0..40 {
            let entries = vec![Setting::InitialWindowSize(65_535 + n)];
            peer.send(h2_sync::frame::Settings { ack: false, entries });
            assert_eq!(peer.fetch(&get("/5")).0, 200);
        }
        is_served(&mut peer);
    });
}

// Limits of a field section.

#[test]
fn many_cookies_are_accepted_by_a_server_and_a_client() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let mut octets = 0;
            for cookie in request.headers().get_all("cookie") {
                octets += cookie.len();
                response.append_header("set-cookie", cookie.as_bytes())?;
            }
            Ok(write!(response, "{octets}")?)
        });
        let client = client(|_| {});
        for _ in 0..3 {
            let mut asks = client.get(&*victim.url);
            for n in 0..200 {
                asks = asks.header("cookie", format!("crumb-{n}={}", "v".repeat(200)));
            }
            let response = asks.send().unwrap();
            let cookies: usize =
                response.headers().get_all("set-cookie").iter().map(|cookie| cookie.len()).sum();
            let octets: usize = response.text().unwrap().parse().unwrap();
            // The cookies of a request are joined into one field (RFC 9113, Section 8.2.3).
            assert!(cookies >= 200 * 200 && octets >= 200 * 200, "{cookies}, {octets}");
        }
    });
}
