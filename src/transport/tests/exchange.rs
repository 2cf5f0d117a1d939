//! Bytes arrive complete and in order, in both directions at once.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use super::super::{Halves, Shared, Transport, duplex};
use super::{read, tcp, write_all};

/// The number of bytes that each side sends: 16 MiB.
const TOTAL: usize = 16 << 20;

/// The period of the sent bytes, a prime, so that no buffer size is a multiple of it.
const PERIOD: usize = 65_521;

fn pattern(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(PERIOD).collect()
}

fn send(mut writer: impl Write, seed: u32) {
    let pattern = pattern(seed);
    let mut left = TOTAL;
    while left > 0 {
        let n = left.min(PERIOD);
        write_all(&mut writer, &pattern[..n]).unwrap();
        left -= n;
    }
    writer.flush().unwrap();
}

fn receive(mut reader: impl Read, seed: u32) {
    let pattern = pattern(seed);
    let mut buf = vec![0; 64 * 1024];
    let mut position = 0;
    while position < TOTAL {
        let n = read(&mut reader, &mut buf).unwrap();
        assert!(n > 0, "the stream ended after {position} bytes");
        let mut got = &buf[..n];
        while !got.is_empty() {
            let expected = &pattern[position % PERIOD..];
            let m = got.len().min(expected.len());
            assert!(got[..m] == expected[..m], "wrong bytes after {position}");
            got = &got[m..];
            position += m;
        }
    }
    assert_eq!(position, TOTAL);
}

/// Sends in both directions at once, with a thread for each half.
fn exchange(a: impl Transport, b: impl Transport) {
    let (a, b) = (a.split().unwrap(), b.split().unwrap());
    let (Halves { reader: from_b, writer: to_b, .. }, Halves { reader: from_a, writer: to_a, .. }) =
        (a, b);
    thread::scope(|scope| {
        scope.spawn(|| send(to_b, 1));
        scope.spawn(|| send(to_a, 2));
        scope.spawn(|| receive(from_a, 1));
        scope.spawn(|| receive(from_b, 2));
    });
}

#[test]
fn over_tcp() {
    let (a, b) = tcp();
    exchange(a, b);
}

#[test]
fn over_tcp_that_was_non_blocking() {
    let (a, b) = tcp();
    a.set_nonblocking(true).unwrap();
    exchange(a, b);
}

#[cfg(unix)]
#[test]
fn over_a_unix_socket() {
    let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
    exchange(a, b);
}

#[cfg(unix)]
#[test]
fn over_a_pair_of_one_way_streams() {
    use std::os::unix::net::UnixStream;
    let (a, b) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    exchange((a.0, b.1), (b.0, a.1));
}

#[cfg(unix)]
#[test]
fn over_the_pipes_of_a_child_process() {
    use std::process::{Command, Stdio};
    let mut child =
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let Halves { reader, writer, .. } = pipes.split().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| send(writer, 3));
        scope.spawn(|| receive(reader, 3));
    });
    assert!(child.wait().unwrap().success(), "it has read the end of its stdin");
}

#[test]
fn over_a_duplex() {
    let (a, b) = duplex(256 * 1024);
    exchange(a, b);
}

#[test]
fn over_a_duplex_smaller_than_any_write() {
    let (a, b) = duplex(1009);
    exchange(a, b);
}

#[test]
fn over_shared_streams_with_timeouts() {
    let (a, b) = tcp();
    for socket in [&a, &b] {
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        socket.set_write_timeout(Some(Duration::from_millis(2))).unwrap();
    }
    exchange(Shared::new(a), Shared::new(b));
}

#[test]
fn over_shared_streams_in_non_blocking_mode() {
    let (a, b) = tcp();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    exchange(Shared::new(a), Shared::new(b));
}

#[test]
fn over_a_shared_stream_and_a_plain_one() {
    let (a, b) = tcp();
    a.set_nonblocking(true).unwrap();
    exchange(Shared::new(a), b);
}

#[test]
fn over_shared_duplex_ends() {
    let (a, b) = duplex(128 * 1024);
    for end in [&a, &b] {
        end.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        end.set_write_timeout(Some(Duration::from_millis(1))).unwrap();
    }
    exchange(Shared::new(a), Shared::new(b));
}
