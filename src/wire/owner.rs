//! The interface between a driver and the owner of the connection.

use std::any::Any;
use std::thread::{self, Thread};
use std::time::Instant;

use crate::logging;

/// Threads for a single task need little stack.
const STACK: usize = 128 << 10;

/// The owner of a connection, which provides threads to a driver. There is one implementation each
/// for a client's callers, for a server's pool, and for a Session's two threads.
///
/// All methods but [`lend_permit`](Self::lend_permit), [`find_writer_soon`](Self::find_writer_soon)
/// and [`exchange_ended`](Self::exchange_ended) may be called with the lock held. They must not
/// take that lock, block, or call the application. They add threads to be unparked to `wake`.
pub(crate) trait Owner: Send + Sync {
    /// Makes another thread lead. Returns `false` if no thread is available.
    fn find_leader(&self) -> bool {
        false
    }

    /// Makes another thread write. Returns `false` if no thread is available.
    fn find_writer(&self, wake: &mut Vec<Thread>) -> bool;

    /// Schedules a write soon, for callers that may do so for thousands of connections. Returns
    /// `false` if there is no thread. Called without the lock.
    fn find_writer_soon(&self) -> bool {
        self.find_writer(&mut Vec::new())
    }

    /// Makes another thread run handlers for requests that are already received. Returns `false` if
    /// there is none.
    fn find_worker(&self) -> bool {
        false
    }

    /// Returns whether deadlines are handled while no thread waits for the connection.
    fn has_clock(&self) -> bool;

    /// Schedules a run of the deadlines. Only called if there is a clock.
    fn call_at(&self, at: Instant, wake: &mut Vec<Thread>);

    /// Reports that the leader has begun an action that may take long.
    fn watch_leader(&self) {}

    /// Reports that the halves of an exchange are gone, so that the next exchange may begin, or
    /// that there will be none. For HTTP/1.1 connections. Called without the lock.
    fn exchange_ended(&self) {}

    /// Returns whether its threads run handlers, whose output is written when they return.
    fn has_handlers(&self) -> bool {
        false
    }

    /// Lends the permit of the calling handler, which has waited for the peer for a while, until
    /// the returned value is dropped. Returns `None` if there is none to lend. Called without the
    /// lock.
    fn lend_permit(&self) -> Option<Box<dyn Any>> {
        None
    }
}

/// Starts a thread for a single task of an owner without a pool. Returns `false` if that fails.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    let begun = builder.spawn(work);
    begun.map_err(|error| logging::debug!("cannot start the thread {name}: {error}")).is_ok()
}
