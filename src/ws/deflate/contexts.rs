//! Contexts that are kept for all connections.

use std::sync::{Mutex, PoisonError};

/// How many are kept: as many as work at the same time on an ordinary machine.
const KEPT: usize = 8;

/// Contexts that no connection uses now.
///
/// To make one costs several times what a small message costs, and one for each connection would be
/// held by many that do nothing.
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

    /// Keeps a context that has been reset. The one that has been there longest makes room.
    pub(super) fn put(&self, kind: K, context: C) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = (kept.len() == KEPT).then(|| kept.remove(0));
        kept.push((kind, context));
        drop(kept);
        drop(dropped);
    }
}
