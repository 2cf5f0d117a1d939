//! A connection of HTTP/2 of a server. [`lead`](super::lead) has its threads.

use std::fmt;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::context::Context;
use super::engine::Engine;
use super::peer::Peer;
use super::place::Place;
use super::running::Running;
use super::writers::{SHARED_WRITE_MAX, Writable};
use crate::error::Error;
use crate::exchange::Conn;
use crate::proto::Connection;
use crate::transport::Halves;
use crate::wire::Owner;

/// A connection of HTTP/2.
pub(super) struct Served {
    pub(super) number: u64,
    pub(super) engine: Arc<Engine>,
    pub(super) conn: Arc<Conn>,
    pub(super) context: Arc<Context>,
    pub(super) place: Arc<Place>,
    /// The number of requests that still get a separate thread each, after handlers of this
    /// connection were slow.
    pub(super) slow: AtomicU32,
    /// Whether the clock watches the leader.
    pub(super) is_watched: AtomicBool,
    /// Whether the clock will check for requests that have waited too long.
    pub(super) is_timed: AtomicBool,
    /// Whether it is queued for a writer.
    pub(super) waits_for_writer: AtomicBool,
    /// Whether it can be left to the poller.
    pub(super) can_be_watched: bool,
    pub(super) handlers: Running,
}

impl Served {
    /// Registers a connection that was [admitted](Engine::admit); the caller must make a thread lead
    /// it. `take` makes a thread use a permit that the connection has waited for.
    ///
    /// # Errors
    ///
    /// If the server has ended, since the handshake took too long.
    pub(super) fn register<R, W, O>(
        engine: &Arc<Engine>,
        core: Box<Connection>,
        halves: Halves<R, W>,
        peer: Peer,
        owner: impl FnOnce(Weak<Served>) -> O,
        take: fn(&Arc<Served>),
    ) -> Result<Arc<Self>, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
        O: Owner + 'static,
    {
        let context = Context::new(&engine.config, &engine.readiness, peer);
        let can_be_watched = engine.can_leave_to_poller(&halves.closer);
        let make = |number| {
            Arc::new_cyclic(|served: &Weak<Served>| {
                let waits = served.clone();
                let take = move || waits.upgrade().inspect(take).is_some();
                Served {
                    number,
                    engine: Arc::clone(engine),
                    conn: Conn::new(core, halves, |_| Box::new(owner(served.clone()))),
                    context,
                    place: Arc::new(Place::new(take)),
                    slow: AtomicU32::new(0),
                    is_watched: AtomicBool::new(false),
                    is_timed: AtomicBool::new(false),
                    waits_for_writer: AtomicBool::new(false),
                    can_be_watched,
                    handlers: Running::default(),
                }
            })
        };
        let (served, is_closing) = engine.enlist(make)?;
        served.conn.limit_held(Arc::clone(&engine.ledger));
        if is_closing {
            served.conn.with(|state, now| state.core.shutdown(now));
        }
        Ok(served)
    }

    /// Writes on a thread that may block. Returns `false` if no thread is available, which the pool has
    /// logged: the leader writes when it wakes up.
    pub(super) fn flush_elsewhere(&self) -> bool {
        let conn = Arc::clone(&self.conn);
        self.engine.pool.run(move |_| conn.flush_now()).is_ok()
    }

    /// Writes everything on a separate thread. Returns `false` if no thread is available.
    pub(super) fn write_elsewhere(&self) -> bool {
        let conn = Arc::clone(&self.conn);
        self.engine.pool.run(move |_| conn.write_for_others()).is_ok()
    }
}

impl Writable for Served {
    fn waits_for_writer(&self) -> &AtomicBool {
        &self.waits_for_writer
    }

    fn write_a_turn(&self) {
        self.conn.flush_until(Instant::now() + SHARED_WRITE_MAX);
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("number", &self.number).finish_non_exhaustive()
    }
}
