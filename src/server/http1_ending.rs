//! The end of an HTTP/1.x connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::http1::Http1;
use super::live::Live;
use super::overrun::{Overrun, Timed};
use super::pool::Scratch;
use super::stats::{Http1Stats, Totals};
use crate::error::Error;
use crate::h1::closed;

impl Http1 {
    /// Makes the next response the last one.
    pub(super) fn announce_end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.link.announce_close();
    }

    /// Ends the connection now, also where no thread serves it.
    pub(super) fn cut_now(&self, reason: Error) {
        self.link.cut(reason);
        self.gate.close();
        self.end_if_left();
    }

    /// Ends the connection, on a thread that may block on the transport.
    pub(super) fn cut_elsewhere(&self, reason: Error) {
        let Some(conn) = self.me.upgrade() else { return };
        let cut = move |_: &mut Scratch| conn.cut_now(reason);
        self.engine.pool.run(cut).unwrap_or_else(|task| task(&mut Scratch::default()));
    }
}

impl Timed for Http1 {
    fn overrun(&self) -> &Overrun {
        &self.overrun
    }

    fn is_exempt(&self) -> bool {
        self.link.is_tunnel()
    }

    fn give_up(&self) {
        self.cut_elsewhere(Error::timeout("the handler has taken too long"));
    }
}

impl Live for Http1 {
    fn number(&self) -> u64 {
        self.number
    }

    fn shut_down(self: Arc<Self>, grace: Duration) {
        self.announce_end();
        self.context.farewells.begin(&self.engine.pool);
        let Some(at) = Instant::now().checked_add(grace) else { return };
        self.engine.clock.call(at, &Arc::downgrade(&self), move |conn, _| {
            // A wait that has begun later knows of the shutdown, and has a timeout of its own.
            conn.engine.run_with(&conn, move |conn| {
                conn.link.close_idle(grace / 2);
                if conn.link.is_cut() {
                    conn.end_if_left();
                }
            });
        });
    }

    fn close(&self) {
        self.cut_elsewhere(closed());
    }

    fn cut(&self) {
        self.cut_now(closed());
    }

    fn has_ended(&self) -> bool {
        self.link.is_cut()
    }

    fn open_requests(&self) -> usize {
        usize::from(self.link.has_exchange())
    }

    fn totals(&self) -> Totals {
        let (octets_received, octets_sent) = self.link.octets();
        let (connections_open, connections) = (1, 1);
        let http1 = Http1Stats { connections_open, connections, octets_received, octets_sent };
        Totals { requests_open: self.open_requests(), http1, ..Totals::default() }
    }
}
