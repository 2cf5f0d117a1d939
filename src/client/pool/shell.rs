//! The pool's threads: waiting requests, connection attempts and PINGs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Weak, mpsc};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::actions::{Action, AttemptId, ConnectionId, Grant, Limits, Place, WaiterId};
use super::counters::{Counters, add};
use super::lane::Lane;
use super::machine::Attempted;
use super::state::{Made, State, Waiter};
use crate::client::any_connection::AnyConnection;
use crate::client::cancel::Cancellation;
use crate::client::connect::{Connected, Connector};
use crate::client::origin::Origin;
use crate::client::stats::Stats;
use crate::error::{Error, ErrorKind};
use crate::logging::{self, Lock, Locked};

/// How long a queued request reads one connection. A read cannot be interrupted by a grant, nor by a
/// cancellation.
const READ_TURN_MAX: Duration = Duration::from_millis(10);

/// Enough stack to connect, including a TLS handshake.
const STACK: usize = 512 << 10;

#[derive(Debug)]
pub(in crate::client) struct Pool {
    state: Lock<State>,
    /// The number of queued requests: connections report changes only if there are any.
    waiting: AtomicUsize,
    pub(in crate::client) counters: Counters,
    /// Signalled when the maintenance thread has work.
    pub(super) wake_keeper: Condvar,
    connector: Connector,
    verify_timeout: Duration,
}

/// A connection for sending one request.
#[derive(Debug)]
pub(in crate::client) struct Lease<'a> {
    pool: &'a Arc<Pool>,
    origin: &'a Origin,
    grant: Grant<Made>,
    /// How long connecting and the TLS handshake took, if this request waited for them.
    pub(in crate::client) made_in: Option<(Duration, Option<Duration>)>,
    is_sent: bool,
}

