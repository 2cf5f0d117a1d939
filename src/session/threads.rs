//! The reader thread and the writer thread.
//!
//! ```text
//!   reader:  ┌▶ read once ─▶ deliver ─┐      writer:  ┌▶ write ─┬─ Deliver ─▶ deliver ─┐
//!            └──────── more ──────────┤               └─────────│─────────────────────-┘
//!                                     └ end                     └─ End ─▶ deliver, end
//! ```
//!
//! *To deliver* is to hand the core's events to the application's channel, and to give the core back
//! what is owed for those that have been taken (see [`outbox`](super::outbox)). The thread that causes
//! events delivers them.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::shared::{Next, Shared, CLOSE_TIMEOUT};
use super::side::Side;
use crate::error::Error;
use crate::logging;
use crate::transport::WRITE_TICK;
use crate::wire::{DRAIN_TIMEOUT, FINAL_FLUSH_TIMEOUT};

/// Room for the transport's own code (TLS, say); only what is touched costs memory.
const STACK: usize = 256 << 10;

/// While events are taken through the receiver, how often the writer checks which ones …
const CHECK_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// … and how often when none have been taken for a while.
const CHECK_INTERVAL_MAX: Duration = Duration::from_millis(32);

/// The longest that it takes from the end of the connection to that of its writer, if writes give up
/// now and then.
const END_MAX: Duration =
    FINAL_FLUSH_TIMEOUT.saturating_add(WRITE_TICK).saturating_add(DRAIN_TIMEOUT);

/// For a slow machine, beyond the time that the end takes.
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
    /// The thread that takes it joins, with the lock held: others wait as well.
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Threads, Error> {
        let writer = Thread::start(Side::Writer, shared, write)?;
        let reader = Thread::start(Side::Reader, shared, Shared::read);
        let reader = reader.inspect_err(|error| {
            // The writer is there already: have it end the connection.
            logging::debug!("{error}");
            shared.thread_ended(Side::Reader, true);
        })?;
        Ok(Threads { reader, writer })
    }

    /// Waits until the threads of a connection that has been closed are through. If they have much
    /// left to write, or one cannot be woken, they are left to themselves. Called from one of them (the transport's own code, say), it does not
    /// wait: they wait for one another, so none of them can wait for both.
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
    /// Leaves both threads to themselves, and has a third cut a transport whose writes never give up.
    /// `false` if there is none.
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
    /// Starts a thread that reports its end, however it ends.
    fn start(
        side: Side,
        shared: &Arc<Shared>,
        run: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<Thread, Error> {
        let shared = Arc::clone(shared);
        let body = move || {
            // What a panic leaves behind is a closed core, with which no thread goes on.
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
            // A panic has been turned into the reason of the end.
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

/// When the writer checks which events have been taken through the receiver.
struct Checks {
    at: Option<Instant>,
    interval: Duration,
    /// Events taken at the last check.
    taken: u64,
}

impl Checks {
    /// When the next check is due, if at all; that does not move while the writer writes.
    fn next(&mut self, shared: &Shared) -> Option<Instant> {
        if shared.has_to_check() {
            self.at.get_or_insert_with(|| Instant::now() + self.interval);
        } else {
            self.at = None;
        }
        self.at
    }

    /// It has been done, and this many events have been taken by now.
    fn done(&mut self, taken: u64) {
        let is_idle = taken == self.taken;
        let longer = CHECK_INTERVAL_MAX.min(self.interval * 2);
        let interval = if is_idle { longer } else { CHECK_INTERVAL_MIN };
        *self = Checks { at: None, interval, taken };
    }
}
