//! The loop that accepts a listener's connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::listener::{Accepted, Listener};
use super::opening::{self, Admission, Entrance};
use super::peer::Peer;
use super::pool::{Scratch, Task};
use super::stats::add;
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

/// Accepts connections until the server ends.
///
/// All waiting connections are accepted before a thread is started for any of them: the threads
/// would compete with this one, and the system drops SYNs when its queue is full.
pub(super) fn accept_all(engine: &Arc<Engine>, listener: &Listener, entrance: &Arc<Entrance>) {
    let (mut pause, mut logged) = (FIRST_PAUSE, None::<Instant>);
    let mut batch = Vec::new();
    while let Some(room) = engine.has_room() {
        match listener.accept(room, &mut batch) {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                add(&engine.counters.accept_errors);
                if logged.is_none_or(|at| at.elapsed() >= LINE_INTERVAL) {
                    logged = Some(Instant::now());
                    logging::warn!("accepting a connection: {error}");
                }
                // Some errors only concern one connection, which is lost; others persist for a
                // while.
                if engine.pause(pause) {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        let admitted: Vec<_> = batch.drain(..).map(|accepted| (engine.admit(), accepted)).collect();
        for (is_closing, accepted) in admitted {
            // A connection accepted during the shutdown is served and told to go away. If it was
            // dropped, the client would not know whether its requests were processed.
            if is_closing && listener.is_waking(&accepted) {
                engine.dismiss();
            } else {
                start(engine, accepted, entrance);
            }
        }
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
