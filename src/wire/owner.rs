//! What a driver asks of those who started the connection.

use std::any::Any;
use std::thread::Thread;
use std::time::Instant;

/// What a driver asks of those who started the connection. There is one owner each for a client's
/// callers, for a server's pool, and for a Session's two threads.
///
/// All methods but [`lend_permit`](Self::lend_permit), [`find_writer_soon`](Self::find_writer_soon) and
/// [`exchange_ended`](Self::exchange_ended) may be called with the lock held, so none may
/// take it, wait, or call the application. Threads that are to be unparked are added to `wake`.
pub(crate) trait Owner: Send + Sync {
    /// Has another thread lead. `false` if there is none.
    fn find_leader(&self) -> bool {
        false
    }

    /// Has another thread write what there is to write. `false` if there is none.
    fn find_writer(&self, wake: &mut Vec<Thread>) -> bool;

    /// Has a connection written soon, for a caller that may ask so for thousands of connections.
    /// `false` if there is no thread. Called without the lock.
    fn find_writer_soon(&self) -> bool {
        self.find_writer(&mut Vec::new())
    }

    /// Has another thread run handlers for what has arrived without a read. `false` if there is none.
    fn find_worker(&self) -> bool {
        false
    }

    /// Whether deadlines are kept while no thread waits for the connection.
    fn has_clock(&self) -> bool;

    /// Runs the deadlines at that time. Not called where there is no clock.
    fn call_at(&self, at: Instant, wake: &mut Vec<Thread>);

    /// The leader has begun something, and may take long over it.
    fn watch_leader(&self) {}

    /// The halves of an exchange have gone, so that another may begin, or never will. For connections of
    /// HTTP/1.1. Called without the lock.
    fn exchange_ended(&self) {}

    /// Whether its threads run handlers, which have everything written when they return.
    fn has_handlers(&self) -> bool {
        false
    }

    /// The calling thread has waited for the peer for a while: lends the permit of its handler until
    /// what is returned is dropped. `None` if there is none to lend. Called without the lock.
    fn lend_permit(&self) -> Option<Box<dyn Any>> {
        None
    }
}
