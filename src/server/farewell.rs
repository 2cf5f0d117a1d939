//! What is to be done when a connection is asked to end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::Context;
use super::engine::Engine;
use super::request::Request;
use crate::logging;

type Act = Box<dyn FnOnce() + Send>;

/// What handlers of one connection have asked for.
#[derive(Default)]
pub(super) struct Farewells(Mutex<State>);

#[derive(Default)]
struct State {
    has_begun: bool,
    next: u64,
    acts: Vec<(u64, Act)>,
}

impl Farewells {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection is asked to end.
    pub(super) fn begin(&self, engine: &Engine) {
        let mut state = self.lock();
        state.has_begun = true;
        let acts = std::mem::take(&mut state.acts);
        drop(state);
        for (_, act) in acts {
            // Each may wait for its peer.
            if engine.pool.run(move |_| act()).is_err() {
                logging::debug!("no thread to tell a handler that its connection is to end");
            }
        }
    }
}

/// Keeps what [`Request::on_shutdown`] was given, until it is dropped.
#[must_use = "what is to be done is forgotten when this is dropped"]
pub struct ShutdownHook {
    context: Arc<Context>,
    number: u64,
}

impl Request {
    /// Has `act` called once when the server shuts down or the connection reaches its
    /// [`max_age`](super::Config::max_age), unless the hook is dropped before: for a handler whose
    /// response has no end of its own. It runs on a thread of the server's, or at once where the
    /// shutdown has begun.
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn ticks(request: &mut Request, response: &mut Response) -> io::Result<()> {
    ///     let (stop, stopped) = mpsc::channel();
    ///     let _hook = request.on_shutdown(move || drop(stop.send(())));
    ///     while stopped.recv_timeout(Duration::from_secs(1)).is_err() {
    ///         response.write_all(b"tick\n")?;
    ///         response.flush()?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn on_shutdown(&self, act: impl FnOnce() + Send + 'static) -> ShutdownHook {
        let context = Arc::clone(self.context());
        let mut state = context.farewells.lock();
        let number = state.next;
        state.next += 1;
        if state.has_begun {
            drop(state);
            act();
        } else {
            state.acts.push((number, Box::new(act)));
            drop(state);
        }
        ShutdownHook { context, number }
    }
}

impl Drop for ShutdownHook {
    fn drop(&mut self) {
        let mut state = self.context.farewells.lock();
        let place = state.acts.iter().position(|(number, _)| *number == self.number);
        let act = place.map(|place| state.acts.swap_remove(place));
        // What it holds may have something to do in turn.
        drop(state);
        drop(act);
    }
}

impl fmt::Debug for Farewells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Farewells").field("acts", &self.lock().acts.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ShutdownHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHook").field("number", &self.number).finish_non_exhaustive()
    }
}
