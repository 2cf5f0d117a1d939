//! The timeouts and blocking mode that splitting sets.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use super::super::{Transport, WRITE_TICK, duplex, gave_up};
use super::{tcp, write_all};

/// Reads block without limit, whatever was set on the stream before.
fn reads_wait(ours: impl Transport, theirs: impl Transport) {
    let (mut ours, mut theirs) = (ours.split().unwrap(), theirs.split().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut buf = [0; 1];
            while theirs.reader.read(&mut buf).unwrap() > 0 {
                write_all(&mut theirs.writer, &buf).unwrap();
            }
        });
        let mut buf = [0; 1];
        for n in 0..100 {
            ours.writer.write_all(&[n]).unwrap();
            assert_eq!(ours.reader.read(&mut buf).unwrap(), 1);
            assert_eq!(buf, [n]);
        }
        drop(ours);
    });
}

#[test]
fn sockets_become_blocking() {
    let (ours, theirs) = tcp();
    ours.set_nonblocking(true).unwrap();
    reads_wait(ours, theirs);
    #[cfg(unix)]
    {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        reads_wait(ours, theirs);
    }
}

#[test]
fn read_timeouts_are_cleared() {
    let short = Some(Duration::from_millis(1));
    let (ours, _theirs) = tcp();
    ours.set_read_timeout(short).unwrap();
    let ours = ours.split().unwrap();
    assert_eq!(ours.reader.get_ref().read_timeout().unwrap(), None);
    #[cfg(unix)]
    {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_read_timeout(short).unwrap();
        let ours = ours.split().unwrap();
        assert_eq!(ours.reader.get_ref().read_timeout().unwrap(), None);
    }
    let (ours, _theirs) = duplex(8);
    ours.set_read_timeout(short).unwrap();
    let ours = ours.split().unwrap();
    assert_eq!(ours.reader.get_ref().read_timeout(), None);
    assert_eq!(ours.writer.get_ref().write_timeout(), Some(WRITE_TICK));
}

#[test]
fn three_error_kinds_mean_that_a_call_gave_up() {
    for kind in [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::TimedOut] {
        assert!(gave_up(&kind.into()), "{kind}");
    }
    assert!(!gave_up(&ErrorKind::ConnectionReset.into()));
    assert!(!gave_up(&io::Error::other("broken")));
}

#[test]
fn a_blocked_write_gives_up() {
    let (ours, _theirs) = tcp();
    let mut tcp = ours.split().unwrap().writer;
    let (ours, _theirs) = duplex(1024);
    let mut duplex = ours.split().unwrap().writer;
    for writer in [&mut tcp as &mut dyn Write, &mut duplex] {
        let error = loop {
            match writer.write(&[0; 64 * 1024]) {
                Ok(n) => assert!(n > 0),
                Err(error) => break error,
            }
        };
        assert!(gave_up(&error), "{error}");
    }
}

#[test]
fn a_shorter_write_timeout_is_kept() {
    let (ours, theirs) = tcp();
    let short = WRITE_TICK / 10;
    ours.set_write_timeout(Some(short)).unwrap();
    theirs.set_write_timeout(Some(WRITE_TICK * 10)).unwrap();
    let ours = ours.split().unwrap();
    let theirs = theirs.split().unwrap();
    assert!(ours.writer.get_ref().write_timeout().unwrap().unwrap() < WRITE_TICK);
    let long = theirs.writer.get_ref().write_timeout().unwrap().unwrap();
    assert!(long < WRITE_TICK * 2, "{long:?}");
    assert!(theirs.reader.get_ref().nodelay().unwrap());
}

/// The closer's read timeout makes a read give up, and is cleared again.
fn reads_give_up(ours: impl Transport, theirs: impl Transport) {
    let (mut ours, mut theirs) = (ours.split().unwrap(), theirs.split().unwrap());
    assert!(ours.closer.set_read_timeout(Some(Duration::from_millis(1))).unwrap());
    let error = ours.reader.read(&mut [0; 1]).unwrap_err();
    assert!(gave_up(&error), "{error}");
    assert!(ours.closer.set_read_timeout(None).unwrap());
    theirs.writer.write_all(b"x").unwrap();
    assert_eq!(ours.reader.read(&mut [0; 1]).unwrap(), 1);
}

#[test]
fn the_closer_sets_how_long_reads_wait() {
    let (ours, theirs) = tcp();
    reads_give_up(ours, theirs);
    #[cfg(unix)]
    {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        reads_give_up(ours, theirs);
    }
    let (ours, theirs) = duplex(8);
    reads_give_up(ours, theirs);
}

#[test]
fn a_read_timeout_of_zero_becomes_a_short_one() {
    let (ours, _theirs) = tcp();
    let mut ours = ours.split().unwrap();
    assert!(ours.closer.set_read_timeout(Some(Duration::ZERO)).unwrap());
    assert!(gave_up(&ours.reader.read(&mut [0; 1]).unwrap_err()));
}

#[test]
fn a_pair_has_no_read_timeout() {
    let ours = (io::empty(), io::sink()).split().unwrap();
    assert!(!ours.closer.set_read_timeout(Some(Duration::from_millis(1))).unwrap());
}
