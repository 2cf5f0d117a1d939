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

/// The pause after an error of `accept` or of a thread's start; twice as long after each, up to the
/// longest. What is missing (descriptors, memory, threads) comes back when connections end.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long an accepted connection waits for a thread before it is dropped.
const THREAD_WAIT_MAX: Duration = Duration::from_secs(1);

/// Between two lines in the log about errors of `accept`.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// Accepts connections until the server ends.
///
/// All connections that wait are accepted before a thread is started for any of them: the threads
/// would compete with this one, and a full queue of the system's drops SYNs.
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
                // Some errors are those of one connection, which is gone; others stay for a while.
                if engine.pause(pause) {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        let admitted: Vec<_> = batch.drain(..).map(|accepted| (engine.admit(), accepted)).collect();
        for (is_closing, accepted) in admitted {
            // What comes as the server ends is served as well, and told to go away: a connection that
            // is dropped would leave the client in doubt about its requests.
            if is_closing && listener.is_waking(&accepted) {
                engine.dismiss();
            } else {
                start(engine, accepted, entrance);
            }
        }
    }
}

/// Has a thread serve a connection. Where there is none, it waits for one, and so do those that come
/// behind it, in the system's queue; after [`THREAD_WAIT_MAX`] the connection is dropped.
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