impl Pool {
    pub(in crate::client) fn new(
        connector: Connector,
        limits: Limits,
        verify_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Pool {
            state: Lock::new(State::new(limits)),
            waiting: AtomicUsize::new(0),
            counters: Counters::default(),
            wake_keeper: Condvar::new(),
            connector,
            verify_timeout,
        })
    }

    /// Returns the connector.
    pub(in crate::client) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Returns the maximum time to establish a connection.
    pub(in crate::client) fn patience(&self) -> Duration {
        self.connector.patience()
    }

    /// Waits until `deadline` for a connection to `origin` with a free slot.
    ///
    /// A request that `needs_certainty` cannot be retried if the peer refuses it.
    pub(in crate::client) fn checkout<'a>(
        self: &'a Arc<Self>,
        origin: &'a Origin,
        needs_certainty: bool,
        place: Place,
        deadline: Option<Instant>,
        cancellation: &Cancellation,
    ) -> Result<Lease<'a>, Error> {
        let now = Instant::now();
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::text(ErrorKind::Closed, "the client has been dropped"));
        }
        let taken = match place {
            Place::Back => state.machine.take(origin, needs_certainty, now),
            Place::Front => None,
        };
        if let Some(grant) = taken {
            drop(state);
            self.counters.wait_time.record(Duration::ZERO);
            return Ok(Lease { pool: self, origin, grant, made_in: None, is_sent: false });
        }
        cancellation.wakes_this_thread()?;
        // Before the connections are examined: later changes are then reported.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut actions = Vec::new();
        let waiter = state.machine.enqueue(origin, needs_certainty, place, now, &mut actions);
        state.waiters.insert(waiter, Waiter { thread: thread::current(), verdict: None });
        self.act(state, actions);

        let verdict = self.wait(origin, waiter, deadline, cancellation);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let grant = verdict?;
        self.counters.wait_time.record(now.elapsed());
        let made = &grant.connection;
        let made_in = (made.at >= now).then_some((made.connect, made.tls));
        Ok(Lease { pool: self, origin, grant, made_in, is_sent: false })
    }

    /// Waits for the outcome of a queued request.
    fn wait(
        self: &Arc<Self>,
        origin: &Origin,
        waiter: WaiterId,
        deadline: Option<Instant>,
        cancellation: &Cancellation,
    ) -> Result<Grant<Made>, Error> {
        let mut turn = 0;
        loop {
            let mut state = self.lock();
            let verdict = state.waiters.get_mut(&waiter).and_then(|waiter| waiter.verdict.take());
            if let Some(verdict) = verdict {
                state.waiters.remove(&waiter);
                return verdict;
            }
            let now = Instant::now();
            let is_late = deadline.is_some_and(|deadline| deadline <= now);
            let cancelled = cancellation.check().err();
            if is_late || state.is_closed || cancelled.is_some() {
                let error = cancelled.unwrap_or_else(|| state.why_none(origin));
                state.waiters.remove(&waiter);
                let mut actions = Vec::new();
                state.machine.leave(origin, waiter, now, &mut actions);
                self.act(state, actions);
                return Err(error);
            }
            let clock = state.machine.lane(origin).and_then(Lane::clock);
            if clock.is_some_and(|at| at <= now) {
                let mut actions = Vec::new();
                state.machine.decide(origin, now, &mut actions);
                if !actions.is_empty() {
                    self.act(state, actions);
                    continue;
                }
            }
            let lane = state.machine.lane(origin);
            let to_read = lane.and_then(|lane| lane.to_read(waiter, turn)).cloned();
            drop(state);
            let clock = clock.filter(|&at| at > now);
            let until = [deadline, clock].into_iter().flatten().min();
            turn += 1;
            if to_read.is_some_and(|made| made.connection.read_in_turn(until, READ_TURN_MAX)) {
                continue;
            }
            match until {
                Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
    }

    /// Whether `origin` is known to speak HTTP/1.1.
    pub(in crate::client) fn speaks_http1(&self, origin: &Origin) -> bool {
        self.lock().machine.lane(origin).is_some_and(Lane::speaks_http1)
    }

    /// The connections that are open, to all origins.
    pub(in crate::client) fn connections(&self) -> Vec<AnyConnection> {
        self.lock().machine.connections().map(|made| made.connection.clone()).collect()
    }

    pub(in crate::client) fn stats(&self) -> Stats {
        let mut stats = self.counters.snapshot();
        stats.requests_waiting = self.waiting.load(Ordering::SeqCst);
        self.lock().machine.count(&mut stats);
        stats
    }

    /// Drops all connections when the client is dropped. Does not block; the maintenance thread
    /// closes them.
    pub(in crate::client) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let connections = state.machine.clear();
        state.discarded.extend(connections);
        let threads: Vec<_> = state.waiters.values().map(|it| it.thread.clone()).collect();
        drop(state);
        self.wake_keeper.notify_all();
        threads.iter().for_each(Thread::unpark);
    }

    /// A connection of `origin` has a free slot, or accepts no more requests.
    fn changed(self: &Arc<Self>, origin: &Origin) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.note(origin, |_, _| {});
        }
    }

    fn note(self: &Arc<Self>, origin: &Origin, note: impl FnOnce(&mut Lane<Made>, Instant)) {
        let mut state = self.lock();
        let (now, mut actions) = (Instant::now(), Vec::new());
        state.machine.note(origin, now, &mut actions, |lane| note(lane, now));
        self.act(state, actions);
    }

    /// Performs the actions: first those that need the lock, then the rest without it.
    pub(super) fn act(self: &Arc<Self>, mut state: Locked<'_, State>, actions: Vec<Action<Made>>) {
        let mut threads = Vec::new();
        let mut later = Vec::new();
        for action in actions {
            match action {
                Action::Grant { waiter, grant } => threads.extend(state.tell(waiter, Ok(grant))),
                Action::Fail { waiter, error } => threads.extend(state.tell(waiter, Err(error))),
                Action::Wake { waiter } => {
                    threads.extend(state.waiters.get(&waiter).map(|it| it.thread.clone()));
                }
                Action::Discard { connection } => state.discarded.push(connection),
                Action::Connect { .. } | Action::Probe { .. } => later.push(action),
            }
        }
        let has_discarded = !state.discarded.is_empty();
        drop(state);
        if has_discarded {
            self.wake_keeper.notify_all();
        }
        threads.iter().for_each(Thread::unpark);
        for action in later {
            match action {
                Action::Connect { origin, attempt } => self.connect(origin, attempt),
                Action::Probe { origin, id, connection } => self.probe(origin, id, connection),
                _ => {}
            }
        }
    }

    /// Connects on a new thread, so that the attempt can outlast the request.
    fn connect(self: &Arc<Self>, origin: Origin, number: AttemptId) {
        add(&self.counters.attempts);
        let attempt = Attempt { pool: Arc::clone(self), origin, number, result: None };
        if let Err((error, mut attempt)) = on_thread("h2-sync-connect", attempt, Attempt::run) {
            attempt.result = Some(Attempted::Failed { error, is_worth_repeating: false });
        }
    }

    /// Checks a connection with a PING, on a new thread.
    fn probe(self: &Arc<Self>, origin: Origin, id: ConnectionId, made: Made) {
        let probe = Probe { pool: Arc::clone(self), origin, id, is_alive: false };
        let run = |(probe, made): (Probe, Made)| probe.run(&made.connection);
        if let Err((error, (probe, _))) = on_thread("h2-sync-probe", (probe, made), run) {
            logging::debug!(
                "no thread to check the connection to {} with a PING: {error}",
                probe.origin
            );
        }
    }

    pub(super) fn lock(&self) -> Locked<'_, State> {
        self.state.lock()
    }
}

