//! One direction of a [duplex](super::duplex()): a bounded buffer with blocking operations.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A buffer that one end writes and the other reads.
///
/// The internal lock is held only for copying.
pub(super) struct Pipe {
    state: Mutex<State>,
    readable: Condvar,
    writable: Condvar,
}

struct State {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The writing end is done: reads return the remaining bytes, then the end.
    writer_done: bool,
    /// The reading end is done: writes fail.
    reader_done: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    // Waiting threads are counted, since a wake-up is a system call even without any.
    readers_waiting: usize,
    writers_waiting: usize,
}

impl Pipe {
    /// Creates a pipe that holds `capacity` bytes, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Pipe {
            state: Mutex::new(State {
                bytes: VecDeque::new(),
                // Without room for a byte, a write would wait forever.
                capacity: capacity.max(1),
                writer_done: false,
                reader_done: false,
                read_timeout: None,
                write_timeout: None,
                readers_waiting: 0,
                writers_waiting: 0,
            }),
            readable: Condvar::new(),
            writable: Condvar::new(),
        }
    }

    /// Reads bytes; blocks while there are none and the writing end is open.
    pub(super) fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut state = self.lock();
        let mut deadline = Deadline::Unset;
        while state.bytes.is_empty() {
            if state.writer_done || state.reader_done {
                return Ok(0);
            }
            let left = deadline.left(state.read_timeout)?;
            state.readers_waiting += 1;
            state = wait(&self.readable, state, left);
            state.readers_waiting -= 1;
        }
        let n = state.take(buf);
        let wake = state.writers_waiting > 0;
        // Unlocked before the wake-up, so that the woken thread does not block on the lock.
        drop(state);
        if wake {
            self.writable.notify_all();
        }
        Ok(n)
    }

    /// Writes as many bytes as there is room for; blocks while there is none.
    pub(super) fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.lock();
        let mut deadline = Deadline::Unset;
        loop {
            if state.writer_done || state.reader_done {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if state.room() > 0 || bufs.iter().all(|buf| buf.is_empty()) {
                break;
            }
            let left = deadline.left(state.write_timeout)?;
            state.writers_waiting += 1;
            state = wait(&self.writable, state, left);
            state.writers_waiting -= 1;
        }
        let n = state.put(bufs);
        let wake = n > 0 && state.readers_waiting > 0;
        drop(state);
        if wake {
            self.readable.notify_all();
        }
        Ok(n)
    }

    /// Ends writing: reads return the remaining bytes, then the end.
    pub(super) fn finish_writing(&self) {
        self.lock().writer_done = true;
        self.wake_all();
    }

    /// Ends reading: remaining bytes are dropped, and writes fail.
    pub(super) fn finish_reading(&self) {
        let mut state = self.lock();
        state.reader_done = true;
        state.bytes = VecDeque::new();
        drop(state);
        self.wake_all();
    }

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.lock().read_timeout = timeout;
    }

    pub(super) fn read_timeout(&self) -> Option<Duration> {
        self.lock().read_timeout
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.lock().write_timeout = timeout;
    }

    pub(super) fn write_timeout(&self) -> Option<Duration> {
        self.lock().write_timeout
    }

    fn wake_all(&self) {
        self.readable.notify_all();
        self.writable.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each statement leaves the state consistent, so a poisoned lock does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }

    /// Moves bytes to `buf`, in up to two pieces.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.bytes.len());
        let (front, back) = self.bytes.as_slices();
        let from_front = n.min(front.len());
        // `from_front` ≤ `n` ≤ `buf.len()`, and `n` ≤ `front.len() + back.len()`.
        buf[..from_front].copy_from_slice(&front[..from_front]);
        buf[from_front..n].copy_from_slice(&back[..n - from_front]);
        self.bytes.drain(..n);
        n
    }

    /// Copies as many bytes of `bufs` as there is room for.
    fn put(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        let mut total = 0;
        for buf in bufs {
            let n = buf.len().min(self.room());
            // `n` ≤ `buf.len()`
            self.bytes.extend(&buf[..n]);
            total += n;
        }
        total
    }
}

/// The time at which a blocking call gives up; computed only by calls that do block.
enum Deadline {
    Unset,
    Never,
    At(Instant),
}

impl Deadline {
    /// Returns the remaining time, or `None` without a timeout. Fails with `TimedOut` if none is
    /// left.
    fn left(&mut self, timeout: Option<Duration>) -> io::Result<Option<Duration>> {
        match *self {
            Deadline::Unset => {
                // A deadline that `Instant` cannot represent counts as none.
                let at = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                *self = at.map_or(Deadline::Never, Deadline::At);
                Ok(timeout)
            }
            Deadline::Never => Ok(None),
            Deadline::At(at) => match at.saturating_duration_since(Instant::now()) {
                Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
                left => Ok(Some(left)),
            },
        }
    }
}

fn wait<'a>(
    condvar: &Condvar,
    state: MutexGuard<'a, State>,
    left: Option<Duration>,
) -> MutexGuard<'a, State> {
    match left {
        None => condvar.wait(state).unwrap_or_else(PoisonError::into_inner),
        Some(left) => condvar.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Blocks a read in one pipe and a write in another, and calls `then` while both are blocked.
    fn while_blocked(then: impl Fn(&Pipe)) -> (io::Result<usize>, io::Result<usize>) {
        let (empty, full) = (Pipe::new(1), Pipe::new(1));
        assert_eq!(full.write_vectored(&[IoSlice::new(b"x")]).unwrap(), 1);
        thread::scope(|scope| {
            let reading = scope.spawn(|| empty.read(&mut [0; 8]));
            let writing = scope.spawn(|| full.write_vectored(&[IoSlice::new(b"y")]));
            while empty.lock().readers_waiting == 0 || full.lock().writers_waiting == 0 {
                thread::yield_now();
            }
            then(&empty);
            then(&full);
            (reading.join().unwrap(), writing.join().unwrap())
        })
    }

    #[test]
    fn the_end_of_writing_wakes_both() {
        let (read, written) = while_blocked(Pipe::finish_writing);
        assert_eq!(read.unwrap(), 0);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_end_of_reading_wakes_both() {
        let (read, written) = while_blocked(Pipe::finish_reading);
        assert_eq!(read.unwrap(), 0);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
