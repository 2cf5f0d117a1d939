//! How a WebSocket ends.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::peer::{LONG, MUCH, frame, in_each_version, read_octets};
use crate::error::ErrorKind;
use crate::halves::SendHalf;
use crate::websocket::{CloseCode, Config};

/// Sends a frame again and again, until the other end is gone.
fn flood(mut send: SendHalf, frame: &[u8]) -> thread::JoinHandle<()> {
    let frames = Bytes::from(frame.repeat(1_000));
    thread::spawn(move || while send.send(frames.clone()).is_ok() {})
}

#[test]
fn close_says_what_the_peer_says() {
    in_each_version(|mut tunnel| {
        let (mut client, mut server) = tunnel.both(&Config::default());
        let server = thread::spawn(move || {
            assert_eq!(server.read().unwrap(), None);
            assert_eq!(server.read().unwrap(), None, "each call says the same");
            assert!(server.send("late").unwrap_err().is_closed());
            server.closed().unwrap()
        });
        let said = client.close(4_000, "bye").unwrap();
        assert_eq!((said.code, &*said.reason), (Some(CloseCode(4_000)), ""));
        let closed = server.join().unwrap();
        assert_eq!((closed.code, &*closed.reason), (Some(CloseCode(4_000)), "bye"));
        assert_eq!(client.close(CloseCode::NORMAL, "").unwrap().code, said.code, "a second one");
        assert_eq!(client.read().unwrap(), None);
        assert!(client.send("late").unwrap_err().is_closed());
    });
}

#[test]
fn messages_on_their_way_are_dropped_by_close() {
    in_each_version(|mut tunnel| {
        let (mut client, mut server) = tunnel.both(&Config::default());
        server.send("on its way").unwrap();
        let server = thread::spawn(move || server.read().unwrap());
        client.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(server.join().unwrap(), None);
    });
}

#[test]
fn code_that_must_not_be_sent_is_refused_and_the_websocket_goes_on() {
    in_each_version(|mut tunnel| {
        let (mut client, mut server) = tunnel.both(&Config::default());
        for code in [CloseCode::NO_STATUS, CloseCode::ABNORMAL, CloseCode(1015)] {
            assert_eq!(client.close(code, "").unwrap_err().kind(), ErrorKind::Caller);
        }
        let long = "a".repeat(124);
        assert_eq!(client.close(CloseCode::NORMAL, &long).unwrap_err().kind(), ErrorKind::Caller);
        client.send("still there").unwrap();
        assert_eq!(server.read_within(LONG).unwrap(), Some("still there".into()));
    });
}

#[test]
fn close_ends_in_time_though_the_peer_never_answers() {
    in_each_version(|mut tunnel| {
        let (_recv, _send) = tunnel.client_halves();
        let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
        let mut server = tunnel.server(&config);
        let error = server.close(CloseCode::NORMAL, "").unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
        assert_eq!(server.read().unwrap_err().to_string(), error.to_string());
    });
}

#[test]
fn close_ends_in_time_though_the_peer_sends_without_a_pause() {
    in_each_version(|mut tunnel| {
        let (_recv, send) = tunnel.client_halves();
        let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
        let mut server = tunnel.server(&config);
        let floods = flood(send, &frame(0x82, b"no answer to a Close frame"));
        let error = server.close(CloseCode::NORMAL, "").unwrap_err();
        assert!(error.is_timeout(), "{error}");
        drop(server);
        floods.join().unwrap();
    });
}

#[test]
fn client_ends_in_time_though_the_server_sends_behind_its_close_frame() {
    in_each_version(|mut tunnel| {
        let (_recv, mut send) = tunnel.at_server.take().unwrap();
        let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
        let mut client = tunnel.client(&config);
        send.send(&b"\x88\0"[..]).unwrap();
        let floods = flood(send, b"anything");
        assert_eq!(client.read().unwrap(), None);
        drop(client);
        floods.join().unwrap();
    });
}

