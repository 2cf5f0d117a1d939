//! Callbacks for the shutdown of a connection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pool::Pool;
use crate::logging;

type Act = Box<dyn FnOnce() + Send>;

/// The callbacks registered by the handlers of one connection.
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
    pub(super) fn begin(&self, pool: &Arc<Pool>) {
        let mut state = self.lock();
        state.has_begun = true;
        let acts = std::mem::take(&mut state.acts);
        drop(state);
        for (_, act) in acts {
            // Each may wait for its peer.
            if pool.run(move |_| act()).is_err() {
                logging::debug!("no thread to tell a handler that its connection is to end");
            }
        }
    }
}

/// Keeps the callback of [`Request::on_shutdown`](super::Request::on_shutdown) registered until it
/// is dropped.
///
/// ```
/// use h2_sync::server::{Request, Response};
///
/// fn upload(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     let hook = request.on_shutdown(|| eprintln!("the shutdown waits for an upload"));
///     while let Some(octets) = request.next_chunk()? {
///         // … store the octets …
///     }
///     drop(hook); // A shutdown is not reported any more.
///     response.send("stored")
/// }
/// ```
#[must_use = "dropping it unregisters the callback"]
pub struct ShutdownHook {
    farewells: Arc<Farewells>,
    number: u64,
}

impl Farewells {
    /// Registers `act`, or calls it at once if the shutdown has started.
    pub(super) fn add(self: &Arc<Self>, act: Act) -> ShutdownHook {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        if state.has_begun {
            drop(state);
            act();
        } else {
            state.acts.push((number, act));
        }
        ShutdownHook { farewells: Arc::clone(self), number }
    }
}

impl Drop for ShutdownHook {
    fn drop(&mut self) {
        let mut state = self.farewells.lock();
        let place = state.acts.iter().position(|(number, _)| *number == self.number);
        let act = place.map(|place| state.acts.swap_remove(place));
        // Dropping the callback may run code of the application, so it happens without the lock.
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
