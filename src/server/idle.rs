//! An HTTP/2 connection that waits for input without a thread.

use std::sync::Arc;

use super::served::Served;
use crate::exchange::{Guard, Leader};

/// Leaves an idle connection to the poller. Returns the lock if this thread still leads.
pub(super) fn leave_to_poller<'a>(
    served: &'a Arc<Served>,
    mut state: Guard<'a>,
) -> Option<Guard<'a>> {
    let engine = &served.engine;
    let token = engine.poller.token();
    state.rest();
    state.leader = Leader::Poller(token);
    drop(state);
    if engine.poller.add(token, served) {
        return None;
    }
    let mut state = served.conn.lock();
    // Otherwise it was cut meanwhile.
    (state.leader == Leader::Poller(token)).then(|| {
        state.leader = Leader::me();
        state
    })
}

impl Served {
    /// Cuts the transport. A thread that leads ends the connection; without one, this does.
    pub(super) fn cut(&self) {
        self.conn.cut();
        let mut state = self.conn.lock();
        if let Leader::Poller(token) = state.leader {
            state.leader = Leader::None;
            drop(state);
            self.engine.poller.forget(token);
            self.engine.unregister(self.number, &self.place);
        }
    }
}
