//! Since when the handlers of a connection have been running, where that is bounded.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::frame::StreamId;

#[derive(Debug, Default)]
pub(super) struct Running {
    since: Mutex<Vec<(StreamId, Instant)>>,
    /// The clock will look at them.
    pub(super) is_timed: AtomicBool,
}

impl Running {
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Vec<(StreamId, Instant)>) -> T) -> T {
        act(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
