//! The owner of a connection whose only threads are its callers.

use std::sync::Weak;
use std::thread::{self, Thread};
use std::time::Instant;

use super::conn::Conn;
use crate::logging;
use crate::wire::{Owner, spawn};

/// The owner for a client's callers. They take turns as leader while they wait, and check the
/// deadlines themselves. A thread is started only for work that no caller can do.
pub(crate) struct Callers(Weak<Conn>);

impl Callers {
    pub(crate) fn of(conn: &Weak<Conn>) -> Box<dyn Owner> {
        Box::new(Callers(Weak::clone(conn)))
    }
}

impl Owner for Callers {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        let Some(conn) = self.0.upgrade() else { return false };
        spawn("h2-sync-flush", move || conn.write_for_others())
    }

    fn has_clock(&self) -> bool {
        false
    }

    /// For the one deadline that no caller would notice: a write has failed while a caller is
    /// blocked in a read.
    fn call_at(&self, at: Instant, _: &mut Vec<Thread>) {
        let conn = Weak::clone(&self.0);
        let has_begun = spawn("h2-sync-cut", move || {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if let Some(conn) = conn.upgrade() {
                conn.lock().run_deadlines(Instant::now());
                conn.cut();
            }
        });
        if !has_begun {
            logging::warn!("no thread to end a connection that cannot be written to");
        }
    }
}
