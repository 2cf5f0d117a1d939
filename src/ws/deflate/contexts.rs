//! Unused compression contexts, kept for all connections.

use std::sync::{Mutex, PoisonError};

/// The number of contexts that are kept, about as many as a machine uses at the same time.
const KEPT: usize = 8;

/// Contexts that no connection is using.
///
/// Creating a context costs several times as much as a small message. One for each connection would waste
/// the memory of idle connections.
pub(super) struct Contexts<K, C>(Mutex<Vec<(K, C)>>);

impl<K: PartialEq, C> Contexts<K, C> {
    pub(super) const fn new() -> Self {
        Contexts(Mutex::new(Vec::new()))
    }

    pub(super) fn take(&self, kind: &K) -> Option<C> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().rposition(|(other, _)| other == kind)?;
        Some(kept.swap_remove(at).1)
    }

    /// Keeps a context that was reset, and drops the oldest one if there are too many.
    pub(super) fn put(&self, kind: K, context: C) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = (kept.len() == KEPT).then(|| kept.remove(0));
        kept.push((kind, context));
        drop(kept);
        drop(dropped);
    }
}
