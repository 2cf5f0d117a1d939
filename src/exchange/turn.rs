//! Whose turn it is to read.

use std::thread::{self, ThreadId};

/// Who leads the connection: reads from its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// Nobody. Whoever has to wait takes it.
    Free,
    /// A thread that has not come yet.
    Promised,
    /// This one.
    Held {
        by: ThreadId,
        /// It is in a read, and not in a handler or a write that could take long.
        reads: bool,
    },
}

impl Lead {
    /// Whether the calling thread leads.
    pub(crate) fn is_mine(self) -> bool {
        self.is_of(thread::current().id())
    }

    /// The same for who knows its own name: asking for that costs as much as the lock.
    pub(crate) fn is_of(self, thread: ThreadId) -> bool {
        matches!(self, Lead::Held { by, .. } if by == thread)
    }

    pub(crate) fn mine() -> Lead {
        Lead::Held { by: thread::current().id(), reads: false }
    }
}
