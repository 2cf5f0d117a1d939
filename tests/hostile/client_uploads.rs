//! Servers that do not accept a body.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Body, Connection};
use h2_sync::frame::Kind;
use h2_sync::transport::duplex;
use h2_sync::{Config, Error, ErrorCode, ErrorKind, StreamId, headers};

use crate::client_stage::{Asked, Stage, assert_failed, assert_reset, next_request};
use crate::memory::{KIB, MIB, bounded, measured};
use crate::support::{LONG, Peer, wire};

const SHORT: Duration = Duration::from_millis(300);

/// Far less than the timeout.
const PAUSE: Duration = Duration::from_millis(10);

/// More than any window or buffer holds.
const MUCH: usize = 16 * MIB;

/// Makes sure that the client has read everything sent so far: a request after it was answered.
fn settle(stage: &Stage, peer: &mut Peer) {
    let asked = stage.gets();
    let id = next_request(peer);
    peer.answer(id, 200, "");
    asked.join().unwrap().unwrap();
}

/// An endless body, and the number of octets taken from it.
fn endless(stage: &Stage) -> (Asked, Arc<AtomicUsize>) {
    struct Source(Arc<AtomicUsize>);
    impl Read for Source {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            buf.fill(7);
            self.0.fetch_add(buf.len(), Ordering::SeqCst);
            Ok(buf.len())
        }
    }
    let taken = Arc::new(AtomicUsize::new(0));
    let source = Source(Arc::clone(&taken));
    let asked = stage
        .asks(move |client, url| client.post(url).body(Body::from_reader(source)).send()?.text());
    (asked, taken)
}

#[test]
fn a_reset_with_any_code_ends_the_upload_and_is_reported() {
    measured(|memory| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let measured = memory.start();
        for code in (0..=0x0d).chain([0x0e, 0xff, u32::MAX]).map(ErrorCode::from) {
            let (asked, _) = endless(&stage);
            let id = next_request(&mut peer);
            peer.until(|frame| (frame.stream_id() == id).then_some(()));
            if code == ErrorCode::RefusedStream {
                // A body that can only be read once cannot be sent again.
                peer.reset(id, code);
                let error = asked.join().unwrap().unwrap_err();
                assert!(error.is_retry_safe(), "{error}");
            } else {
                peer.reset(id, code);
                assert_reset(asked, code);
            }
            // Data in flight has used up the connection's window.
            settle(&stage, &mut peer);
            let spent = std::mem::take(&mut peer.seen.data);
            if spent > 0 {
                peer.grant(StreamId::CONNECTION, u32::try_from(spent).unwrap());
            }
        }
        // The window of one stream, and the send buffer.
        measured.assert_peak(8 * MIB);
        measured.assert_kept(MIB);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn an_early_response_stops_the_upload() {
    bounded(|| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let (asked, taken) = endless(&stage);
        let id = next_request(&mut peer);
        peer.answer(id, 413, "too large");
        peer.reset(id, ErrorCode::NoError);
        assert_eq!(asked.join().unwrap().unwrap(), "too large");
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= 4 * MIB, "{taken}");
        stage.goes_on(&mut peer);
    });
}

#[test]
fn an_exhausted_window_ends_the_upload() {
    measured(|memory| {
        let stage = Stage::hasty(|config| config.http2.stall_timeout = Some(SHORT));
        let mut peer = stage.has_met();
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 0)]));
        settle(&stage, &mut peer);
        let measured = memory.start();
        let (asked, taken) = endless(&stage);
        let id = next_request(&mut peer);
        assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        assert_reset(asked, ErrorCode::Cancel);
        // As much as a stream may buffer.
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= 4 * MIB, "{taken}");
        measured.assert_peak(8 * MIB);
        measured.assert_kept(MIB);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_window_that_opens_by_single_octets_ends_the_upload() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.stall_timeout = Some(SHORT));
        let mut peer = stage.has_met();
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 0)]));
        settle(&stage, &mut peer);
        let asked = stage.posts(MUCH);
        let id = next_request(&mut peer);
        // One octet of credit for each octet sent: as slow as possible, but with some progress.
        let mut granted = 0;
        while peer.seen.reset_of(id).is_none() {
            peer.grant(id, 1);
            granted += 1;
            assert!(granted < 4_000, "the upload makes too much progress for a stall");
            peer.until(|frame| (frame.stream_id() == id).then_some(()));
            thread::park_timeout(PAUSE);
        }
        assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        assert_reset(asked, ErrorCode::Cancel);
        // At most one octet was sent for each octet of credit.
        assert!(peer.seen.data <= granted, "{} of {granted}", peer.seen.data);
        assert!(peer.seen.frames(Kind::DATA) <= granted);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn an_exhausted_connection_window_ends_the_connection() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.stall_timeout = Some(SHORT));
        let asked = stage.posts(MUCH);
        let (mut peer, id) = stage.meets();
        peer.grant(id, MUCH as u32);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert_failed(asked, ErrorKind::Timeout, ErrorCode::EnhanceYourCalm);
        stage.begins_anew();
    });
}

