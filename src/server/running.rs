//! When the handlers of a connection have started, if their time is limited.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::frame::StreamId;
use crate::hpack::Headers;

#[derive(Debug, Default)]
pub(super) struct Running {
    since: Mutex<Vec<Began>>,
    /// Whether the clock will check them.
    pub(super) is_timed: AtomicBool,
}

/// A running handler and its request.
#[derive(Debug)]
pub(super) struct Began {
    pub(super) id: StreamId,
    pub(super) since: Instant,
    pub(super) fields: Headers,
}

impl Running {
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Vec<Began>) -> T) -> T {
        act(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
