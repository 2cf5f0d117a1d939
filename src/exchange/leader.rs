//! Which thread reads.

use std::thread::{self, ThreadId};

/// The thread that may read the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leader {
    /// None. A thread that has to wait takes the lead.
    None,
    /// A thread that has been found and has not come yet.
    Promised,
    Thread {
        id: ThreadId,
        /// It is in a read, and not in a handler or a write that could take long.
        reads: bool,
    },
}

impl Leader {
    /// The calling thread.
    pub(crate) fn me() -> Leader {
        Leader::Thread { id: thread::current().id(), reads: false }
    }

    /// Whether it is the calling thread.
    pub(crate) fn is_me(self) -> bool {
        self.is(thread::current().id())
    }

    /// Whether it is this thread: asking for one's own identifier costs as much as the lock.
    pub(crate) fn is(self, thread: ThreadId) -> bool {
        matches!(self, Leader::Thread { id, .. } if id == thread)
    }

    pub(super) fn is_reading(self) -> bool {
        matches!(self, Leader::Thread { reads: true, .. })
    }
}
