//! The reader thread and the writer thread.
//!
//! ```text
//!   reader:  ┌▶ read once ─▶ deliver ─┐      writer:  ┌▶ write ─┬─ Deliver ─▶ deliver ─┐
//!            └──────── more ──────────┤               └─────────│─────────────────────-┘
//!                                     └ end                     └─ End ─▶ deliver, end
//! ```
//!
//! *Delivering* means sending the core's events to the application's channel, and giving the core
//! what is owed for taken ones (see [`outbox`](super::outbox)). The thread that causes events
//! delivers them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::shared::{CLOSE_TIMEOUT, Next, Shared};
use super::side::Side;
use crate::error::Error;
use crate::logging;
use crate::transport::WRITE_TICK;
use crate::wire::{DRAIN_TIMEOUT, FINAL_FLUSH_TIMEOUT};

/// The stack size of a thread, which includes the transport's code (TLS). Untouched pages use no
/// memory.
const STACK: usize = 256 << 10;

/// How often the writer checks which events have been taken through the receiver, while some are …
const CHECK_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// … and after none have been taken for a while.
const CHECK_INTERVAL_MAX: Duration = Duration::from_millis(32);

/// The longest time from the end of the connection to the end of its writer, for transports whose
/// writes give up.
const END_MAX: Duration =
    FINAL_FLUSH_TIMEOUT.saturating_add(WRITE_TICK).saturating_add(DRAIN_TIMEOUT);

/// Additional time for slow machines.
const JOIN_GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Threads {
    reader: Thread,
    writer: Thread,
}

#[derive(Debug)]
struct Thread {
    side: Side,
    id: ThreadId,
    /// The thread that takes the handle joins while it holds the lock, so others wait as well.
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Threads, Error> {
        let writer = Thread::start(Side::Writer, shared, write)?;
        let reader = Thread::start(Side::Reader, shared, Shared::read);
        let reader = reader.inspect_err(|error| {
            // The writer is running already: make it end the connection.
            logging::debug!("{error}");
            shared.thread_ended(Side::Reader, true);
        })?;
        Ok(Threads { reader, writer })
    }

    /// Waits for the threads of a closed connection. If much data is pending, or a reader cannot be
    /// woken, they are detached instead. Does nothing on one of the two threads (in the transport's
    /// own code), since a thread cannot join itself.
    pub(super) fn join(&self, shared: &Arc<Shared>) {
        if self.writer.is_current() || self.reader.is_current() {
            return;
        }
        if !shared.wait_writer(Instant::now() + END_MAX + JOIN_GRACE) {
            if shared.is_flushing() && self.leave(shared) {
                return;
            }
            shared.wire.cut();
        }
        self.writer.join(shared);
        self.reader.join(shared);
    }
}

impl Threads {
    /// Detaches both threads, and starts a third one that cuts the transport if its writes never
    /// give up. Returns `false` if that cannot be started.
    fn leave(&self, shared: &Arc<Shared>) -> bool {
        let shared = Arc::clone(shared);
        let cut = move || {
            if !shared.wait_writer(Instant::now() + CLOSE_TIMEOUT + END_MAX) {
                shared.wire.cut();
            }
        };
        let builder = thread::Builder::new().name("h2-sync-close".to_owned()).stack_size(STACK);
        builder.spawn(cut).is_ok()
    }
}

impl Thread {
    /// Starts a thread that reports its end, panics included.
    fn start(
        side: Side,
        shared: &Arc<Shared>,
        run: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<Thread, Error> {
        let shared = Arc::clone(shared);
        let body = move || {
            // After a panic the core is closed, and no thread uses it any more.
            let result = catch_unwind(AssertUnwindSafe(|| run(&shared)));
            shared.thread_ended(side, result.is_err());
        };
        let name = format!("h2-sync-{}", side.name());
        let builder = thread::Builder::new().name(name).stack_size(STACK);
        let handle = builder.spawn(body).map_err(Error::thread)?;
        Ok(Thread { side, id: handle.thread().id(), handle: Mutex::new(Some(handle)) })
    }

    fn is_current(&self) -> bool {
        self.id == thread::current().id()
    }

    fn join(&self, shared: &Shared) {
        let mut handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = shared.wire.can_wake_reader() || shared.is_done(self.side);
        if let Some(handle) = handle.take().filter(|_| ends) {
            // A panic was reported as the reason for the end.
            let _ = handle.join();
        }
    }
}

fn write(shared: &Shared) {
    shared.begin_writing();
    let mut checks = Checks { at: None, interval: CHECK_INTERVAL_MIN, taken: 0 };
    loop {
        match shared.write(checks.next(shared)) {
            Next::Deliver => checks.done(shared.deliver_as_writer()),
            Next::End => {
                shared.deliver_as_writer();
                return shared.end();
            }
        }
    }
}

/// The schedule on which the writer checks which events have been taken through the receiver.
struct Checks {
    at: Option<Instant>,
    interval: Duration,
    /// The number of taken events at the last check.
    taken: u64,
}

impl Checks {
    /// Returns the time of the next check, if any. It stays the same while the writer writes.
    fn next(&mut self, shared: &Shared) -> Option<Instant> {
        if shared.has_to_check() {
            self.at.get_or_insert_with(|| Instant::now() + self.interval);
        } else {
            self.at = None;
        }
        self.at
    }

    /// Records a check that has found `taken` taken events.
    fn done(&mut self, taken: u64) {
        let is_idle = taken == self.taken;
        let longer = CHECK_INTERVAL_MAX.min(self.interval * 2);
        let interval = if is_idle { longer } else { CHECK_INTERVAL_MIN };
        *self = Checks { at: None, interval, taken };
    }
}
