//! The state machine in virtual time: without threads, sockets or a clock.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::actions::{Action, AttemptId, ConnectionId, Limits, Place, WaiterId};
use super::health::{Pooled, Seen};
use super::machine::{Attempted, Machine};
use crate::client::origin::Origin;
use crate::error::{Error, ErrorKind};

mod life;

const MS: Duration = Duration::from_millis(1);

/// A connection whose peer the test controls.
#[derive(Debug, Clone)]
struct Fake(Rc<Cell<Seen>>);

impl Pooled for Fake {
    fn seen(&self) -> Seen {
        self.0.get()
    }
}

impl Fake {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.0.get();
        change(&mut seen);
        self.0.set(seen);
    }

    /// Sends a request on it.
    fn open(&self) {
        self.change(|seen| (seen.free, seen.open) = (seen.free - 1, seen.open + 1));
    }

    /// Ends a request on it.
    fn end(&self) {
        self.change(|seen| (seen.free, seen.open) = (seen.free + 1, seen.open - 1));
    }
}

/// A state machine with one origin.
struct Test {
    machine: Machine<Fake>,
    origin: Origin,
    now: Instant,
    /// New connections use HTTP/1.1.
    is_serial: bool,
    /// Requests that have been granted a connection, in order.
    granted: Vec<(WaiterId, ConnectionId, Fake)>,
    failed: Vec<WaiterId>,
    attempts: Vec<AttemptId>,
    probes: Vec<ConnectionId>,
    woken: Vec<WaiterId>,
    discarded: usize,
}

fn limits() -> Limits {
    Limits {
        per_origin: 4,
        serial_per_origin: 5,
        is_serial: (false, false),
        idle: 100,
        idle_timeout: Duration::from_secs(90),
        max_age: None,
        verify_after: Duration::from_secs(15),
        verify_interval: Duration::from_secs(1),
        retries: 2,
    }
}

fn refused() -> Error {
    Error::text(ErrorKind::Transport, "connection refused")
}

impl Test {
    fn new(limits: Limits) -> Self {
        Test {
            is_serial: limits.is_serial.0,
            machine: Machine::new(limits),
            origin: Origin { is_https: false, host: "host".to_owned(), port: 80 },
            now: Instant::now(),
            granted: Vec::new(),
            failed: Vec::new(),
            attempts: Vec::new(),
            probes: Vec::new(),
            woken: Vec::new(),
            discarded: 0,
        }
    }

    fn act(&mut self, actions: Vec<Action<Fake>>) {
        for action in actions {
            match action {
                Action::Grant { waiter, grant } => {
                    self.granted.push((waiter, grant.id, grant.connection));
                }
                Action::Fail { waiter, .. } => self.failed.push(waiter),
                Action::Connect { attempt, .. } => self.attempts.push(attempt),
                Action::Probe { id, .. } => self.probes.push(id),
                Action::Discard { .. } => self.discarded += 1,
                Action::Wake { waiter } => self.woken.push(waiter),
            }
        }
    }

    fn ask_for(&mut self, needs_certainty: bool, place: Place) -> WaiterId {
        let (mut actions, origin) = (Vec::new(), self.origin.clone());
        let waiter = self.machine.enqueue(&origin, needs_certainty, place, self.now, &mut actions);
        self.act(actions);
        waiter
    }

    fn ask(&mut self) -> WaiterId {
        self.ask_for(false, Place::Back)
    }

    /// Completes the oldest attempt with a connection for this many streams, whose limit is known.
    fn made(&mut self, streams: usize) -> Fake {
        self.made_with(streams, true)
    }

    fn made_with(&mut self, free: usize, is_certain: bool) -> Fake {
        let heard = self.now;
        let seen = Seen {
            free,
            open: 0,
            is_serial: self.is_serial,
            takes_more: true,
            has_ended: false,
            is_certain,
            heard,
        };
        let fake = Fake(Rc::new(Cell::new(seen)));
        self.attempted(Attempted::Made(fake.clone()));
        fake
    }

    fn attempted(&mut self, result: Attempted<Fake>) {
        let (attempt, mut actions) = (self.attempts.remove(0), Vec::new());
        self.machine.attempted(&self.origin, attempt, result, self.now, &mut actions);
        self.act(actions);
    }