#[test]
fn close_frame_of_the_peer_is_answered_behind_the_message_under_way() {
    in_each_version(|mut tunnel| {
        let (mut recv, mut send) = tunnel.client_halves();
        let config = Config { close_timeout: LONG, ..Config::default() };
        let (mut reader, sender) = tunnel.server(&config).split();
        let shared = Arc::clone(&reader.shared);
        let sends = thread::spawn(move || sender.send(vec![1; MUCH]));
        // The peer has part of the message: the sender is at it.
        assert_eq!(read_octets(&mut recv, 1), [0x82]);
        let reads = thread::spawn(move || reader.read());
        send.send(frame(0x88, b"")).unwrap();
        while shared.lock().closed.is_none() {
            thread::yield_now();
        }
        read_octets(&mut recv, MUCH + 9);
        assert_eq!(read_octets(&mut recv, 2), [0x88, 0]);
        assert!(recv.next_chunk().unwrap().is_none(), "and the direction ends");
        sends.join().unwrap().unwrap();
        assert_eq!(reads.join().unwrap().unwrap(), None);
    });
}

#[test]
fn close_of_another_thread_wakes_the_reader_in_time_though_the_peer_never_answers() {
    in_each_version(|mut tunnel| {
        let (_recv, _send) = tunnel.client_halves();
        let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
        let (mut reader, sender) = tunnel.server(&config).split();
        let reader = thread::spawn(move || reader.read());
        sender.close(CloseCode::NORMAL, "").unwrap();
        assert!(reader.join().unwrap().unwrap_err().is_timeout());
        assert!(sender.send("late").unwrap_err().is_timeout());
    });
}

#[test]
fn close_of_another_thread_wakes_the_reader_when_the_peer_answers() {
    in_each_version(|mut tunnel| {
        let (client, server) = tunnel.both(&Config::default());
        let (mut reader, sender) = client.split();
        let reads = thread::spawn(move || (reader.read(), reader.closed()));
        let server = thread::spawn(move || server.map(Result::unwrap).count());
        sender.close(CloseCode::GOING_AWAY, "").unwrap();
        let (read, closed) = reads.join().unwrap();
        assert_eq!(read.unwrap(), None);
        assert_eq!(closed.unwrap().code, Some(CloseCode::GOING_AWAY));
        assert_eq!(server.join().unwrap(), 0);
        assert!(sender.is_closed());
    });
}

#[test]
fn both_may_close_at_once() {
    in_each_version(|mut tunnel| {
        let (client, server) = tunnel.both(&Config::default());
        let ends = [client, server]
            .map(|mut socket| thread::spawn(move || socket.close(CloseCode::NORMAL, "")));
        for end in ends {
            assert_eq!(end.join().unwrap().unwrap().code, Some(CloseCode::NORMAL));
        }
    });
}

#[test]
fn dropped_websocket_says_that_it_goes_away() {
    in_each_version(|mut tunnel| {
        let (client, mut server) = tunnel.both(&Config::default());
        let sender = client.sender();
        drop(client);
        assert_eq!(server.read_within(LONG).unwrap(), None);
        assert_eq!(server.closed().unwrap().code, Some(CloseCode::GOING_AWAY));
        assert!(sender.send("late").is_err());
    });
}

#[test]
fn websocket_that_is_dropped_in_a_panic_says_so() {
    in_each_version(|mut tunnel| {
        let (client, mut server) = tunnel.both(&Config::default());
        let panics = thread::spawn(move || {
            let _client = client;
            std::panic::resume_unwind(Box::new("a bug of the application"));
        });
        assert!(panics.join().is_err());
        assert_eq!(server.read_within(LONG).unwrap(), None);
        assert_eq!(server.closed().unwrap().code, Some(CloseCode::INTERNAL_ERROR));
    });
}

