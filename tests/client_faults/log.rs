//! The requests that the servers have processed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The number of times that each request was processed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

impl Log {
    pub(crate) fn add(&self, id: &str) {
        *self.counts.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }

    pub(crate) fn count(&self, id: &str) -> usize {
        self.counts.lock().unwrap().get(id).copied().unwrap_or_default()
    }

    pub(crate) fn twice(&self) -> Vec<String> {
        let counts = self.counts.lock().unwrap();
        counts.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id.clone()).collect()
    }
}
