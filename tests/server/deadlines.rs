//! Timeouts that end connections.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use h2_sync::frame::{Frame, Setting, WindowUpdate};
use h2_sync::server::{Request, Response, serve_connection};
use h2_sync::{ErrorCode, ErrorKind, Reason, StreamId};

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{LONG, bounded, config, eventually, gate, get, serve_with};

/// A short timeout, long enough for the events before it.
const SOON: Duration = Duration::from_millis(50);

fn last_goaway(frames: &[Frame]) -> Option<(StreamId, ErrorCode)> {
    frames.iter().rev().find_map(|frame| match frame {
        Frame::Goaway(goaway) => Some((goaway.last_stream_id, goaway.error_code)),
        _ => None,
    })
}

#[test]
fn a_peer_that_says_nothing_is_dropped() {
    bounded(|| {
        let config = config(|config| config.handshake_timeout = SOON);
        let server = serve_with(config, |_, _| Ok(()));
        let mut peer = Peer::quiet(&server);
        assert!(peer.read_to_end().is_empty());
        eventually(|| server.stats().connections == 0);
        assert_eq!(server.stats().connections_failed, 1);
    });
}

#[test]
fn a_peer_that_sends_its_preface_and_no_settings_is_dropped() {
    bounded(|| {
        let config = config(|config| config.http2.handshake_timeout = Some(SOON));
        let server = serve_with(config, |_, _| Ok(()));
        let mut peer = Peer::quiet(&server);
        peer.acknowledges = false;
        peer.write(h2_sync::frame::PREFACE);
        let frames = peer.read_to_end();
        assert_eq!(last_goaway(&frames).unwrap().1, ErrorCode::SettingsTimeout);
        eventually(|| server.stats().connections == 0);
    });
}

/// Unread octets do not count as silence of the peer.
#[test]
fn settings_timeout_does_not_run_while_no_thread_reads() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            // No other thread can be started: the only thread does not read while it runs the
            // handler.
            config.stack_size = 1 << 50;
            config.http2.settings_timeout = Some(SOON);
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = Peer::connect(listener.local_addr().unwrap());
        let stream = listener.accept().unwrap().0;
        let server = thread::spawn(move || {
            serve_connection(stream, config, move |_: &mut Request, response: &mut Response| {
                at.wait("handler");
                response.write_all(b"hello")
            })
        });
        let id = peer.open(&get("/"), true);
        bolt.comes();
        // That acknowledges them.
        peer.until(|frame| matches!(frame, Frame::Settings(frame) if !frame.ack).then_some(()));
        thread::park_timeout(6 * SOON);
        bolt.open();
        assert_eq!(peer.response(id), (200, b"hello".to_vec()));
        drop(peer);
        server.join().unwrap().unwrap();
    });
}

/// The twin: a thread reads, and no octet arrives.
#[test]
fn peer_that_never_acknowledges_settings_is_dropped() {
    bounded(|| {
        let config = config(|config| config.http2.settings_timeout = Some(SOON));
        let server = serve_with(config, |_, _| Ok(()));
        let mut peer = Peer::of(&server);
        peer.acknowledges = false;
        let frames = peer.read_to_end();
        assert_eq!(last_goaway(&frames).unwrap().1, ErrorCode::SettingsTimeout);
    });
}

#[test]
fn a_connection_without_a_stream_ends_after_the_idle_timeout() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| config.http2.idle_timeout = Some(SOON));
        let server = serve_with(config, move |_, response| {
            at.wait("handler");
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        bolt.comes();
        // With an open stream the connection is not idle.
        std::thread::park_timeout(2 * SOON);
        bolt.open();
        assert_eq!(client.reply(id).text(), "hello");
        let reason = client.until_closed();
        assert!(
            matches!(reason, Reason::Peer { goaway: Some(ErrorCode::NoError), .. }),
            "{reason:?}"
        );
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn connection_over_its_maximum_age_finishes_open_streams_and_closes() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| config.max_age = Some(SOON));
        let server = serve_with(config, move |_, response| {
            at.wait("handler");
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        bolt.comes();
        // Two GOAWAYs: a warning, then the last stream.
        client.until(|client| client.goaways.len() == 2);
        assert_eq!(client.goaways[0], (StreamId::MAX, ErrorCode::NoError));
        assert_eq!(client.goaways[1], (id, ErrorCode::NoError));
        bolt.open();
        assert_eq!(client.reply(id).text(), "hello");
        client.until_closed();
    });
}

#[test]
fn a_connection_that_does_not_finish_in_its_grace_is_closed() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_age = Some(SOON);
            config.max_age_grace = SOON;
        });
        let server = serve_with(config, move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let mut client = Client::of(&server);
        client.get("/");
        bolt.comes();
        client.until_closed();
        eventually(|| server.stats().connections == 0);
        bolt.open();
    });
}

#[test]
fn an_age_that_is_never_reached_is_one() {
    bounded(|| {
        let config = config(|config| {
            config.max_age = Some(Duration::MAX);
            config.max_age_grace = Duration::MAX;
            config.queue_timeout = Duration::MAX;
            config.read_timeout = Some(Duration::MAX);
            config.max_handlers = 1;
        });
        let server = serve_with(config, |_, _| Ok(()));
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..10).map(|_| client.get("/")).collect();
        for id in ids {
            assert_eq!(client.reply(id).status(), Some(200));
        }
    });
}

#[test]
fn stalled_stream_is_reset_and_its_handler_notified() {
    bounded(|| {
        let (sender, errors) = crossbeam_channel::unbounded();
        let config = config(|config| config.http2.stall_timeout = Some(SOON));
        let server = serve_with(config, move |request, response| {
            if request.path() == "/large" {
                let result = response.write_all(&[0; 8 << 20]);
                sender.send(h2_sync::Error::from(result.unwrap_err()).kind())?;
            }
            Ok(())
        });
        let mut peer = Peer::with(&server, vec![Setting::InitialWindowSize(0)]);
        let id = peer.open(&get("/large"), true);
        let code = peer.until(|frame| match frame {
            Frame::RstStream(frame) => Some(frame.error_code),
            _ => None,
        });
        assert_eq!(code, ErrorCode::Cancel);
        assert_eq!(errors.recv_timeout(LONG).unwrap(), ErrorKind::Reset);
        // The connection continues.
        let next = peer.open(&get("/"), true);
        assert!(next > id);
        peer.until(|frame| {
            matches!(frame, Frame::Headers(frame) if frame.stream_id == next).then_some(())
        });
    });
}

#[test]
fn a_peer_that_reads_nothing_is_cut_after_the_stall_timeout() {
    bounded(|| {
        let (sender, errors) = crossbeam_channel::unbounded();
        let config = config(|config| config.http2.stall_timeout = Some(SOON));
        let server = serve_with(config, move |_, response| {
            let result = response.write_all(&vec![0; 64 << 20]);
            sender.send(h2_sync::Error::from(result.unwrap_err()).kind())?;
            Ok(())
        });
        let window = Setting::InitialWindowSize(h2_sync::frame::MAX_WINDOW);
        let mut peer = Peer::with(&server, vec![window]);
        let increment = h2_sync::frame::MAX_WINDOW - 65_535;
        peer.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
        peer.open(&get("/"), true);
        assert_eq!(errors.recv_timeout(LONG).unwrap(), ErrorKind::Timeout);
        eventually(|| server.stats().connections == 0);
    });
}
