//! Servers that are slow without ever stalling completely.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::Config;
use h2_sync::frame::Frame;
use h2_sync::{ErrorCode, ErrorKind, StreamId, headers};

use crate::client_stage::{Asked, Stage, assert_failed, next_request};
use crate::memory::bounded;
use crate::support::{LONG, Peer, wire};

const SHORT: Duration = Duration::from_millis(300);

/// Far less than any timeout in these tests.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends the pieces slowly, until the client has given up the request.
fn dribble<T>(peer: &mut Peer, asked: &Asked<T>, pieces: impl IntoIterator<Item = Vec<u8>>) {
    for piece in pieces {
        if asked.is_finished() || !peer.write(piece) {
            return;
        }
        thread::park_timeout(PAUSE);
    }
    panic!("the client does not give up");
}

#[track_caller]
fn assert_late<T: std::fmt::Debug>(asked: Asked<T>) {
    let error = asked.join().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, None), "{error}");
}

/// A request with a short total timeout, on an existing connection so that it is sent.
fn gets_in_time(stage: &Stage) -> Asked {
    stage.asks(|client, url| client.get(url).timeout(SHORT).send()?.text())
}

/// Slow output after the header section must end only the stream, when the client gives up.
fn is_given_up(stage: Stage, ask: fn(&Stage) -> Asked, pieces: impl Fn(u32) -> Vec<Vec<u8>>) {
    let mut peer = stage.has_met();
    let asked = ask(&stage);
    let id = next_request(&mut peer);
    peer.send_headers(id, &headers!(":status" => "200"), false);
    dribble(&mut peer, &asked, pieces(id.get()));
    assert_late(asked);
    assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
    stage.ends();
}

#[test]
fn a_dribbled_body_ends_at_the_total_timeout() {
    bounded(|| {
        is_given_up(Stage::new(), gets_in_time, |id| vec![wire::data(id, 0, "a"); 10_000]);
    });
}

#[test]
fn an_unfinished_frame_does_not_extend_the_read_timeout() {
    bounded(|| {
        is_given_up(Stage::hasty(|config| config.read_timeout = Some(SHORT)), Stage::gets, |id| {
            let frame = [wire::head(16 << 10, wire::DATA, 0, id), vec![7; 16 << 10]];
            frame.concat().chunks(1).map(<[u8]>::to_vec).collect()
        });
    });
}

#[test]
fn empty_frames_do_not_extend_the_read_timeout() {
    bounded(|| {
        is_given_up(Stage::hasty(|config| config.read_timeout = Some(SHORT)), Stage::gets, |id| {
            let nothing = [
                wire::data(id, 0, ""),
                wire::data(id, wire::PADDED, wire::padded("", 10)),
                wire::window_update(id, 1),
                wire::window_update(0, 1),
                wire::frame(wire::UNKNOWN, 0, id, "still here"),
            ];
            vec![nothing.concat(); 1_000]
        });
    });
}

#[test]
fn occasional_interim_responses_end_at_the_total_timeout() {
    bounded(|| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let asked = gets_in_time(&stage);
        let id = next_request(&mut peer);
        // As many as are allowed.
        for _ in 0..16 {
            peer.write(wire::headers(id.get(), wire::END_HEADERS, wire::status("103")));
            thread::park_timeout(PAUSE);
        }
        assert_late(asked);
        assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        stage.goes_on(&mut peer);
    });
}

/// Sends DATA as the windows allow, until the stream is reset.
fn send_without_end(peer: &mut Peer, id: StreamId) {
    peer.send_headers(id, &headers!(":status" => "200"), false);
    const PIECE: usize = 16 << 10;
    let mut window = Config::default().http2.initial_window_size as usize;
    loop {
        peer.write(wire::data(id.get(), 0, [7; PIECE]).repeat(window / PIECE));
        window %= PIECE;
        while window < PIECE {
            let credit = peer.until(|frame| match frame {
                Frame::WindowUpdate(update) if update.stream_id == id => Some(update.increment),
                Frame::RstStream(reset) if reset.stream_id == id => Some(0),
                _ => None,
            });
            if credit == 0 {
                return;
            }
            window += credit as usize;
        }
    }
}

/// Reads a body to its end within a short time.
fn reads(stage: &Stage) -> Asked<u64> {
    stage.asks(|client, url| {
        let mut response = client.get(url).timeout(SHORT).send()?;
        let mut octets = [0; 4 << 10];
        let mut sum = 0;
        loop {
            match response.read(&mut octets)? {
                0 => return Ok(sum),
                read => sum += read as u64,
            }
        }
    })
}

