//! The one thread of a client. It looks after connections that nobody uses: answers PINGs, hears
//! GOAWAY, and closes what has been idle for too long.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::pool::Pool;
use crate::error::Error;

/// How often it looks. A connection that was used since the last look is left alone.
const INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    pool: Arc<Pool>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// There are connections to look after.
    has_work: bool,
    is_stopped: bool,
}

impl Keeper {
    /// Its thread is started when there is something to do.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        let shared = Shared { pool, state: Mutex::default(), wake: Condvar::new() };
        Keeper { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// There is a new connection to look after.
    pub(super) fn begin(&self) -> Result<(), Error> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("h2-sync-keeper".to_owned());
            let builder = builder.stack_size(256 << 10);
            *thread = Some(builder.spawn(move || shared.run()).map_err(Error::thread)?);
        }
        drop(thread);
        self.shared.lock().has_work = true;
        self.shared.wake.notify_one();
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.lock().is_stopped = true;
        self.shared.wake.notify_one();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            if thread.join().is_err() {
                log::error!("the thread that looks after connections panicked");
            }
        }
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let state = self.lock();
            let idle = |state: &mut State| !state.has_work && !state.is_stopped;
            let state = self.wake.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let looked = Instant::now();
            let goes_on = |state: &mut State| !state.is_stopped;
            let waited = self.wake.wait_timeout_while(state, INTERVAL, goes_on);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_stopped {
                return;
            }
            // Before looking: a connection that comes meanwhile sets it again.
            state.has_work = false;
            drop(state);
            if self.pool.tend(looked) {
                self.lock().has_work = true;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
