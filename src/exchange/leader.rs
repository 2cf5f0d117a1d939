//! The leader of a connection.

use std::thread::{self, ThreadId};

use crate::kernel_thread::KernelThread;

/// The thread that may read from the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leader {
    /// No thread. The next thread that has to wait takes the lead.
    None,
    /// A thread that was called and has not started yet.
    Promised,
    /// The poller of a server, whose thread leads when there is input. The number is that of this wait.
    Poller(u64),
    Thread {
        id: ThreadId,
        kernel: KernelThread,
        /// Whether it is reading, not in a handler or a write, which could take long.
        reads: bool,
    },
}

impl Leader {
    /// The calling thread as leader.
    pub(crate) fn me() -> Leader {
        let (id, kernel) = (thread::current().id(), KernelThread::current());
        Leader::Thread { id, kernel, reads: false }
    }

    /// The same leader, which is reading.
    pub(super) fn reading(self) -> Leader {
        match self {
            Leader::Thread { id, kernel, .. } => Leader::Thread { id, kernel, reads: true },
            other => other,
        }
    }

    /// The thread that leads, if one does.
    pub(crate) fn thread(self) -> Option<KernelThread> {
        match self {
            Leader::Thread { kernel, .. } => Some(kernel),
            _ => None,
        }
    }

    /// Returns whether the calling thread leads.
    pub(crate) fn is_me(self) -> bool {
        self.is(thread::current().id())
    }

    /// Returns whether this thread leads. For callers that know their identifier: looking it up
    /// costs as much as the lock.
    pub(crate) fn is(self, thread: ThreadId) -> bool {
        matches!(self, Leader::Thread { id, .. } if id == thread)
    }

    /// Returns whether input is noticed at once.
    pub(super) fn is_reading(self) -> bool {
        matches!(self, Leader::Thread { reads: true, .. } | Leader::Poller(_))
    }
}
