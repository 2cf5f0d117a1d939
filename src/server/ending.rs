//! How the server ends its connections.

use std::sync::Arc;
use std::time::Instant;

use super::engine::Served;
use crate::frame::ErrorCode;

/// Has a connection end when it has reached its age.
pub(super) fn retire_later(served: &Arc<Served>) {
    let engine = &served.engine;
    let at = engine.config.max_age.and_then(|age| Instant::now().checked_add(age));
    let Some(at) = at else { return };
    engine.clock.call(at, &Arc::downgrade(served), |served, now| {
        served.conn.with(|state, now| state.core.shutdown(now));
        served.flush_elsewhere();
        let engine = &served.engine;
        let Some(at) = now.checked_add(engine.config.max_age_grace) else { return };
        engine.clock.call(at, &Arc::downgrade(&served), |served, _| close(&served));
    });
}

/// Requests of a connection that have not been answered in full.
pub(super) fn open_requests(served: &Arc<Served>) -> usize {
    served.conn.lock().core.stats().streams_open
}

/// Ends a connection at once.
pub(super) fn close(served: &Arc<Served>) {
    served.conn.with(|state, _| state.core.close(ErrorCode::NoError, Default::default()));
    served.flush_elsewhere();
}
