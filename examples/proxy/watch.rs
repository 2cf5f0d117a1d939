//! Cancels requests at the upstream whose clients have gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use h2_sync::client::CancelHandle;
use h2_sync::server::Caller;

/// The time between two checks. In HTTP/1.1 each check of a client is a system call.
const INTERVAL: Duration = Duration::from_millis(250);

/// One thread that checks the clients of all requests: a handler that waits for the upstream does
/// not notice that its client is gone.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Requests>>);

#[derive(Default)]
struct Requests {
    next: u64,
    open: HashMap<u64, (Caller, CancelHandle)>,
}

/// Keeps a request watched until it is dropped.
pub(crate) struct Watched {
    watch: Watch,
    number: u64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let watch = Watch(Arc::default());
        let theirs = watch.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(INTERVAL);
                theirs.check();
            }
        });
        watch
    }

    /// Cancels a request once its client has reset it or closed the connection.
    pub(crate) fn add(&self, caller: Caller, cancel: CancelHandle) -> Watched {
        let mut requests = self.lock();
        let number = requests.next;
        requests.next += 1;
        requests.open.insert(number, (caller, cancel));
        Watched { watch: self.clone(), number }
    }

    fn check(&self) {
        // `is_cancelled` is called without the lock: `add` and `drop` take it.
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        for (caller, cancel) in open {
            if caller.is_cancelled() {
                cancel.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let ended = self.watch.lock().open.remove(&self.number);
        // After the lock is released.
        drop(ended);
    }
}
