//! Connections in their handshake, which a shutdown can close.

use std::collections::HashMap;
use std::io::{self, IoSliceMut, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};

use crate::logging;
use crate::transport::Closer;

/// The connections in their handshake.
#[derive(Debug, Default)]
pub(super) struct Openings {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    entering: HashMap<u64, (Closer, Arc<AtomicBool>)>,
    accepted: Accepted,
}

/// The connections that may begin their handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Accepted {
    #[default]
    All,
    /// Those with input.
    Speaking,
    Nothing,
}

/// A connection in its handshake, until this is dropped.
pub(super) struct Entering<'a> {
    openings: &'a Openings,
    number: u64,
    /// Whether any octet was received.
    pub(super) heard: Arc<AtomicBool>,
}

impl Openings {
    pub(super) fn enter(&self, closer: Closer) -> Entering<'_> {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let heard = Arc::new(AtomicBool::new(false));
        let accepted = state.accepted;
        state.entering.insert(number, (closer.clone(), Arc::clone(&heard)));
        drop(state);
        let is_welcome = match accepted {
            Accepted::All => true,
            Accepted::Speaking => matches!(closer.is_readable(), Ok(Some(true))),
            Accepted::Nothing => false,
        };
        if !is_welcome {
            close_all([closer]);
        }
        Entering { openings: self, number, heard }
    }

    /// Closes the connections without any input, and later ones that begin without.
    pub(super) fn close_silent(&self) {
        let mut state = self.lock();
        state.accepted = Accepted::Speaking;
        let is_silent = |heard: &AtomicBool| !heard.load(Ordering::Relaxed);
        let silent = state.entering.values().filter(|(_, heard)| is_silent(heard));
        let silent: Vec<_> = silent.map(|(closer, _)| closer.clone()).collect();
        drop(state);
        close_all(silent);
    }

    /// Closes all connections, including later ones.
    pub(super) fn close_all(&self) {
        let mut state = self.lock();
        state.accepted = Accepted::Nothing;
        let all: Vec<_> = state.entering.values().map(|(closer, _)| closer.clone()).collect();
        drop(state);
        close_all(all);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close_all(closers: impl IntoIterator<Item = Closer>) {
    for closer in closers {
        if let Err(error) = closer.close() {
            logging::debug!("closing a transport: {error}");
        }
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        self.openings.lock().entering.remove(&self.number);
    }
}

/// A reader that records the first octet received, and can be given octets to return first.
pub(super) struct FirstOctets<R> {
    put_back: Bytes,
    pub(super) reader: R,
    /// `None` after the first octet.
    heard: Option<Arc<AtomicBool>>,
}

impl<R> FirstOctets<R> {
    pub(super) fn new(reader: R, heard: Arc<AtomicBool>) -> Self {
        FirstOctets { put_back: Bytes::new(), reader, heard: Some(heard) }
    }

    /// Gives it octets of the peer that the next reads return.
    pub(super) fn put_back(&mut self, octets: Bytes) {
        self.put_back = octets;
        self.note(1);
    }

    fn note(&mut self, octets: usize) {
        if octets > 0 {
            if let Some(heard) = self.heard.take() {
                heard.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl<R: Read> Read for FirstOctets<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.put_back.has_remaining() {
            let len = buf.len().min(self.put_back.len());
            self.put_back.copy_to_slice(&mut buf[..len]);
            return Ok(len);
        }
        let len = self.reader.read(buf)?;
        self.note(len);
        Ok(len)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if self.put_back.has_remaining() {
            let first = bufs.iter_mut().find(|buf| !buf.is_empty());
            return first.map_or(Ok(0), |buf| self.read(buf));
        }
        let len = self.reader.read_vectored(bufs)?;
        self.note(len);
        Ok(len)
    }
}