#[test]
fn a_server_that_does_not_read_is_given_up() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.stall_timeout = Some(SHORT));
        // With unlimited windows, so that the transport is the limit.
        let (asked, _) = endless(&stage);
        let mut peer = Peer::accept_silent(&stage.listener);
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::MAX_WINDOW)]));
        peer.grant(StreamId::CONNECTION, wire::MAX_WINDOW - 65_535);
        let error = asked.join().unwrap().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        drop(peer);
        stage.begins_anew();
    });
}

#[test]
fn goaway_during_an_upload_lets_it_finish() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.posts(100 * KIB);
        let (mut peer, id) = stage.meets();
        peer.goaway(id, ErrorCode::NoError);
        peer.receive_data(65_535);
        peer.grant(StreamId::CONNECTION, 100_000);
        peer.grant(id, 100_000);
        peer.receive_data(100 * KIB - 65_535);
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        stage.begins_anew();
    });
}

#[test]
fn interim_responses_during_an_upload_are_bounded() {
    bounded(|| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let asked = stage.posts(MUCH);
        let id = next_request(&mut peer);
        for _ in 0..100 {
            peer.send_headers(id, &headers!(":status" => "100"), false);
        }
        assert_eq!(peer.until_reset(id), ErrorCode::EnhanceYourCalm);
        assert_reset(asked, ErrorCode::EnhanceYourCalm);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_broken_connection_during_an_upload_is_reported() {
    bounded(|| {
        let stage = Stage::new();
        let (asked, _) = endless(&stage);
        let (mut peer, id) = stage.meets();
        peer.until(|frame| (frame.stream_id() == id).then_some(()));
        drop(peer);
        let error: Error = asked.join().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed | ErrorKind::Transport), "{error}");
        stage.begins_anew();
    });
}

/// A thread that sends a body also reads, unless another thread does. A peer that accepts the body
/// slowly must not prevent that.
#[test]
fn a_slowly_accepted_body_does_not_block_other_requests() {
    bounded(|| {
        let (near, far) = duplex(4 * KIB);
        far.set_read_timeout(Some(LONG)).unwrap();
        far.set_write_timeout(Some(LONG)).unwrap();
        let connection = Connection::start(near, Config::default()).unwrap();
        let theirs = connection.clone();
        let upload = thread::spawn(move || {
            let (mut send, mut response) = theirs.open(&request("POST"))?;
            send.send(vec![7; MIB])?;
            send.finish()?;
            response.response().map(drop)
        });
        let mut peer = Peer::server(far, Vec::new());
        let (id, _) = peer.receive_headers();
        peer.receive_data(65_535);
        let other = thread::spawn(move || connection.send(&request("GET"))?.response().map(drop));
        let (quick, _) = peer.receive_headers();
        peer.grant(StreamId::CONNECTION, wire::MAX_WINDOW - 65_535);
        peer.grant(id, wire::MAX_WINDOW - 65_535);
        // The body continues before the other request is answered.
        peer.stream.read_exact(&mut [0; 9]).unwrap();
        peer.send_headers(quick, &headers!(":status" => "200"), true);
        let since = Instant::now();
        while !other.is_finished() {
            // At most a hundredth of the body could be sent in the whole timeout.
            assert_ne!(peer.stream.read(&mut [0; 10]).unwrap(), 0);
            assert!(since.elapsed() < LONG, "the other request waits for the body");
            thread::park_timeout(PAUSE);
        }
        other.join().unwrap().unwrap();
        drop(peer);
        upload.join().unwrap().unwrap_err();
    });
}

fn request(method: &str) -> http::Request<()> {
    http::Request::builder().method(method).uri("http://test/").body(()).unwrap()
}
