//! The end of a server's connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::live::Live;
use super::served::Served;
use super::stats::{Http2Stats, Totals};
use crate::exchange::Conn;
use crate::frame::ErrorCode;

/// How long a shutdown waits for the first octet of silent connections, since a client that has
/// just connected may have sent a request.
pub(super) const SILENCE_MAX: Duration = Duration::from_millis(100);

/// How long idle connections of HTTP/1.x are kept after a shutdown has begun. A client that sends a
/// request meanwhile gets a response that announces the end, so the request is not lost. Go's
/// `Shutdown` closes them at once, and so does nginx unless `keepalive_min_timeout` is set.
pub(super) const IDLE_GRACE: Duration = Duration::from_millis(500);

/// Returns [`IDLE_GRACE`], or less if the whole end has little time: idle connections are to be
/// closed before the rest is aborted.
pub(super) fn idle_grace(timeout: Duration) -> Duration {
    IDLE_GRACE.min(timeout / 2)
}

/// Schedules the shutdown of a connection at its maximum age.
pub(super) fn retire_later<C: Live + 'static>(engine: &Arc<Engine>, conn: &Arc<C>) {
    let at = engine.config.max_age.and_then(|age| Instant::now().checked_add(age));
    let Some(at) = at else { return };
    let theirs = Arc::clone(engine);
    engine.clock.call(at, &Arc::downgrade(conn), move |conn, now| {
        let time = theirs.config.max_age_grace;
        Arc::clone(&conn).shut_down(idle_grace(time));
        let Some(at) = now.checked_add(time) else { return };
        theirs.clock.call(at, &Arc::downgrade(&conn), |conn, _| conn.close());
    });
}

impl Live for Served {
    fn number(&self) -> u64 {
        self.number
    }

    // A connection without requests ends by itself, a round trip after it has said so.
    fn shut_down(self: Arc<Self>, _: Duration) {
        self.conn.with(|state, now| state.core.shutdown(now));
        self.engine.run_with(&self.conn, Conn::flush_now);
        self.context.farewells.begin(&self.engine.pool);
    }

    fn close(&self) {
        self.conn.with(|state, _| state.core.close(ErrorCode::NoError, Default::default()));
        self.engine.run_with(&self.conn, Conn::flush_now);
    }

    fn cut(&self) {
        Served::cut(self);
    }

    fn has_ended(&self) -> bool {
        self.conn.lock().has_ended()
    }

    fn open_requests(&self) -> usize {
        self.conn.lock().core.stats().streams_open
    }

    fn totals(&self) -> Totals {
        let http2 = Http2Stats::of(&self.conn.lock().core.stats());
        Totals { requests_open: self.open_requests(), http2, ..Totals::default() }
    }
}
