//! The end of a server's connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::{Engine, Served};
use super::live::Live;
use crate::frame::ErrorCode;

/// How long a shutdown waits for the first octet of silent connections, since a client that has
/// just connected may have sent a request.
pub(super) const SILENCE_MAX: Duration = Duration::from_millis(100);

/// Schedules the shutdown of a connection at its maximum age.
pub(super) fn retire_later<C: Live + 'static>(engine: &Arc<Engine>, conn: &Arc<C>) {
    let at = engine.config.max_age.and_then(|age| Instant::now().checked_add(age));
    let Some(at) = at else { return };
    let theirs = Arc::clone(engine);
    engine.clock.call(at, &Arc::downgrade(conn), move |conn, now| {
        conn.shut_down();
        let Some(at) = now.checked_add(theirs.config.max_age_grace) else { return };
        theirs.clock.call(at, &Arc::downgrade(&conn), |conn, _| conn.close());
    });
}

impl Live for Served {
    fn number(&self) -> u64 {
        self.number
    }

    fn shut_down(&self) {
        self.conn.with(|state, now| state.core.shutdown(now));
        self.flush_elsewhere();
        self.context.farewells.begin(&self.engine.pool);
    }

    fn close(&self) {
        self.conn.with(|state, _| state.core.close(ErrorCode::NoError, Default::default()));
        self.flush_elsewhere();
    }

    fn cut(&self) {
        self.conn.cut();
    }

    fn has_ended(&self) -> bool {
        self.conn.lock().has_ended()
    }

    fn open_requests(&self) -> usize {
        self.conn.lock().core.stats().streams_open
    }
}
