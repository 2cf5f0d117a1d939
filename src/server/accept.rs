//! The loop that accepts the connections of all listeners.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::listener::Listener;
use super::opening::{self, Admission, Entrance};
use super::peer::Peer;
use super::pool::{Scratch, Task};
use super::socket::{Accepted, Socket};
use super::stats::add;
use super::waker::Waker;
use crate::logging;

/// The pause after an error of `accept` or of starting a thread; doubled after each further error,
/// up to the longest. The missing resource (descriptors, memory, threads) is freed when connections
/// end.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest time that an accepted connection waits for a thread before it is dropped.
const THREAD_WAIT_MAX: Duration = Duration::from_secs(1);

/// The interval between log lines about errors of `accept`.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// A listener whose settings are complete.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) socket: Socket,
    pub(super) entrance: Arc<Entrance>,
    /// Whether the service manager keeps the socket.
    #[cfg_attr(not(feature = "handover"), allow(dead_code))]
    pub(super) is_kept: bool,
    /// Whether another process serves what is left in the queue.
    pub(super) is_left: AtomicBool,
}

impl From<Listener> for Door {
    fn from(listener: Listener) -> Door {
        Door {
            socket: listener.socket,
            entrance: Arc::new(listener.entrance),
            is_kept: listener.is_kept,
            is_left: AtomicBool::new(listener.is_kept),
        }
    }
}

/// Accepts connections until the server ends. What waits in the queues of the system then is
/// accepted as well, since it would be lost with the sockets, unless another process has them too.
pub(super) fn accept_all(engine: &Arc<Engine>, doors: &[Door], waker: &Waker) {
    let mut errors = Errors::default();
    while engine.has_room().is_some() {
        let ready = match waker.wait(doors.iter().map(|door| &door.socket)) {
            Ok(ready) => ready,
            Err(error) => {
                errors.add(engine, &error);
                continue;
            }
        };
        for door in ready.into_iter().map(|at| &doors[at]) {
            let Some(room) = engine.has_room() else { break };
            match take(engine, door, room) {
                Ok(_) => errors.pause = FIRST_PAUSE,
                Err(error) => errors.add(engine, &error),
            }
        }
    }
    for door in doors.iter().filter(|door| !door.is_left.load(Ordering::SeqCst)) {
        take_rest(engine, door);
    }
}

/// Accepts the connections that wait, up to `room`, and returns their number.
///
/// All are accepted before a thread is started for any of them: the threads would compete with this
/// one, and the system drops SYNs when its queue is full.
fn take(engine: &Arc<Engine>, door: &Door, room: usize) -> io::Result<usize> {
    let mut batch = Vec::new();
    door.socket.accept(room, &mut batch)?;
    let count = batch.len();
    // A connection that is accepted during the shutdown is served, and told to go away. If it were
    // dropped, the client would not know whether its requests were processed.
    batch.iter().for_each(|_| engine.admit());
    batch.into_iter().for_each(|accepted| start(engine, accepted, &door.entrance));
    Ok(count)
}

/// Accepts the rest of a queue, before its socket is closed.
fn take_rest(engine: &Arc<Engine>, door: &Door) {
    while let Some(room) = engine.has_room_at_end() {
        match take(engine, door, room) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return logging::debug!("the rest of a queue is not accepted: {error}"),
        }
    }
}

/// The errors of the accept thread.
struct Errors {
    pause: Duration,
    logged: Option<Instant>,
}

impl Default for Errors {
    fn default() -> Self {
        Errors { pause: FIRST_PAUSE, logged: None }
    }
}

impl Errors {
    /// Counts and logs an error, and pauses. Some errors only concern one connection, which is lost;
    /// others persist for a while.
    fn add(&mut self, engine: &Engine, error: &io::Error) {
        add(&engine.counters.accept_errors);
        if self.logged.is_none_or(|at| at.elapsed() >= LINE_INTERVAL) {
            self.logged = Some(Instant::now());
            logging::warn!("accepting a connection: {error}");
        }
        engine.pause(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Passes a connection to a thread. Without a thread, it waits for one, and later connections wait
/// in the system's queue; after [`THREAD_WAIT_MAX`] the connection is dropped.
fn start(engine: &Arc<Engine>, accepted: Accepted, entrance: &Arc<Entrance>) {
    let (admission, entrance) = (Admission::new(engine), Arc::clone(entrance));
    let mut task: Task = Box::new(move |scratch: &mut Scratch| match accepted {
        Accepted::Tcp(stream, address) => {
            opening::serve(admission, stream, Peer::at(address), &entrance, scratch);
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => {
            opening::serve(admission, stream, Peer::unknown(), &entrance, scratch);
        }
    });
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    while let Err(back) = engine.pool.run_task(task) {
        if began.elapsed() >= THREAD_WAIT_MAX || engine.pause(pause) {
            logging::debug!("a connection is dropped: there is no thread for it");
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        task = back;
    }
}
