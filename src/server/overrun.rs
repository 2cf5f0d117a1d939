//! Handlers of HTTP/1.x that run for too long. A connection has one at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::permit::Claimant;
use super::stats::add;
use crate::logging;

/// Since when the handler of a connection has been running, where that is bounded.
#[derive(Debug, Default)]
pub(super) struct Overrun {
    since: Mutex<Option<Instant>>,
    /// The clock will look at it.
    is_timed: AtomicBool,
}

/// A connection whose handlers may have a time.
pub(super) trait Timed: Claimant + Send + Sync {
    fn overrun(&self) -> &Overrun;

    /// Whether the handler has opened a tunnel, which may last.
    fn is_exempt(&self) -> bool;

    /// The handler has taken too long: its client need not wait for it any more. Must not wait.
    fn give_up(&self);
}

/// A handler that runs, until this is dropped.
pub(super) struct Running<'a>(&'a Overrun);

impl<'a> Running<'a> {
    /// `None` if handlers may run for ever.
    pub(super) fn begin<C: Timed + 'static>(conn: &'a Arc<C>) -> Option<Self> {
        let timeout = conn.engine().config.handler_timeout?;
        let (overrun, now) = (conn.overrun(), Instant::now());
        *overrun.lock() = Some(now);
        if !overrun.is_timed.swap(true, Ordering::SeqCst) {
            look_later(conn.engine(), conn, now, timeout);
        }
        Some(Running(overrun))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Has the clock look when a handler that runs since then has had its time.
fn look_later<C: Timed + 'static>(
    engine: &Engine,
    conn: &Arc<C>,
    since: Instant,
    timeout: Duration,
) {
    let Some(at) = since.checked_add(timeout) else { return };
    engine.clock.call(at, &Arc::downgrade(conn), move |conn, now| {
        // Before looking: a handler that begins meanwhile calls again.
        conn.overrun().is_timed.store(false, Ordering::SeqCst);
        let Some(since) = *conn.overrun().lock() else { return };
        if conn.is_exempt() {
            return;
        }
        if since.checked_add(timeout).is_some_and(|at| at <= now) {
            logging::error!("a connection of HTTP/1.x is cut: its handler takes too long");
            add(&conn.engine().counters.handlers_given_up);
            conn.give_up();
        } else if !conn.overrun().is_timed.swap(true, Ordering::SeqCst) {
            look_later(conn.engine(), &conn, since, timeout);
        }
    });
}

impl Overrun {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
