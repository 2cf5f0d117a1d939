//! An HTTP/1.x connection that waits for a request without a thread.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use super::http1::{Ends, Http1};
use super::left::{Left, LeftToPoller};
use super::poller::{Stay, Watched};
use super::pool::Scratch;
use crate::h1::Waits;
use crate::transport::Epoll;

impl Http1 {
    /// Leaves an idle connection to the poller. Returns `false` if this thread still serves it.
    pub(super) fn leave_to_poller(self: &Arc<Self>, since: Instant, waits: &Waits) -> bool {
        let engine = &self.engine;
        let token = engine.poller.token();
        self.left().set(Left { token, since, waits: waits.clone() });
        self.end_in_time();
        if !engine.poller.add(token, self) {
            return self.left().take_back(token).is_none();
        }
        if self.link.is_cut() {
            self.end_if_left();
        }
        true
    }

    fn left(&self) -> MutexGuard<'_, LeftToPoller> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the clock end the wait at its time.
    fn end_in_time(&self) {
        let Some(at) = self.left().next_call() else { return };
        self.engine.clock.call(at, &self.me, |conn, now| {
            let due = conn.left().take_due(now);
            let Some(due) = due else { return conn.end_in_time() };
            conn.engine.poller.forget(due.token);
            // The thread finds that the time is over.
            if !conn.serve_elsewhere(due.since, &due.waits) {
                drop(Ends { conn: &conn, is_left: false });
            }
        });
    }

    /// Makes another thread serve the connection. Returns `false` if no thread is available.
    pub(super) fn serve_elsewhere(self: &Arc<Self>, since: Instant, waits: &Waits) -> bool {
        let (theirs, waits) = (Arc::clone(self), waits.clone());
        let serve =
            move |scratch: &mut Scratch| theirs.serve_since(since, waits, Stay::UntilIdle, scratch);
        self.engine.pool.run(serve).is_ok()
    }

    /// Makes another thread end the connection. Returns `false` if no thread is available.
    pub(super) fn linger_elsewhere(self: &Arc<Self>) -> bool {
        let theirs = Arc::clone(self);
        let linger = move |_: &mut Scratch| {
            let ends = Ends { conn: &theirs, is_left: false };
            ends.conn.link.linger();
        };
        self.engine.pool.run(linger).is_ok()
    }

    /// Ends a connection that has been cut, if no thread serves it.
    pub(super) fn end_if_left(&self) {
        let left = self.left().take();
        if let Some(left) = left {
            self.engine.poller.forget(left.token);
            drop(Ends { conn: self, is_left: false });
        }
    }
}

impl Watched for Http1 {
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.link.watch(epoll, token)
    }

    fn is_left(&self, token: u64) -> bool {
        self.left().is_left(token)
    }

    fn has_input(&self, token: u64) -> bool {
        self.is_left(token)
    }

    fn serve(self: Arc<Self>, token: u64, stay: Stay, scratch: &mut Scratch) {
        let left = self.left().take_back(token);
        if let Some(Left { since, waits, .. }) = left {
            self.serve_since(since, waits, stay, scratch);
        }
    }
}
