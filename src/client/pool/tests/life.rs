//! The states of a connection: suspect, draining, retired, idle.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{MS, Test, limits};
use crate::client::origin::Origin;
use crate::client::pool::actions::{Limits, Place};

#[test]
fn a_suspect_connection_accepts_no_requests_until_its_ping_is_acknowledged() {
    let mut test = Test::new(limits());
    test.ask();
    test.made(10);
    let (_, id, _) = test.granted[0].clone();
    test.send();
    let sent = test.now;
    test.passes(500 * MS);
    test.note(|lane, now| lane.late(id, sent, now));
    assert_eq!(test.probes, [id]);
    let waiting = test.ask();
    assert!(test.granted.is_empty() && test.attempts.is_empty());
    test.passes(10 * MS);
    test.note(|lane, now| lane.probed(id, true, now));
    assert_eq!(test.waiters(), [waiting]);
}

#[test]
fn another_connection_is_opened_besides_one_that_stays_suspect() {
    let mut test = Test::new(limits());
    test.ask();
    let suspect = test.made(10);
    let (_, id, _) = test.granted[0].clone();
    test.send();
    let sent = test.now;
    test.passes(500 * MS);
    test.note(|lane, now| lane.late(id, sent, now));
    test.ask();
    test.passes(249 * MS);
    assert!(test.attempts.is_empty());
    test.passes(MS);
    assert_eq!(test.attempts.len(), 1);
    test.note(|lane, now| lane.probed(id, false, now));
    // It is kept for the open request, and then closed.
    assert_eq!(test.discarded, 0);
    suspect.end();
    test.tick();
    assert_eq!(test.discarded, 1);
}

#[test]
fn a_connection_with_later_input_is_not_suspect() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(10);
    let (_, id, _) = test.granted[0].clone();
    test.send();
    let sent = test.now;
    test.passes(500 * MS);
    one.change(|seen| seen.heard = sent + MS);
    test.note(|lane, now| lane.late(id, sent, now));
    assert!(test.probes.is_empty());
}

/// Returns the number of PINGs that 20 response timeouts in two seconds cause.
fn pings_of_late_responses(limits: Limits) -> usize {
    let mut test = Test::new(limits);
    test.ask();
    test.made(10);
    let (_, id, _) = test.granted[0].clone();
    let sent = test.now;
    for _ in 0..20 {
        test.passes(100 * MS);
        let before = test.probes.len();
        test.note(|lane, now| lane.late(id, sent, now));
        if test.probes.len() > before {
            test.note(|lane, now| lane.probed(id, true, now));
        }
    }
    test.probes.len()
}

#[test]
fn many_late_responses_cost_one_ping_in_each_interval() {
    assert_eq!(pings_of_late_responses(limits()), 2);
    let seldom = Limits { verify_interval: Duration::from_secs(300), ..limits() };
    assert_eq!(pings_of_late_responses(seldom), 1);
}

#[test]
fn a_silent_connection_is_checked_when_a_request_needs_it() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(10);
    test.send();
    one.end();
    test.passes(Duration::from_secs(20));
    test.tick();
    assert!(test.probes.is_empty());
    test.ask();
    assert_eq!(test.probes.len(), 1);
    assert!(test.granted.is_empty());
}

#[test]
fn before_the_limits_are_known_only_one_request_that_cannot_be_retried_is_sent() {
    let mut test = Test::new(limits());
    let first = test.ask_for(true, Place::Back);
    let second = test.ask_for(true, Place::Back);
    let one = test.made_with(100, false);
    assert_eq!(test.waiters(), [first]);
    test.send();
    // Its SETTINGS arrive before the acknowledgment of the PING.
    assert_eq!((test.probes.len(), test.attempts.len()), (1, 0));
    let repeatable = test.ask();
    assert_eq!(test.waiters(), [repeatable]);
    test.send();
    one.change(|seen| (seen.is_certain, seen.free) = (true, 1));
    test.note(|_, _| {});
    assert_eq!(test.waiters(), [second]);
}

#[test]
fn a_draining_connection_is_kept_to_its_last_request() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(10);
    test.send();
    one.change(|seen| seen.takes_more = false);
    test.ask();
    assert_eq!((test.attempts.len(), test.discarded), (1, 0));
    one.end();
    test.tick();
    assert_eq!(test.discarded, 1);
}

#[test]
fn a_connection_that_refuses_everything_is_retired_and_the_next_attempt_delayed() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(10);
    let (_, id, _) = test.granted[0].clone();
    test.send();
    one.end();
    (0..3).for_each(|_| test.note(|lane, now| lane.refused(id, now)));
    assert_eq!(test.discarded, 1);
    test.ask();
    assert!(test.attempts.is_empty());
    test.passes(50 * MS);
    assert_eq!(test.attempts.len(), 1);
}

#[test]
fn a_connection_that_refuses_occasionally_is_kept() {
    let mut test = Test::new(limits());
    test.ask();
    test.made(10);
    let mut actions = Vec::new();
    test.send();
    let grant = test.machine.take(&test.origin, false, test.now).unwrap();
    for _ in 0..10 {
        test.note(|lane, now| lane.refused(grant.id, now));
        grant.answers.fetch_add(1, Ordering::Relaxed);
    }
    test.machine.decide(&test.origin, test.now, &mut actions);
    test.act(actions);
    assert_eq!(test.discarded, 0);
}

#[test]
fn an_idle_connection_is_closed_after_its_time_and_a_used_one_is_not() {
    let mut test = Test::new(limits());
    test.ask();
    let one = test.made(10);
    test.send();
    test.passes(Duration::from_secs(100));
    test.tick();
    assert_eq!(test.discarded, 0);
    one.end();
    test.passes(Duration::from_secs(89));
    test.tick();
    assert_eq!(test.discarded, 0);
    test.passes(Duration::from_secs(1));
    test.tick();
    assert_eq!(test.discarded, 1);
}

#[test]
fn an_old_connection_is_replaced() {
    let max_age = Some(Duration::from_secs(600));
    let mut test = Test::new(Limits { max_age, ..limits() });
    test.ask();
    let one = test.made(10);
    test.send();
    test.passes(Duration::from_secs(600));
    test.tick();
    test.ask();
    assert_eq!((test.attempts.len(), test.discarded), (1, 0));
    one.end();
    test.tick();
    assert_eq!(test.discarded, 1);
}

#[test]
fn idle_connections_are_bounded_over_all_origins() {
    let mut test = Test::new(Limits { idle: 3, ..limits() });
    for port in 0..10 {
        test.origin.port = port;
        test.ask();
        let one = test.made(10);
        test.send();
        one.end();
        test.passes(MS);
    }
    test.tick();
    assert_eq!((test.discarded, test.machine.connections().count()), (7, 3));
    // An origin without state is removed.
    assert!(test.machine.lane(&Origin { port: 0, ..test.origin.clone() }).is_none());
    assert!(test.machine.lane(&test.origin).is_some());
}
