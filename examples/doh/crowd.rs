//! The TCP connections of a forwarder, of which there is a limited number.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections that are open. Once there are too many, a new one replaces the one that has waited for a
/// question the longest (RFC 7766, Section 6.2.3): silent clients do not keep others out.
pub(crate) struct Crowd {
    max: usize,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    open: usize,
    next: u64,
    /// Those that wait for a question, the one that has waited the longest first.
    waiting: BTreeMap<u64, Arc<TcpStream>>,
}

impl Crowd {
    pub(crate) fn new(max: usize) -> Self {
        Crowd { max, connections: Mutex::default() }
    }

    /// Counts a new connection, and closes another if there are too many. Returns `false` if all of them
    /// have a question that is being answered.
    pub(crate) fn enter(&self) -> bool {
        let mut connections = self.lock();
        if connections.open == self.max {
            let Some((_, longest)) = connections.waiting.pop_first() else { return false };
            // Its thread finds out in `end_wait`.
            let _ = longest.shutdown(Shutdown::Both);
            connections.open -= 1;
        }
        connections.open += 1;
        true
    }

    /// A connection waits for a question from now on. Returns the number of its wait.
    pub(crate) fn begin_wait(&self, stream: &Arc<TcpStream>) -> u64 {
        let mut connections = self.lock();
        let number = connections.next;
        connections.next += 1;
        connections.waiting.insert(number, Arc::clone(stream));
        number
    }

    /// The wait is over. Returns `false` if the connection has been replaced, and counts no longer.
    pub(crate) fn end_wait(&self, number: u64) -> bool {
        self.lock().waiting.remove(&number).is_some()
    }

    /// A connection that has not been replaced ends.
    pub(crate) fn leave(&self) {
        self.lock().open -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