/// Runs `work` with `value` on a new thread. Returns the value if no thread can be started.
fn on_thread<T: Send + 'static>(
    name: &str,
    value: T,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<(), (Error, T)> {
    let (hands_over, takes) = mpsc::channel();
    let begun = thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(move || takes.recv().map_or((), work));
    if let Err(error) = begun {
        return Err((Error::thread(error), value));
    }
    // The thread waits for it.
    let _ = hands_over.send(value);
    Ok(())
}

impl Lease<'_> {
    pub(in crate::client) fn connection(&self) -> &AnyConnection {
        &self.grant.connection.connection
    }

    /// Whether the connection had served a request before.
    pub(in crate::client) fn is_reused(&self) -> bool {
        self.grant.is_reused
    }

    /// Reports that the request has been sent, or will not be sent on this connection.
    pub(in crate::client) fn sent(&mut self) {
        if !std::mem::replace(&mut self.is_sent, true) {
            let id = self.grant.id;
            let mut state = self.pool.lock();
            let mut actions = Vec::new();
            let now = Instant::now();
            match self.pool.waiting.load(Ordering::SeqCst) {
                0 => state.machine.sent(self.origin, id, now),
                _ => state.machine.note(self.origin, now, &mut actions, |lane| lane.sent(id, now)),
            }
            self.pool.act(state, actions);
        }
    }

    /// Reports that a response has begun.
    pub(in crate::client) fn answered(&self) {
        if self.grant.answers.fetch_add(1, Ordering::Relaxed) == 0 {
            self.pool.note(self.origin, |lane, _| lane.proved_useful());
        }
    }

    /// Reports that the peer refused the request.
    pub(in crate::client) fn refused(&self) {
        // Before the peer's limit was known, the request may have exceeded it.
        if self.grant.is_certain {
            let id = self.grant.id;
            self.pool.note(self.origin, |lane, now| lane.refused(id, now));
        }
    }

    /// Reports that the response to a request sent at `sent` timed out.
    pub(in crate::client) fn late(&self, sent: Instant) {
        let id = self.grant.id;
        self.pool.note(self.origin, |lane, now| lane.late(id, sent, now));
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.sent();
    }
}

/// A connection attempt. Dropping it reports its outcome to the pool.
struct Attempt {
    pool: Arc<Pool>,
    origin: Origin,
    number: AttemptId,
    result: Option<Attempted<Made>>,
}

impl Attempt {
    fn run(mut self) {
        self.result = Some(match self.connect() {
            Ok(made) => Attempted::Made(made),
            Err(error) => {
                logging::debug!("connecting to {}: {error}", self.origin);
                // A system error may be temporary, since the host may be starting. An error of a
                // proxy or of TLS would recur.
                let is_worth_repeating =
                    error.kind() == ErrorKind::Transport && error.as_io_error().is_some();
                Attempted::Failed { error, is_worth_repeating }
            }
        });
    }

    fn connect(&self) -> Result<Made, Error> {
        let Connected { connection, connect, tls } = self.pool.connector.connect(&self.origin)?;
        // A connection must not be used without maintenance.
        self.pool.start_keeper()?;
        let (pool, origin): (Weak<Pool>, _) = (Arc::downgrade(&self.pool), self.origin.clone());
        connection.set_observer(move || {
            if let Some(pool) = pool.upgrade() {
                pool.changed(&origin);
            }
        });
        Ok(Made { connection, at: Instant::now(), connect, tls })
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| {
            let error = Error::text(ErrorKind::Internal, "the thread that connects has failed");
            Attempted::Failed { error, is_worth_repeating: false }
        });
        if matches!(result, Attempted::Failed { .. }) {
            add(&self.pool.counters.attempts_failed);
        }
        let mut state = self.pool.lock();
        if state.is_closed {
            // Dropping the connection sends GOAWAY, which must not happen under the lock.
            drop(state);
            drop(result);
            return;
        }
        let (now, mut actions) = (Instant::now(), Vec::new());
        state.machine.attempted(&self.origin, self.number, result, now, &mut actions);
        self.pool.act(state, actions);
        // There is a connection to maintain.
        self.pool.wake_keeper.notify_all();
    }
}

/// An outstanding PING. Dropping it reports its outcome to the pool.
struct Probe {
    pool: Arc<Pool>,
    origin: Origin,
    id: ConnectionId,
    is_alive: bool,
}

impl Probe {
    fn run(mut self, connection: &AnyConnection) {
        let answer = connection.verify(self.pool.verify_timeout);
        self.is_alive = answer.is_ok();
        if let Err(error) = answer {
            logging::debug!("the check of the connection to {} failed: {error}", self.origin);
        }
        let is_dead = !self.is_alive;
        drop(self);
        if is_dead {
            connection.close_if_unused();
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let (id, is_alive) = (self.id, self.is_alive);
        let pool = Arc::clone(&self.pool);
        pool.note(&self.origin, |lane, now| lane.probed(id, is_alive, now));
    }
}
