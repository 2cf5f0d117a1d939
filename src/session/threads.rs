//! The reader thread and the writer thread.

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
    let mut taken = 0;
    let mut pause = LOOK_AFTER;
    loop {
        let look_after = shared.has_to_look().then_some(pause);
        match shared.link.next_write(&mut buffer, look_after) {
            Next::Write => shared.link.write_step(&mut writer, &mut buffer),
            Next::Look => {
                let before = std::mem::replace(&mut taken, shared.settle_as_writer());
                let idle = taken == before;
                pause = if idle { LOOK_AFTER_AT_MOST.min(pause * 2) } else { LOOK_AFTER };
            }
            Next::Goodbye => {
                shared.settle_as_writer();
                return shared.link.say_goodbye(writer, &mut buffer);
            }
        }
    }
}