    fn fails(&mut self) {
        self.attempted(Attempted::Failed { error: refused(), is_worth_repeating: true });
    }

    /// Uses the oldest grant: the request is sent.
    fn send(&mut self) -> (WaiterId, Fake) {
        let (waiter, id, fake) = self.granted.remove(0);
        fake.open();
        self.note(|lane, now| lane.sent(id, now));
        (waiter, fake)
    }

    fn note(&mut self, note: impl FnOnce(&mut super::lane::Lane<Fake>, Instant)) {
        let (mut actions, now) = (Vec::new(), self.now);
        self.machine.note(&self.origin, now, &mut actions, |lane| note(lane, now));
        self.act(actions);
    }

    /// Advances the time and runs the periodic maintenance.
    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.note(|_, _| {});
    }

    fn tick(&mut self) {
        let mut actions = Vec::new();
        self.machine.tick(self.now, &mut actions);
        self.act(actions);
    }

    fn waiters(&self) -> Vec<WaiterId> {
        self.granted.iter().map(|(waiter, ..)| *waiter).collect()
    }
}

#[test]
fn requests_share_the_attempt_and_the_connection_in_order() {
    let mut test = Test::new(limits());
    let asked = [test.ask(), test.ask(), test.ask()];
    assert_eq!(test.attempts.len(), 1);
    test.made(10);
    assert_eq!(test.waiters(), asked);
}

#[test]
fn head_of_the_queue_reads_each_http2_connection_in_turn() {
    let mut test = Test::new(Limits { per_origin: 2, ..limits() });
    test.ask();
    test.made(1);
    test.send();
    test.ask();
    test.made(1);
    test.send();
    let (head, next) = (test.ask(), test.ask());
    let lane = test.machine.lane(&test.origin).unwrap();
    let read = |waiter, turn| lane.to_read(waiter, turn).map(|fake| Rc::as_ptr(&fake.0));
    assert_ne!(read(head, 0).unwrap(), read(head, 1).unwrap());
    assert_eq!(read(head, 0), read(head, 2));
    assert_eq!(read(next, 0), None);
}

#[test]
fn new_head_of_the_queue_is_woken() {
    let mut test = Test::new(Limits { per_origin: 1, ..limits() });
    test.ask();
    let fake = test.made(1);
    test.send();
    let (head, next, last) = (test.ask(), test.ask(), test.ask());
    assert_eq!(test.woken.last(), Some(&head));
    fake.end();
    test.note(|_, _| {});
    assert_eq!(test.waiters(), [head]);
    assert_eq!(test.woken.last(), Some(&next));
    let mut actions = Vec::new();
    test.machine.leave(&test.origin, next, test.now, &mut actions);
    test.act(actions);
    assert_eq!(test.woken.last(), Some(&last));
}

#[test]
fn http1_and_closing_connections_are_not_read_for_a_queued_request() {
    let mut test = Test::new(Limits { serial_per_origin: 1, is_serial: (true, false), ..limits() });
    test.ask();
    test.made(1);
    test.send();
    let head = test.ask();
    assert!(test.machine.lane(&test.origin).unwrap().to_read(head, 0).is_none());

    let mut test = Test::new(Limits { per_origin: 1, ..limits() });
    test.ask();
    let fake = test.made(1);
    test.send();
    let head = test.ask();
    assert!(test.machine.lane(&test.origin).unwrap().to_read(head, 0).is_some());
    fake.change(|seen| seen.takes_more = false);
    assert!(test.machine.lane(&test.origin).unwrap().to_read(head, 0).is_none());
}

#[test]
fn several_http1_connections_are_opened_at_once_up_to_the_limit() {
    let mut test = Test::new(Limits { is_serial: (true, false), ..limits() });
    let asked: Vec<_> = (0..6).map(|_| test.ask()).collect();
    assert_eq!(test.attempts.len(), 5);
    let made: Vec<_> = (0..5).map(|_| test.made(1)).collect();
    assert_eq!(test.waiters(), asked[..5]);
    for _ in 0..5 {
        test.send();
    }
    assert!(test.attempts.is_empty());
    // A response that has been read to its end frees its connection.
    made[2].end();
    test.note(|_, _| {});
    assert_eq!(test.waiters(), asked[5..]);
}

