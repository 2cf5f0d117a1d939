//! Timeouts of waiting requests and of running handlers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::access::{self, End};
use super::running::Began;
use super::served::Served;
use super::stats::add;
use super::which::Which;
use crate::error::Error;
use crate::exchange::{Arrival, Inbox};
use crate::frame::{ErrorCode, StreamId};
use crate::logging;

/// A running handler, until this is dropped.
pub(super) struct Timed<'a>(&'a Served, StreamId);

impl<'a> Timed<'a> {
    /// Returns `None` if handlers have no timeout.
    pub(super) fn begin(served: &'a Arc<Served>, arrival: &Arrival) -> Option<Self> {
        let timeout = served.engine.config.handler_timeout?;
        let (id, since) = (arrival.id, Instant::now());
        let began = Began { id, since, fields: arrival.headers.clone() };
        served.handlers.with(|running| running.push(began));
        call_for_end(served, since, timeout);
        Some(Timed(served, id))
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.0.handlers.with(|running| running.retain(|began| began.id != self.1));
    }
}

/// Schedules a check for handlers over their timeout, the first of which has started at `since`.
fn call_for_end(served: &Arc<Served>, since: Instant, timeout: Duration) {
    let Some(at) = since.checked_add(timeout) else { return };
    if !served.handlers.is_timed.swap(true, Ordering::SeqCst) {
        let check = move |served: Arc<Served>, now| give_up(&served, timeout, now);
        served.engine.clock.call(at, &Arc::downgrade(served), check);
    }
}

/// Gives up handlers over their timeout: their clients need not wait any longer.
fn give_up(served: &Arc<Served>, timeout: Duration, now: Instant) {
    // Before the check, so that a handler that starts in the meantime schedules its own.
    served.handlers.is_timed.store(false, Ordering::SeqCst);
    let is_late = |began: &Began| began.since.checked_add(timeout).is_some_and(|at| at <= now);
    let (late, next) = served.handlers.with(|running| {
        let (late, rest): (Vec<_>, Vec<_>) = std::mem::take(running).into_iter().partition(is_late);
        *running = rest;
        (late, running.iter().map(|began| began.since).min())
    });
    if let Some(next) = next {
        call_for_end(served, next, timeout);
    }
    if late.is_empty() {
        return;
    }
    let mut state = served.conn.lock();
    for Began { id, fields, .. } in late {
        let is_done = |inbox: &Inbox| inbox.is_released || inbox.is_tunnel || inbox.is_over();
        if state.streams.get(&id).is_none_or(is_done) {
            continue;
        }
        let which = Which::new(id, &fields, &served.context);
        logging::error!(
            "{which}: reset, since the handler ran for more than {timeout:?} (handler_timeout)"
        );
        add(&served.engine.counters.handlers_timed_out);
        state.fail_stream(id, Error::timeout("the handler has taken too long"));
        // The stream is still open.
        let _ = state.core.reset(id, ErrorCode::InternalError, now);
    }
    state.deliver(now);
    drop(state);
    served.flush_elsewhere();
}

/// Refuses requests that have waited too long for a permit.
fn refuse_overdue(served: &Arc<Served>, now: Instant) {
    served.is_timed.store(false, Ordering::Relaxed);
    let is_logged = logging::shows_access();
    let mut state = served.conn.lock();
    let timeout = served.engine.config.queue_timeout;
    let mut refused = false;
    while let Some(arrival) = state.arrivals.front() {
        if arrival.since.checked_add(timeout).is_none_or(|at| now < at) {
            call_for_refusal(served, arrival.since);
            break;
        }
        let id = arrival.id;
        logging::debug!("stream {id}: refused: no handler permit was free within queue_timeout");
        add(&served.engine.counters.requests_refused);
        if is_logged {
            access::http2_entry(&arrival.headers, arrival.since, &served.context)
                .set_end(End::Refused);
        }
        state.arrivals.pop_front();
        // It may have ended already.
        let _ = state.core.reset(id, ErrorCode::RefusedStream, now);
        state.deliver(now);
        state.release_stream(id);
        refused = true;
    }
    drop(state);
    if refused {
        served.flush_elsewhere();
    }
}

/// Has the clock look for requests that have waited too long, this one first.
pub(super) fn call_for_refusal(served: &Arc<Served>, since: Instant) {
    let engine = &served.engine;
    // A time that never comes need not be waited for.
    let Some(at) = since.checked_add(engine.config.queue_timeout) else { return };
    if !served.is_timed.swap(true, Ordering::Relaxed) {
        engine.clock.call(at, &Arc::downgrade(served), |served, now| refuse_overdue(&served, now));
    }
}
