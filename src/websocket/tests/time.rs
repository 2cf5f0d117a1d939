//! PINGs and times.

use std::thread;
use std::time::Duration;

use super::peer::{MUCH, frame, in_each_version, read_octets};
use crate::websocket::{CloseCode, Config};

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn ping_is_answered_while_a_thread_reads() {
    in_each_version(|mut tunnel| {
        let (mut recv, mut send) = tunnel.client_halves();
        let mut server = tunnel.server(&Config::default());
        let server = thread::spawn(move || server.read());
        send.send(frame(0x89, b"there?")).unwrap();
        assert_eq!(read_octets(&mut recv, 8), b"\x8a\x06there?");
        send.send(frame(0x88, b"")).unwrap();
        assert_eq!(server.join().unwrap().unwrap(), None);
    });
}

#[test]
fn ping_of_ours_goes_out() {
    in_each_version(|mut tunnel| {
        let (mut recv, _send) = tunnel.client_halves();
        let server = tunnel.server(&Config::default());
        server.ping("there?").unwrap();
        assert_eq!(read_octets(&mut recv, 8), b"\x89\x06there?");
        assert!(server.ping(vec![0; 126]).is_err());
    });
}

#[test]
fn reader_does_not_wait_behind_a_sender_whose_peer_does_not_read() {
    in_each_version(|mut tunnel| {
        let (mut recv, mut send) = tunnel.client_halves();
        let (mut reader, sender) = tunnel.server(&Config::default()).split();
        let sends = thread::spawn(move || sender.send(vec![0; MUCH]));
        // The peer has part of the message: the sender is at it.
        assert_eq!(read_octets(&mut recv, 1), [0x82]);
        for n in 0..10 {
            send.send([frame(0x89, b"there?"), frame(0x82, &[n])].concat()).unwrap();
            assert_eq!(reader.read().unwrap(), Some(vec![n].into()));
        }
        // The answer stands behind the message.
        read_octets(&mut recv, MUCH + 9);
        sends.join().unwrap().unwrap();
        assert_eq!(read_octets(&mut recv, 8), b"\x8a\x06there?");
    });
}

#[test]
fn silent_peer_is_asked_and_given_up() {
    in_each_version(|mut tunnel| {
        let (mut recv, _send) = tunnel.client_halves();
        let (ping_interval, ping_timeout) = (Some(SHORT), SHORT);
        let config = Config { ping_interval, ping_timeout, ..Config::default() };
        let mut server = tunnel.server(&config);
        let error = server.read().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(error.close_code(), Some(CloseCode::GOING_AWAY));
        assert_eq!(read_octets(&mut recv, 6), [0x89, 0, 0x88, 61, 0x03, 0xe9]);
        let reason = b"the peer has not answered a PING within 50ms (ping_timeout)";
        assert_eq!(read_octets(&mut recv, reason.len()), reason);
    });
}

#[test]
fn peer_that_answers_is_kept() {
    in_each_version(|mut tunnel| {
        let ping_interval = Some(Duration::from_millis(5));
        let config = Config { ping_interval, ..Config::default() };
        let (mut client, mut server) = tunnel.both(&config);
        let server = thread::spawn(move || server.read());
        let error = client.read_within(10 * SHORT).unwrap_err();
        assert!(error.is_timeout() && error.close_code().is_none());
        client.send("still there").unwrap();
        assert_eq!(server.join().unwrap().unwrap(), Some("still there".into()));
    });
}

#[test]
fn read_that_is_late_can_be_repeated_and_loses_nothing() {
    in_each_version(|mut tunnel| {
        let (_recv, mut send) = tunnel.client_halves();
        let config = Config { read_timeout: Some(SHORT), ..Config::default() };
        let mut server = tunnel.server(&config);
        let octets = frame(0x81, b"Hello");
        send.send(octets[..8].to_vec()).unwrap();
        let error = server.read().unwrap_err();
        assert_eq!(error.to_string(), "no message came within 50ms (read_timeout)");
        assert!(server.read().unwrap_err().is_timeout());
        send.send(octets[8..].to_vec()).unwrap();
        server.set_read_timeout(None);
        assert_eq!(server.read().unwrap(), Some("Hello".into()));
    });
}

#[test]
fn peer_that_does_not_read_fails_a_sender_in_time_and_the_reader_with_it() {
    in_each_version(|mut tunnel| {
        let _halves = tunnel.client_halves();
        let config = Config { write_timeout: Some(SHORT), ..Config::default() };
        let (mut reader, sender) = tunnel.server(&config).split();
        let reads = thread::spawn(move || reader.read());
        let error = sender.send(vec![0; 4 * MUCH]).unwrap_err();
        let what = "the peer took nothing of a message within 50ms (write_timeout)";
        assert_eq!(error.to_string(), what);
        assert!(sender.send("more").unwrap_err().is_timeout());
        assert!(reads.join().unwrap().is_err());
    });
}

#[test]
fn close_ends_in_time_while_a_sender_is_stuck() {
    in_each_version(|mut tunnel| {
        let _halves = tunnel.client_halves();
        let config = Config { close_timeout: SHORT, ..Config::default() };
        let (mut reader, sender) = tunnel.server(&config).split();
        let sends = thread::spawn(move || sender.send(vec![0; 4 * MUCH]));
        while !reader.shared.is_writing() {
            thread::yield_now();
        }
        assert!(reader.close(CloseCode::NORMAL, "").unwrap_err().is_timeout());
        assert!(sends.join().unwrap().is_err());
    });
}