#[test]
fn an_endless_body_ends_at_the_total_timeout() {
    bounded(|| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let asked = reads(&stage);
        let id = next_request(&mut peer);
        send_without_end(&mut peer, id);
        assert_late(asked);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn an_endless_body_read_by_another_thread_ends_at_the_total_timeout() {
    bounded(|| {
        let stage = Stage::new();
        let other = stage.gets();
        let (mut peer, id) = stage.meets();
        let asked = reads(&stage);
        let endless = next_request(&mut peer);
        send_without_end(&mut peer, endless);
        assert_late(asked);
        peer.answer(id, 200, "hello");
        assert_eq!(other.join().unwrap().unwrap(), "hello");
        stage.goes_on(&mut peer);
    });
}

/// If another thread reads from the connection, data may always be available.
#[test]
fn buffered_data_does_not_extend_the_total_timeout() {
    bounded(|| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let asked = stage.asks(|client, url| {
            let start = Instant::now();
            let response = client.get(url).timeout(SHORT).send()?;
            while start.elapsed() <= SHORT {
                thread::park_timeout(PAUSE);
            }
            response.text()
        });
        let id = next_request(&mut peer);
        let head = wire::headers(id.get(), wire::END_HEADERS, wire::ok());
        peer.write([head, wire::data(id.get(), 0, "hello")].concat());
        assert_late(asked);
        stage.goes_on(&mut peer);
    });
}

/// Large frames do not wake a reader one by one, but it gets received data when nothing follows.
#[test]
fn received_data_is_delivered_although_nothing_follows() {
    bounded(|| {
        let stage = Stage::new();
        let other = stage.gets();
        let (mut peer, id) = stage.meets();
        for len in [64 << 10, 100_000, 500_000, 1 << 20] {
            let (got, gets) = crossbeam_channel::unbounded();
            let asked = stage.asks(move |client, url| {
                let mut response = client.get(url).send()?;
                response.read_exact(&mut vec![0; len])?;
                got.send(()).unwrap();
                response.text()
            });
            let slow = next_request(&mut peer);
            peer.send_headers(slow, &headers!(":status" => "200"), false);
            for piece in vec![7; len].chunks(16 << 10) {
                peer.send_data(slow, piece.to_vec(), false);
            }
            gets.recv_timeout(LONG).expect("received data is delivered");
            peer.send_data(slow, "the end", true);
            assert_eq!(asked.join().unwrap().unwrap(), "the end");
        }
        peer.answer(id, 200, "hello");
        assert_eq!(other.join().unwrap().unwrap(), "hello");
        stage.goes_on(&mut peer);
    });
}

#[test]
fn an_unfinished_field_block_ends_the_connection() {
    bounded(|| {
        // In one frame, and in several.
        let field = wire::block(&[("a", "b".repeat(10_000))]);
        let whole = wire::headers(1, 0, &field);
        let start = [wire::headers(1, 0, wire::ok()), wire::head(16 << 10, 9, 0, 1), field];
        for octets in [whole, start.concat()] {
            let stage = Stage::hasty(|config| config.http2.header_timeout = Some(SHORT));
            let asked = stage.gets();
            let (mut peer, _) = stage.meets();
            dribble(&mut peer, &asked, octets.chunks(1).map(<[u8]>::to_vec));
            peer.expect_goaway(ErrorCode::EnhanceYourCalm);
            assert_failed(asked, ErrorKind::Timeout, ErrorCode::EnhanceYourCalm);
            stage.ends();
        }
    });
}

#[test]
fn a_server_without_settings_is_given_up() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.handshake_timeout = Some(SHORT));
        let asked = stage.gets();
        let mut peer = Peer::accept_silent(&stage.listener);
        // As slowly as possible.
        let settings = wire::settings(&[(wire::MAX_CONCURRENT_STREAMS, 100); 30]);
        dribble(&mut peer, &asked, settings.chunks(1).map(<[u8]>::to_vec));
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        assert_failed(asked, ErrorKind::Timeout, ErrorCode::SettingsTimeout);
        stage.ends();
    });
}

#[test]
fn a_server_that_never_acknowledges_settings_is_given_up() {
    bounded(|| {
        let stage = Stage::hasty(|config| config.http2.settings_timeout = Some(SHORT));
        let asked = stage.gets();
        let mut peer = Peer::accept(&stage.listener);
        peer.acknowledges = false;
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        assert_failed(asked, ErrorKind::Timeout, ErrorCode::SettingsTimeout);
        stage.ends();
    });
}