#[test]
fn the_first_connection_shows_whether_it_carries_one_request() {
    let mut test = Test::new(limits());
    for _ in 0..9 {
        test.ask();
    }
    assert_eq!(test.attempts.len(), 1);
    test.is_serial = true;
    test.made(1);
    assert_eq!((test.granted.len(), test.attempts.len()), (1, 4));
}

#[test]
fn the_head_of_the_queue_gets_the_first_free_stream_on_any_connection() {
    let mut test = Test::new(Limits { per_origin: 2, ..limits() });
    test.ask();
    test.made(1);
    let (_, one) = test.send();
    // The limit is known to be one, so the next request opens another connection.
    test.ask();
    test.made(1);
    let (_, other) = test.send();
    let waiting = [test.ask(), test.ask()];
    assert!(test.granted.is_empty() && test.attempts.is_empty());
    other.end();
    test.note(|_, _| {});
    assert_eq!(test.send().0, waiting[0]);
    one.end();
    test.note(|_, _| {});
    assert_eq!(test.send().0, waiting[1]);
}

#[test]
fn a_free_stream_is_used_while_an_attempt_hangs() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(1);
    test.send();
    let waiting = test.ask();
    assert_eq!(test.attempts.len(), 1);
    one.end();
    test.note(|_, _| {});
    assert_eq!(test.waiters(), [waiting]);
}

#[test]
fn as_many_attempts_start_as_the_queue_needs() {
    let mut test = Test::new(limits());
    test.ask();
    test.made(1);
    test.send();
    for _ in 0..9 {
        test.ask();
    }
    // One connection exists, and four are allowed.
    assert_eq!(test.attempts.len(), 3);
}

#[test]
fn an_attempt_outlives_the_request_that_needed_it() {
    let mut test = Test::new(limits());
    let impatient = test.ask();
    let mut actions = Vec::new();
    test.machine.leave(&test.origin, impatient, test.now, &mut actions);
    test.act(actions);
    let next = test.ask();
    assert_eq!(test.attempts.len(), 1);
    test.made(10);
    assert_eq!(test.waiters(), [next]);
}

#[test]
fn after_failures_the_next_attempt_is_delayed_increasingly() {
    let mut test = Test::new(Limits { retries: 9, ..limits() });
    test.ask();
    for pause in [50, 100, 200, 400, 800, 1000, 1000] {
        test.fails();
        assert!(test.attempts.is_empty());
        test.passes((pause - 1) * MS);
        assert!(test.attempts.is_empty(), "{pause}");
        test.passes(MS);
        assert_eq!(test.attempts.len(), 1, "{pause}");
    }
}

#[test]
fn requests_fail_after_the_allowed_number_of_failures() {
    let mut test = Test::new(limits());
    let asked = [test.ask(), test.ask()];
    for _ in 0..2 {
        test.fails();
        assert!(test.failed.is_empty());
        test.passes(Duration::from_secs(1));
    }
    test.fails();
    assert_eq!(test.failed, asked);
    // The next request fails after one more.
    let next = test.ask();
    test.passes(Duration::from_secs(1));
    test.fails();
    assert_eq!(test.failed.last(), Some(&next));
}

#[test]
fn a_request_is_not_failed_by_an_attempt_started_before_it() {
    let mut test = Test::new(Limits { retries: 0, ..limits() });
    let first = test.ask();
    let second = test.ask();
    test.fails();
    assert_eq!(test.failed, [first]);
    // Its own attempt starts after the delay.
    test.passes(50 * MS);
    test.fails();
    assert_eq!(test.failed, [first, second]);
}

#[test]
fn a_permanent_failure_is_reported_at_once() {
    let mut test = Test::new(limits());
    let asked = test.ask();
    let error = Error::text(ErrorKind::Tls, "certificate expired");
    test.attempted(Attempted::Failed { error, is_worth_repeating: false });
    assert_eq!(test.failed, [asked]);
}

#[test]
fn a_failed_attempt_fails_no_request_while_a_connection_exists() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(1);
    test.send();
    let waiting = test.ask();
    (0..5).for_each(|_| {
        test.fails();
        test.passes(Duration::from_secs(1));
    });
    assert!(test.failed.is_empty());
    one.end();
    test.note(|_, _| {});
    assert_eq!(test.waiters(), [waiting]);
}
