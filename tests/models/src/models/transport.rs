//! The transports whose threads wait for one another.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use modelled_std::model::{self, Time};

use crate::transport::{Halves, Shared, Transport, duplex, gave_up};

const TEXT: &[u8] = b"what is written at one end";

/// Octets pass a small pipe: all arrive, in order, then the end.
pub fn a_pipe_loses_nothing() {
    model::check(600, Time::Waits, || {
        let (mut near, mut far) = duplex(4);
        let writes = thread::spawn(move || {
            near.write_all(TEXT).unwrap();
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).unwrap();
        assert_eq!(read, TEXT);
        writes.join().unwrap();
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

/// A duplex is closed while both directions are in use: all waiting calls return.
pub fn closing_a_duplex_wakes_all() {
    model::check(600, Time::Waits, || {
        let (near, far) = duplex(4);
        let Halves { mut reader, mut writer, closer } = near.split().unwrap();
        let reads = thread::spawn(move || {
            let mut octets = [0; 8];
            while reader.read(&mut octets).is_ok_and(|n| n > 0) {}
        });
        // It holds less than that, and no thread reads it.
        let writes = thread::spawn(move || while writer.write(TEXT).is_ok() {});
        closer.close().unwrap();
        reads.join().unwrap();
        writes.join().unwrap();
        drop(far);
    });
}

/// A stream that echoes writes, never waits, and must not be used by two threads at once.
struct Echo {
    octets: VecDeque<u8>,
    in_use: Arc<AtomicBool>,
}

struct InUse(Arc<AtomicBool>);

impl Echo {
    fn enter(&self) -> InUse {
        let before = self.in_use.swap(true, Ordering::SeqCst);
        model::assert(!before, "two threads use the stream at once");
        InUse(Arc::clone(&self.in_use))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Read for Echo {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let _in_use = self.enter();
        if self.octets.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.octets.read(buf)
    }
}

impl Write for Echo {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let _in_use = self.enter();
        let room = 5_usize.saturating_sub(self.octets.len()).min(buf.len());
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.octets.extend(&buf[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn echo() -> Echo {
    Echo { octets: VecDeque::new(), in_use: Arc::default() }
}

/// Two sides share a stream by turns: both make progress, never at once.
pub fn turns_are_taken_one_at_a_time() {
    let body = || {
        let Halves { mut reader, mut writer, closer } = Shared::new(echo()).split().unwrap();
        let writes = thread::spawn(move || {
            let mut left = TEXT;
            while !left.is_empty() {
                match writer.write(left) {
                    Ok(n) => left = &left[n..],
                    Err(error) => assert!(gave_up(&error), "{error}"),
                }
            }
            writer
        });
        let mut read = Vec::new();
        while read.len() < TEXT.len() {
            let mut octets = [0; 16];
            match reader.read(&mut octets) {
                Ok(n) => read.extend_from_slice(&octets[..n]),
                Err(error) => assert!(gave_up(&error), "{error}"),
            }
        }
        assert_eq!(read, TEXT);
        drop(writes.join().unwrap());
        closer.close().unwrap();
    };
    model::check(600, Time::Waits, body);
    model::check(300, Time::RunsFor(Duration::from_millis(50)), body);
}

/// The stream is shut down while both sides use it, pause or wait for their turn: they return, and
/// it is shut down once, after its last use.
pub fn closing_ends_all_turns() {
    let body = || {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        let shutdown = move |stream: &mut Echo, how| {
            let _in_use = stream.enter();
            seen.lock().unwrap().push(how);
            Ok(())
        };
        let halves = Shared::with_shutdown(echo(), shutdown).split().unwrap();
        let Halves { mut reader, mut writer, closer } = halves;
        let reads = thread::spawn(move || {
            let mut octets = [0; 3];
            loop {
                match reader.read(&mut octets) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) => assert!(gave_up(&error), "{error}"),
                }
            }
        });
        let writes = thread::spawn(move || {
            while writer.write(TEXT).map_or_else(|error| gave_up(&error), |_| true) {}
        });
        closer.shutdown_write().unwrap();
        closer.close().unwrap();
        reads.join().unwrap();
        writes.join().unwrap();
        let log = log.lock().unwrap();
        assert_eq!(log.iter().filter(|how| **how == Shutdown::Both).count(), 1, "{log:?}");
    };
    model::check(600, Time::Waits, body);
    model::check(300, Time::RunsFor(Duration::from_millis(50)), body);
}
