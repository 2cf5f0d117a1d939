//! The in-memory stream.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use super::super::duplex;

const SOON: Option<Duration> = Some(Duration::from_millis(1));

#[test]
fn a_read_without_data_times_out() {
    let (mut ours, _theirs) = duplex(8);
    ours.set_read_timeout(SOON).unwrap();
    assert_eq!(ours.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_write_without_room_times_out() {
    let (mut ours, _theirs) = duplex(8);
    ours.set_write_timeout(SOON).unwrap();
    assert_eq!(ours.write(b"0123456789").unwrap(), 8);
    assert_eq!(ours.write(b"89").unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn each_direction_has_its_own_timeout_and_capacity() {
    let (mut ours, mut theirs) = duplex(4);
    ours.set_write_timeout(SOON).unwrap();
    ours.write_all(b"full").unwrap();
    theirs.write_all(b"too").unwrap();
    let mut buf = [0; 8];
    assert_eq!(ours.read(&mut buf).unwrap(), 3);
    assert_eq!(&buf[..3], b"too");
}

#[test]
fn a_timeout_of_zero_is_refused() {
    let (ours, _theirs) = duplex(8);
    let zero = Some(Duration::ZERO);
    assert_eq!(ours.set_read_timeout(zero).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(ours.set_write_timeout(zero).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_timeout_beyond_the_clock_counts_as_none() {
    let (mut ours, mut theirs) = duplex(8);
    ours.set_read_timeout(Some(Duration::MAX)).unwrap();
    let reading = thread::spawn(move || ours.read(&mut [0; 8]));
    theirs.write_all(b"hello").unwrap();
    assert_eq!(reading.join().unwrap().unwrap(), 5);
}

#[test]
fn a_vectored_write_is_one_write() {
    let (mut ours, mut theirs) = duplex(8);
    let bufs = [IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"defghijk")];
    assert_eq!(ours.write_vectored(&bufs).unwrap(), 8);
    let mut buf = [0; 16];
    assert_eq!(theirs.read(&mut buf).unwrap(), 8);
    assert_eq!(&buf[..8], b"abcdefgh");
}

#[test]
fn bytes_that_wrap_around_stay_in_order() {
    let (mut ours, mut theirs) = duplex(8);
    let mut buf = [0; 8];
    for round in 0..100_u8 {
        let sent = [round, round + 1, round + 2, round + 3, round + 4];
        ours.write_all(&sent).unwrap();
        theirs.read_exact(&mut buf[..5]).unwrap();
        assert_eq!(buf[..5], sent);
    }
}

#[test]
fn a_capacity_of_zero_means_one() {
    let (mut ours, mut theirs) = duplex(0);
    assert_eq!(ours.write(b"ab").unwrap(), 1);
    assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 1);
}

#[test]
fn nothing_is_written_or_read_at_once() {
    let (mut ours, mut theirs) = duplex(1);
    ours.write_all(b"a").unwrap();
    assert_eq!(ours.write(b"").unwrap(), 0);
    assert_eq!(ours.read(&mut []).unwrap(), 0);
    assert_eq!(theirs.read(&mut []).unwrap(), 0);
}

#[test]
fn dropping_an_end_lets_the_other_read_what_is_left() {
    let (mut ours, mut theirs) = duplex(8);
    ours.write_all(b"bye").unwrap();
    drop(ours);
    let mut text = String::new();
    theirs.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye");
    assert_eq!(theirs.write(b"?").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn shutting_the_read_side_fails_the_peers_writes_only() {
    let (mut ours, mut theirs) = duplex(8);
    theirs.write_all(b"unread").unwrap();
    ours.shutdown(Shutdown::Read).unwrap();
    assert_eq!(ours.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(theirs.write(b"?").unwrap_err().kind(), ErrorKind::BrokenPipe);
    ours.write_all(b"still").unwrap();
    assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 5);
}

#[test]
fn dropping_an_end_wakes_the_other() {
    let (ours, theirs) = duplex(8);
    let theirs = &theirs;
    thread::scope(|scope| {
        let reading = scope.spawn(|| (&*theirs).read(&mut [0; 8]));
        let writing = scope.spawn(|| (&*theirs).write_all(&[0; 64]));
        drop(ours);
        assert_eq!(reading.join().unwrap().unwrap(), 0);
        assert_eq!(writing.join().unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}
