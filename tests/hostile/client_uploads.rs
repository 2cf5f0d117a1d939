//! Servers that do not let a body through.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Body, Connection};
use h2_sync::frame::Kind;
use h2_sync::transport::duplex;
use h2_sync::{headers, Config, Error, ErrorCode, ErrorKind, StreamId};

use crate::client_stage::{assert_failed, assert_reset, next_request, Asked, Stage};
use crate::memory::{bounded, measured, KIB, MIB};
use crate::support::{wire, Peer, LONG};

const SHORT: Duration = Duration::from_millis(300);

/// Far less than that.
const PAUSE: Duration = Duration::from_millis(10);

/// More than any window or buffer holds.
const MUCH: usize = 16 * MIB;

/// By now the client has read all that was sent to it: a request that came behind was answered.
fn settle(stage: &Stage, peer: &mut Peer) {
    let asked = stage.gets();
    let id = next_request(peer);
    peer.answer(id, 200, "");
    asked.join().unwrap().unwrap();
}

/// A body that nobody could hold, and how much of it was taken.
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
fn a_reset_with_any_code_ends_the_upload_and_is_told() {
    measured(|memory| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let measured = memory.start();
        for code in (0..=0x0d).chain([0x0e, 0xff, u32::MAX]).map(ErrorCode::from) {
            let (asked, _) = endless(&stage);
            let id = next_request(&mut peer);
            peer.until(|frame| (frame.stream_id() == id).then_some(()));
            if code == ErrorCode::RefusedStream {
                // A body that is read once cannot be sent again.
                peer.reset(id, code);
                let error = asked.join().unwrap().unwrap_err();
                assert!(error.is_retry_safe(), "{error}");
            } else {
                peer.reset(id, code);
                assert_reset(asked, code);
            }
            // What was on its way has taken from the connection's window.
            settle(&stage, &mut peer);
            let spent = std::mem::take(&mut peer.seen.data);
            if spent > 0 {
                peer.grant(StreamId::CONNECTION, u32::try_from(spent).unwrap());
            }
        }
        // The window of one stream, and what is put before it.
        measured.assert_peak(8 * MIB);
        measured.assert_kept(MIB);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_response_before_the_end_of_the_upload_ends_it_where_it_is() {
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
fn a_window_that_stays_shut_ends_the_upload() {
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
        // As much as a stream may have waiting.
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
        // One for each that was used: as slowly as may be, but never without any progress.
        let mut granted = 0;
        while peer.seen.reset_of(id).is_none() {
            peer.grant(id, 1);
            granted += 1;
            assert!(granted < 4_000, "this is not a stall any more");
            peer.until(|frame| (frame.stream_id() == id).then_some(()));
            thread::park_timeout(PAUSE);
        }
        assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        assert_reset(asked, ErrorCode::Cancel);
        // An octet was sent for each that was granted, and no more.
        assert!(peer.seen.data <= granted, "{} of {granted}", peer.seen.data);
        assert!(peer.seen.frames(Kind::DATA) <= granted);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_window_of_the_connection_that_stays_shut_ends_the_connection() {
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
fn a_server_that_reads_nothing_is_given_up() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.stall_timeout = Some(SHORT));
        // Windows without bounds, so that it is the transport that takes nothing.
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
fn goaway_in_the_midst_of_an_upload_lets_it_end() {
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
fn interim_responses_in_the_midst_of_an_upload_are_bounded() {
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
fn a_connection_that_breaks_in_the_midst_of_an_upload_is_told() {
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

/// Who sends a body also reads, unless others do: it must not be kept from that by a peer that takes
/// the body a little at a time.
#[test]
fn a_body_that_is_taken_slowly_does_not_hold_up_others() {
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
        // The body goes on before the other request is answered.
        peer.stream.read_exact(&mut [0; 9]).unwrap();
        peer.send_headers(quick, &headers!(":status" => "200"), true);
        let since = Instant::now();
        while !other.is_finished() {
            // A hundredth of the body, in all the time that there is.
            assert_ne!(peer.stream.read(&mut [0; 10]).unwrap(), 0);
            assert!(since.elapsed() < LONG, "the other one waits for the body");
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
