//! The readiness of a server, which health checks of balancers ask for.

use std::sync::atomic::{AtomicBool, Ordering};

/// The readiness of a server. It only informs: a server that is not ready still serves.
#[derive(Debug)]
pub(super) struct Readiness {
    /// What the application has set.
    is_set: AtomicBool,
    /// Whether the end of the server has begun, which is final.
    is_ending: AtomicBool,
}

impl Readiness {
    pub(super) fn new() -> Self {
        Readiness { is_set: AtomicBool::new(true), is_ending: AtomicBool::new(false) }
    }

    pub(super) fn get(&self) -> bool {
        self.is_set.load(Ordering::SeqCst) && !self.is_ending.load(Ordering::SeqCst)
    }

    pub(super) fn set(&self, is_ready: bool) {
        self.is_set.store(is_ready, Ordering::SeqCst);
    }

    /// The end of the server begins.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
    }
}
