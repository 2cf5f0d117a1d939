//! Timeouts of HTTP/1.x handlers. A connection has one handler at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::permit::Claimant;
use super::stats::add;
use crate::logging;

/// When the handler of a connection has started, if its time is limited.
#[derive(Debug, Default)]
pub(super) struct Overrun {
    since: Mutex<Option<Instant>>,
    /// Whether the clock will check it.
    is_timed: AtomicBool,
}

/// A connection whose handlers may have a timeout.
pub(super) trait Timed: Claimant + Send + Sync {
    fn overrun(&self) -> &Overrun;

    /// Returns whether the handler has opened a tunnel, which has no timeout.
    fn is_exempt(&self) -> bool;

    /// Called after the timeout: the client need not wait any longer. Must not block.
    fn give_up(&self);
}

/// A running handler, until this is dropped.
pub(super) struct Running<'a>(&'a Overrun);

impl<'a> Running<'a> {
    /// Returns `None` if handlers have no timeout.
    pub(super) fn begin<C: Timed + 'static>(conn: &'a Arc<C>) -> Option<Self> {
        let timeout = conn.engine().config.handler_timeout?;
        let (overrun, now) = (conn.overrun(), Instant::now());
        *overrun.lock() = Some(now);
        if !overrun.is_timed.swap(true, Ordering::SeqCst) {
            check_later(conn.engine(), conn, now, timeout);
        }
        Some(Running(overrun))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Schedules a check at the timeout of a handler that has started at `since`.
fn check_later<C: Timed + 'static>(
    engine: &Engine,
    conn: &Arc<C>,
    since: Instant,
    timeout: Duration,
) {
    let Some(at) = since.checked_add(timeout) else { return };
    engine.clock.call(at, &Arc::downgrade(conn), move |conn, now| {
        // Before the check, so that a handler that starts in the meantime schedules its own.
        conn.overrun().is_timed.store(false, Ordering::SeqCst);
        let Some(since) = *conn.overrun().lock() else { return };
        if conn.is_exempt() {
            return;
        }
        if since.checked_add(timeout).is_some_and(|at| at <= now) {
            logging::error!("a connection of HTTP/1.x is cut: its handler takes too long");
            add(&conn.engine().counters.handlers_timed_out);
            conn.give_up();
        } else if !conn.overrun().is_timed.swap(true, Ordering::SeqCst) {
            check_later(conn.engine(), &conn, since, timeout);
        }
    });
}

impl Overrun {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