#[test]
fn the_peer_is_told_what_it_did_wrong() {
    in_each_version(|mut tunnel| {
        let (mut recv, mut send) = tunnel.client_halves();
        let mut server = tunnel.server(&Config::default());
        send.send(frame(0x83, b"an opcode that is reserved")).unwrap();
        let error = server.read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Peer);
        assert_eq!(error.close_code(), Some(CloseCode::PROTOCOL_ERROR));
        assert_eq!(server.read().unwrap_err().to_string(), error.to_string());
        assert_eq!(server.send("late").unwrap_err().to_string(), error.to_string());
        let close = b"\x88\x19\x03\xeaa frame with opcode 0x3";
        assert_eq!(read_octets(&mut recv, close.len()), close);
        assert!(recv.next_chunk().unwrap().is_none(), "and the direction ends");
    });
}

#[test]
fn end_without_a_close_frame_is_an_error() {
    in_each_version(|mut tunnel| {
        let (_recv, mut send) = tunnel.client_halves();
        let mut server = tunnel.server(&Config::default());
        send.send(frame(0x81, b"last words")).unwrap();
        send.finish().unwrap();
        assert_eq!(server.read().unwrap(), Some("last words".into()));
        let error = server.read().unwrap_err();
        assert!(error.is_closed());
        assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
    });
}

#[test]
fn transport_that_ends_before_its_time_is_an_error_of_all_parts() {
    in_each_version(|mut tunnel| {
        let halves = tunnel.client_halves();
        let (mut reader, sender) = tunnel.server(&Config::default()).split();
        drop(halves);
        let error = reader.read().unwrap_err();
        assert_eq!(reader.read().unwrap_err().to_string(), error.to_string());
        assert!(sender.send("late").is_err() && sender.try_send("late").is_err());
    });
}

#[test]
fn an_iteration_ends_behind_an_error() {
    in_each_version(|mut tunnel| {
        let halves = tunnel.client_halves();
        let server = tunnel.server(&Config::default());
        drop(halves);
        assert_eq!(server.map(|item| item.is_err()).collect::<Vec<_>>(), [true]);
    });
}

#[test]
fn a_reader_that_is_dropped_does_not_wait_for_the_peer() {
    in_each_version(|mut tunnel| {
        let _halves = tunnel.client_halves();
        let server = tunnel.server(&Config::default());
        let begun = Instant::now();
        drop(server);
        assert!(begun.elapsed() < LONG / 2);
    });
}

#[test]
fn what_is_kept_lives_as_long_as_the_last_part() {
    in_each_version(|mut tunnel| {
        let (client, _server) = tunnel.both(&Config::default());
        let guard = std::sync::Arc::new(());
        client.keep(Box::new(std::sync::Arc::clone(&guard)));
        let (reader, sender) = client.split();
        drop(reader);
        assert_eq!(std::sync::Arc::strong_count(&guard), 2);
        drop(sender);
        assert_eq!(std::sync::Arc::strong_count(&guard), 1);
    });
}

#[test]
fn a_weak_closer_closes_and_keeps_nothing_alive() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        let close = server.weak_closer();
        let server = thread::spawn(move || server.map(Result::unwrap).count());
        close(CloseCode::RESTART, "");
        assert_eq!(client.read_within(LONG).unwrap(), None);
        assert_eq!(client.closed().unwrap().code, Some(CloseCode::RESTART));
        assert_eq!(server.join().unwrap(), 0);
        close(CloseCode::NORMAL, "");
    });
}

#[test]
fn what_came_behind_the_close_frame_is_kept() {
    in_each_version(|mut tunnel| {
        let (_recv, mut send) = tunnel.client_halves();
        let mut server = tunnel.server(&Config::default());
        send.send([frame(0x88, b""), b"another protocol".to_vec()].concat()).unwrap();
        assert_eq!(server.read_within(LONG).unwrap(), None);
        assert_eq!(server.into_rest(), "another protocol");
    });
}
