//! The reader thread and the writer thread.
//!
//! ```text
//!   reader:  ┌▶ read_step ─▶ settle ─┐         writer:  ┌▶ next_write ─┬─ Write ─▶ write_step ─┐
//!            └──────── more ─────────┤                  │              ├─ Look ──▶ settle ─────┤
//!                                    └ end              └──────────────│──────────────────────┘
//!                                                                      └ Goodbye ▶ settle, goodbye
//! ```
//!
//! *To settle* is to deliver the core's events, and to give the core back what is owed for those
//! that have been taken (see [`outbox`](super::outbox)). Whoever causes events settles.

use std::io::{Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::error::Error;
use crate::link::{Next, ReadBuffer, ReadStep, Side, WriteBuffer, GOODBYE};

/// Room for the transport's own code (TLS, say); only what is touched costs memory.
const STACK: usize = 256 << 10;

/// While events are taken behind our back, how often the writer looks which ones …
const LOOK_AFTER: Duration = Duration::from_millis(1);
/// … and how often when none have been taken for a while.
const LOOK_AFTER_AT_MOST: Duration = Duration::from_millis(32);

/// For a slow machine, beyond the time that the writer takes for its goodbye.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Threads {
    reader: Thread,
    writer: Thread,
}

#[derive(Debug)]
struct Thread {
    side: Side,
    id: ThreadId,
    /// Whoever takes it joins the thread, with the lock held: others wait as well.
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn start(
        shared: &Arc<Shared>,
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
    ) -> Result<Threads, Error> {
        let writer = Thread::start(Side::Writer, shared, move |shared| write(shared, writer))?;
        let reader = Thread::start(Side::Reader, shared, move |shared| read(shared, reader));
        let reader = reader.inspect_err(|error| {
            // The writer is there already: have it say goodbye and end.
            log::debug!("{error}");
            shared.link.thread_ended(Side::Reader, true);
        })?;
        Ok(Threads { reader, writer })
    }

    /// Waits until the threads of a connection that has ended are through. One that cannot be woken
    /// is left to itself. Called from one of them (the transport's own code, say), it does not
    /// wait: they wait for one another, so none of them can wait for both.
    pub(super) fn join(&self, shared: &Shared) {
        if self.writer.is_current() || self.reader.is_current() {
            return;
        }
        if !shared.link.wait_writer(Instant::now() + GOODBYE + GRACE) {
            shared.link.cut();
        }
        self.writer.join(shared);
        self.reader.join(shared);
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
            // What a panic leaves behind is a closed core: nobody goes on with it.
            let result = catch_unwind(AssertUnwindSafe(|| run(&shared)));
            shared.link.thread_ended(side, result.is_err());
            shared.settle();
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
        let ends = shared.link.can_wake() || shared.link.is_done(self.side);
        if let Some(handle) = handle.take().filter(|_| ends) {
            // A panic has been turned into the reason of the end.
            let _ = handle.join();
        }
    }
}

fn read(shared: &Shared, mut reader: impl Read) {
    let mut buffer = ReadBuffer::new();
    loop {
        let step = shared.link.read_step(&mut reader, &mut buffer);
        shared.settle();
        if step == ReadStep::Ended {
            return;
        }
    }
}

fn write(shared: &Shared, mut writer: impl Write) {
    let mut buffer = WriteBuffer::new();
    let mut looks = Looks { at: None, pause: LOOK_AFTER, taken: 0 };
    loop {
        match shared.link.next_write(&mut buffer, looks.next(shared)) {
            Next::Write => shared.link.write_step(&mut writer, &mut buffer),
            Next::Look => looks.done(shared.settle_as_writer()),
            Next::Goodbye => {
                shared.settle_as_writer();
                return shared.link.say_goodbye(writer, &mut buffer);
            }
        }
    }
}

/// When the writer looks which events have been taken behind our back.
struct Looks {
    at: Option<Instant>,
    pause: Duration,
    /// Events taken, when it last looked.
    taken: u64,
}

impl Looks {
    /// When it has to look next, if at all; that does not move while it writes.
    fn next(&mut self, shared: &Shared) -> Option<Instant> {
        if shared.has_to_look() {
            self.at.get_or_insert_with(|| Instant::now() + self.pause);
        } else {
            self.at = None;
        }
        self.at
    }

    /// It has looked, and so many events have been taken by now.
    fn done(&mut self, taken: u64) {
        let is_idle = taken == self.taken;
        *self = Looks {
            at: None,
            pause: if is_idle { LOOK_AFTER_AT_MOST.min(self.pause * 2) } else { LOOK_AFTER },
            taken,
        };
    }
}
