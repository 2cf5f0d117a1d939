//! Sharing a stream in turns, with scripted streams.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use super::super::{Halves, Shared, SharedReader, SharedWriter, Transport, duplex};
use super::{read, write_all};

/// A stream that logs each call. It has no input; its writes follow a script, then accept
/// everything.
struct Scripted {
    log: Arc<Mutex<Vec<String>>>,
    writes: VecDeque<io::Result<usize>>,
}

type ScriptedHalves = Halves<SharedReader<Scripted>, SharedWriter<Scripted>>;

fn scripted<const N: usize>(
    writes: [io::Result<usize>; N],
) -> (ScriptedHalves, Arc<Mutex<Vec<String>>>) {
    let log = Arc::default();
    let stream = Scripted { log: Arc::clone(&log), writes: writes.into() };
    (Shared::new(stream).split().unwrap(), log)
}

impl Read for Scripted {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Scripted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let result = self.writes.pop_front().unwrap_or(Ok(buf.len()));
        self.log.lock().unwrap().push(format!("write {result:?}"));
        result
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.log.lock().unwrap().push(format!("write {} slices", bufs.len()));
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.lock().unwrap().push("flush".to_owned());
        Ok(())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.log.lock().unwrap().push("drop".to_owned());
    }
}

#[test]
fn giving_up_is_passed_on() {
    let (mut halves, _) = scripted([Err(ErrorKind::WouldBlock.into())]);
    let error = halves.reader.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let error = halves.writer.write(b"hello").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_partial_write_is_passed_on() {
    let (mut halves, _) = scripted([Ok(2)]);
    assert_eq!(halves.writer.write(b"hello").unwrap(), 2);
    assert_eq!(halves.writer.write(b"llo").unwrap(), 3);
}

#[test]
fn vectored_writes_reach_the_stream_whole() {
    let (mut halves, log) = scripted([]);
    let bufs = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    assert_eq!(halves.writer.write_vectored(&bufs).unwrap(), 4);
    assert_eq!(*log.lock().unwrap(), ["write 2 slices"]);
}

#[test]
fn shutting_the_write_side_flushes() {
    let (mut halves, log) = scripted([]);
    halves.closer.shutdown_write().unwrap();
    assert_eq!(*log.lock().unwrap(), ["flush"]);
    assert_eq!(halves.writer.write(b"late").unwrap_err().kind(), ErrorKind::BrokenPipe);
    halves.writer.flush().unwrap();
    assert_eq!(halves.reader.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn after_closing_the_reader_is_at_the_end_and_the_writer_fails() {
    let (mut halves, log) = scripted([]);
    halves.closer.close().unwrap();
    assert_eq!(halves.reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(halves.writer.write(b"late").unwrap_err().kind(), ErrorKind::BrokenPipe);
    drop(halves.writer);
    assert_eq!(*log.lock().unwrap(), ["flush"], "the reader is left");
    drop(halves.reader);
    assert_eq!(*log.lock().unwrap(), ["flush", "drop"], "and flushed only once");
}

#[test]
fn dropping_both_halves_flushes_and_drops_the_stream() {
    let (halves, log) = scripted([]);
    let closer = halves.closer;
    drop(halves.reader);
    drop(halves.writer);
    assert_eq!(*log.lock().unwrap(), ["flush", "drop"]);
    closer.close().unwrap();
}

#[test]
fn a_shutdown_that_gives_up_is_tried_again_after_the_next_turn() {
    let (ours, _theirs) = duplex(8);
    let mut results = VecDeque::from([Err(ErrorKind::WouldBlock.into()), Ok(())]);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let shared = Shared::with_shutdown(ours, move |_, how| {
        seen.lock().unwrap().push(how);
        results.pop_front().unwrap_or(Ok(()))
    });
    let mut halves = shared.split().unwrap();
    assert_eq!(halves.closer.shutdown_write().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(halves.reader.read(&mut []).unwrap(), 0);
    assert_eq!(halves.reader.read(&mut []).unwrap(), 0);
    assert_eq!(*calls.lock().unwrap(), [Shutdown::Write, Shutdown::Write]);
}

/// A stream that panics when it is written to.
struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Panicking {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("a bug in the stream");
    }

    fn flush(&mut self) -> io::Result<()> {
        panic!("a stream that has panicked is left alone");
    }
}

#[test]
fn a_stream_that_panics_fails_for_the_other_half() {
    let Halves { mut reader, mut writer, closer } = Shared::new(Panicking).split().unwrap();
    let reading = thread::spawn(move || read(&mut reader, &mut [0; 8]));
    assert!(catch_unwind(AssertUnwindSafe(|| writer.write(b"boom"))).is_err());
    // The end of the stream would look as if the peer had closed it.
    assert!(reading.join().unwrap().unwrap_err().to_string().contains("panicked"));
    closer.close().unwrap();
}

/// Requests and responses alternate, so that each side constantly waits for the other's bytes.
#[test]
fn a_write_gets_its_turn_while_the_other_half_reads() {
    let (ours, theirs) = super::tcp();
    ours.set_nonblocking(true).unwrap();
    let mut ours = Shared::new(ours).split().unwrap();
    let mut theirs = theirs.split().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut buf = [0; 1];
            while read(&mut theirs.reader, &mut buf).unwrap() > 0 {
                write_all(&mut theirs.writer, &buf).unwrap();
            }
        });
        let mut buf = [0; 1];
        for n in 0..200 {
            write_all(&mut ours.writer, &[n]).unwrap();
            assert_eq!(read(&mut ours.reader, &mut buf).unwrap(), 1);
            assert_eq!(buf, [n]);
        }
        drop(ours);
    });
}
