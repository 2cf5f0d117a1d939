//! Closing wakes blocked threads, and a half-close leaves the other direction open.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::super::{Closer, Halves, Pair, Shared, Transport, duplex};
use super::{read, read_exact, tcp, write_all, write_for_ever};

/// `close` ends a read and a write that wait for a silent peer, whether or not they have blocked
/// yet.
fn close_wakes_both(transport: impl Transport) {
    let Halves { mut reader, mut writer, closer } = transport.split().unwrap();
    assert!(closer.wakes_reader());
    // A child that echoes has something to read at first.
    let reading = thread::spawn(move || while read(&mut reader, &mut [0; 16]).unwrap_or(0) > 0 {});
    let writing = thread::spawn(move || write_for_ever(&mut writer));
    closer.close().unwrap();
    reading.join().unwrap();
    assert_ne!(writing.join().unwrap().kind(), io::ErrorKind::WriteZero);
    closer.close().unwrap();
    closer.shutdown_write().unwrap();
}

/// `close` ends a write when the stream's buffers are full.
fn close_wakes_a_writer_that_is_stuck(transport: impl Transport) {
    let Halves { reader, mut writer, closer } = transport.split().unwrap();
    // A write that gives up has found all buffers full.
    while writer.write(&[0; 64 * 1024]).is_ok() {}
    let writing = thread::spawn(move || write_for_ever(&mut writer));
    closer.close().unwrap();
    assert_eq!(writing.join().unwrap().kind(), io::ErrorKind::BrokenPipe);
    drop(reader);
}

/// After `shutdown_write` the peer reads what was written, then the end, and can still write.
fn half_close(ours: impl Transport, theirs: impl Transport) {
    let mut ours = ours.split().unwrap();
    let mut theirs = theirs.split().unwrap();
    write_all(&mut ours.writer, b"the last words").unwrap();
    ours.closer.shutdown_write().unwrap();
    assert!(ours.writer.write(b"!").is_err());

    let mut words = [0; 14];
    read_exact(&mut theirs.reader, &mut words);
    assert_eq!(&words, b"the last words");
    assert_eq!(read(&mut theirs.reader, &mut words).unwrap(), 0);

    write_all(&mut theirs.writer, b"an answer").unwrap();
    let mut answer = [0; 9];
    read_exact(&mut ours.reader, &mut answer);
    assert_eq!(&answer, b"an answer");
}

/// Dropping the halves ends the stream for the peer, even if a closer is left.
fn dropping_ends_it(ours: impl Transport, mut theirs: impl Read) {
    let Halves { reader, writer, closer } = ours.split().unwrap();
    drop(writer);
    drop(reader);
    assert_eq!(read(&mut theirs, &mut [0; 16]).unwrap(), 0);
    closer.shutdown_write().unwrap();
    closer.close().unwrap();
}

fn timed(socket: TcpStream) -> Shared<TcpStream> {
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    socket.set_write_timeout(Some(Duration::from_millis(2))).unwrap();
    Shared::with_shutdown(socket, |socket, how| socket.shutdown(how))
}

fn non_blocking(socket: TcpStream) -> Shared<TcpStream> {
    socket.set_nonblocking(true).unwrap();
    Shared::with_shutdown(socket, |socket, how| socket.shutdown(how))
}

#[test]
fn closing_tcp_wakes_both() {
    let (ours, _theirs) = tcp();
    close_wakes_both(ours);
    let (ours, _theirs) = tcp();
    close_wakes_a_writer_that_is_stuck(ours);
}

#[cfg(unix)]
#[test]
fn closing_a_unix_socket_wakes_both() {
    use std::os::unix::net::UnixStream;
    let (ours, _theirs) = UnixStream::pair().unwrap();
    close_wakes_both(ours);
    let (ours, _theirs) = UnixStream::pair().unwrap();
    close_wakes_a_writer_that_is_stuck(ours);
}

#[test]
fn closing_a_duplex_wakes_both() {
    let (ours, _theirs) = duplex(1024);
    close_wakes_both(ours);
    let (ours, _theirs) = duplex(1024);
    close_wakes_a_writer_that_is_stuck(ours);
}

#[test]
fn closing_a_shared_stream_wakes_both() {
    for share in [timed, non_blocking] {
        let (ours, _theirs) = tcp();
        close_wakes_both(share(ours));
        let (ours, _theirs) = tcp();
        close_wakes_a_writer_that_is_stuck(share(ours));
    }
}

#[cfg(unix)]
#[test]
fn closing_a_pair_ends_what_its_closer_ends() {
    use std::process::{Command, Stdio};
    let mut child =
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdout, stdin) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let child = Mutex::new(child);
    let closer = Closer::new(move |how| {
        assert_eq!(how, Shutdown::Both);
        let mut child = child.lock().unwrap();
        child.kill()?;
        child.wait().map(|_| ())
    });
    close_wakes_both(Pair::with_closer(stdout, stdin, closer));
}

#[test]
fn half_closing_leaves_the_other_direction_open() {
    let (ours, theirs) = tcp();
    half_close(ours, theirs);
    let (ours, theirs) = duplex(1024);
    half_close(ours, theirs);
    let (ours, theirs) = tcp();
    half_close(timed(ours), theirs);
    let (ours, theirs) = tcp();
    half_close(non_blocking(ours), theirs);
    #[cfg(unix)]
    {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        half_close(ours, theirs);
    }
}

#[test]
fn dropping_both_halves_closes_the_stream() {
    let (ours, theirs) = tcp();
    dropping_ends_it(ours, theirs);
    let (ours, theirs) = duplex(1024);
    dropping_ends_it(ours, theirs);
    let (ours, theirs) = duplex(1024);
    dropping_ends_it(Shared::new(ours), theirs);
}

#[test]
fn each_step_of_a_closer_is_taken_once() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let closer = Closer::new(move |how| {
        seen.lock().unwrap().push(how);
        Ok(())
    });
    for closer in [&closer.clone(), &closer] {
        closer.shutdown_write().unwrap();
        closer.close().unwrap();
        closer.shutdown_write().unwrap();
    }
    assert_eq!(*calls.lock().unwrap(), [Shutdown::Write, Shutdown::Both]);
}

#[test]
fn a_panic_of_the_stream_is_an_error_of_the_closer() {
    let closer = Closer::new(|_| std::panic::resume_unwind(Box::new("a bug in the stream")));
    assert!(closer.shutdown_write().unwrap_err().to_string().contains("panicked"));
    assert!(closer.close().unwrap_err().to_string().contains("panicked"));
}

#[test]
fn a_disconnected_stream_counts_as_closed() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let closer = Closer::new(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::NotConnected.into())
    });
    closer.close().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_pair_cannot_be_woken() {
    let Halves { closer, .. } = (io::empty(), io::sink()).split().unwrap();
    assert!(!closer.wakes_reader());
    closer.shutdown_write().unwrap();
    closer.close().unwrap();
}
