//! The reader thread and the writer thread.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Shared;
use crate::error::Error;
use crate::link::{Next, ReadBuffer, ReadStep, Side, GOODBYE};
use crate::proto::Transmit;

/// Room for the transport's own code (TLS, say); only what is touched costs memory.
const STACK: usize = 256 << 10;

/// While events are taken behind our back, how often the writer looks which ones.
const LOOK_AFTER: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Threads {
    reader: Mutex<Option<JoinHandle<()>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Threads {
    pub(super) fn start(
        shared: &Arc<Shared>,
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
    ) -> Result<Threads, Error> {
        let writer = spawn(Side::Writer, shared, move |shared| write(shared, writer))?;
        let reader = spawn(Side::Reader, shared, move |shared| read(shared, reader));
        let reader = reader.inspect_err(|error| {
            // The writer is there already: have it say goodbye and end.
            log::debug!("{error}");
            shared.link.thread_ended(Side::Reader, true);
        })?;
        Ok(Threads { reader: Mutex::new(Some(reader)), writer: Mutex::new(Some(writer)) })
    }

    /// Waits until the threads of a connection that has ended are through. Those that cannot be
    /// woken are left to themselves; and no thread waits for itself.
    pub(super) fn join(&self, shared: &Shared) {
        // What the writer takes for its goodbye, and a second for a slow machine.
        if !shared.link.wait_writer(Instant::now() + GOODBYE + Duration::from_secs(1)) {
            shared.link.cut();
        }
        let can_wake = shared.link.can_wake();
        for (side, handle) in [(Side::Writer, &self.writer), (Side::Reader, &self.reader)] {
            let mut handle = handle.lock().unwrap_or_else(PoisonError::into_inner);
            let done = can_wake || shared.link.is_done(side);
            let is_me =
                handle.as_ref().is_some_and(|handle| handle.thread().id() == thread::current().id());
            if let Some(handle) = handle.take().filter(|_| done && !is_me) {
                // A panic has been turned into the reason of the end.
                let _ = handle.join();
            }
        }
    }
}

/// Starts a thread that reports its end, however it ends.
fn spawn(
    side: Side,
    shared: &Arc<Shared>,
    run: impl FnOnce(&Shared) + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let shared = Arc::clone(shared);
    let body = move || {
        let report = Report { shared: &shared, side };
        run(report.shared);
    };
    let name = format!("h2-sync-{}", side.name());
    thread::Builder::new().name(name).stack_size(STACK).spawn(body).map_err(Error::thread)
}

/// Tells the others when its thread ends, also by a panic.
struct Report<'a> {
    shared: &'a Shared,
    side: Side,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        self.shared.link.thread_ended(self.side, thread::panicking());
        if thread::panicking() {
            self.shared.settle();
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
        if shared.is_taken_from_behind() {
            shared.link.nudge();
        }
    }
}

fn write(shared: &Shared, mut writer: impl Write) {
    let mut out = Transmit::new();
    loop {
        let look_after = shared.is_taken_from_behind().then_some(LOOK_AFTER);
        match shared.link.next_write(&mut out, look_after) {
            Next::Write => {
                shared.link.write(&mut writer, &mut out);
                if shared.link.has_events() {
                    shared.settle();
                }
            }
            Next::Look => shared.settle(),
            Next::Goodbye => {
                shared.settle();
                return shared.link.say_goodbye(writer, &mut out);
            }
        }
    }
}
