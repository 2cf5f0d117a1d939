//! A client's maintenance thread. It maintains idle connections: acknowledges PINGs, notices GOAWAY
//! and closed transports, and closes connections that have been idle too long.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::shell::Pool;
use crate::client::any_connection::AnyConnection;
use crate::error::Error;

/// How often connections are maintained.
const INTERVAL: Duration = Duration::from_millis(500);

const STACK: usize = 256 << 10;

impl Pool {
    /// Starts the thread, unless it is running.
    pub(super) fn start_keeper(self: &Arc<Self>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.has_keeper || state.is_closed {
            return Ok(());
        }
        let pool = Arc::clone(self);
        let builder = thread::Builder::new().name("h2-sync-keeper".to_owned()).stack_size(STACK);
        builder.spawn(move || pool.keep()).map_err(Error::thread)?;
        state.has_keeper = true;
        Ok(())
    }

    /// Runs until the client is dropped and its connections are closed.
    fn keep(self: Arc<Self>) {
        let mut next = Instant::now() + INTERVAL;
        loop {
            let mut state = self.lock();
            while state.discarded.is_empty() && !state.is_closed {
                let now = Instant::now();
                if state.machine.is_empty() {
                    state = state.wait(&self.wake_keeper, None);
                    next = Instant::now() + INTERVAL;
                    continue;
                }
                if next <= now {
                    break;
                }
                state = state.wait(&self.wake_keeper, Some(next - now));
            }
            let discarded = std::mem::take(&mut state.discarded);
            let is_closed = state.is_closed;
            drop(state);
            // Dropping the last handle sends GOAWAY.
            drop(discarded);
            if is_closed {
                return;
            }
            if next <= Instant::now() {
                self.maintain_all();
                next = Instant::now() + INTERVAL;
            }
        }
    }

    fn maintain_all(self: &Arc<Self>) {
        self.connections().iter().for_each(AnyConnection::maintain);
        let mut state = self.lock();
        let mut actions = Vec::new();
        state.machine.tick(Instant::now(), &mut actions);
        self.act(state, actions);
    }
}
