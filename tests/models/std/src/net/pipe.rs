//! One direction of a connection.

use ::std::collections::VecDeque;
use ::std::io;
use ::std::sync::Arc;
use ::std::time::Duration;

use super::epoll::Source;
use crate::model;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::time::Instant;

pub(super) struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
    source: Arc<Source>,
}

#[derive(Default)]
struct State {
    octets: VecDeque<u8>,
    capacity: usize,
    is_written: bool,
    is_read: bool,
    /// The writer has ended: the end follows the buffered octets.
    has_ended: bool,
    /// The reader has ended.
    is_deaf: bool,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { capacity, ..State::default() };
        Pipe { state: Mutex::new(state), changed: Condvar::new(), source: Arc::default() }
    }

    /// Reads or peeks.
    pub(super) fn read(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
        takes: bool,
    ) -> io::Result<usize> {
        let mut state = self.lock();
        model::assert(!state.is_read, "two threads read one connection at the same time");
        state.is_read = true;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let result = loop {
            if !state.octets.is_empty() || buf.is_empty() {
                let n = buf.len().min(state.octets.len());
                let (front, back) = state.octets.as_slices();
                let from_front = n.min(front.len());
                buf[..from_front].copy_from_slice(&front[..from_front]);
                buf[from_front..n].copy_from_slice(&back[..n - from_front]);
                state.octets.drain(..if takes { n } else { 0 });
                break Ok(n);
            }
            if state.has_ended || state.is_deaf {
                break Ok(0);
            }
            state = match self.wait(state, until) {
                (state, true) => state,
                (late, false) => {
                    state = late;
                    break Err(io::ErrorKind::WouldBlock.into());
                }
            };
        };
        state.is_read = false;
        self.source.set_readable(state.is_readable());
        drop(state);
        self.changed.notify_all();
        result
    }

    pub(super) fn write(&self, buf: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let mut state = self.lock();
        model::assert(!state.is_written, "two threads write one connection at the same time");
        state.is_written = true;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let result = loop {
            if state.has_ended || state.is_deaf {
                break Err(io::ErrorKind::BrokenPipe.into());
            }
            let n = buf.len().min(state.capacity.saturating_sub(state.octets.len()));
            if n > 0 || buf.is_empty() {
                state.octets.extend(&buf[..n]);
                break Ok(n);
            }
            state = match self.wait(state, until) {
                (state, true) => state,
                (late, false) => {
                    state = late;
                    break Err(io::ErrorKind::WouldBlock.into());
                }
            };
        };
        state.is_written = false;
        self.source.set_readable(state.is_readable());
        drop(state);
        self.changed.notify_all();
        result
    }

    pub(super) fn is_readable(&self) -> bool {
        self.lock().is_readable()
    }

    /// For the reader's sets.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(super) fn end(&self) {
        self.change(|state| state.has_ended = true);
    }

    pub(super) fn be_deaf(&self) {
        self.change(|state| state.is_deaf = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        self.source.set_readable(state.is_readable());
        drop(state);
        self.changed.notify_all();
    }

    /// Returns `false` after the timeout.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> (MutexGuard<'a, State>, bool) {
        let Some(until) = until else {
            return (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), true);
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return (state, false);
        }
        let waited = self.changed.wait_timeout(state, left);
        (waited.unwrap_or_else(PoisonError::into_inner).0, true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_readable(&self) -> bool {
        !self.octets.is_empty() || self.has_ended || self.is_deaf
    }
}
