use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::super::permits::{Permits, Waiter};

#[derive(Debug, Default)]
struct Waits {
    is_queued: AtomicBool,
    places: AtomicUsize,
    running: AtomicUsize,
}

impl Waiter for Waits {
    fn is_queued(&self) -> &AtomicBool {
        &self.is_queued
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

fn waiters<const N: usize>() -> [Arc<Waits>; N] {
    std::array::from_fn(|_| Arc::default())
}

fn is(next: Option<Arc<Waits>>, waiter: &Arc<Waits>) -> bool {
    next.is_some_and(|next| Arc::ptr_eq(&next, waiter))
}

#[test]
fn there_are_as_many_permits_as_the_limit() {
    let permits = Permits::new(2);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.acquire(&b));
    assert!(!permits.acquire(&c));
    assert_eq!(permits.running(), 2);
}

#[test]
fn a_limit_of_zero_is_one() {
    let permits = Permits::new(0);
    let [a, b] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b));
}

#[test]
fn a_permit_goes_to_the_longest_waiting_and_not_to_a_newcomer() {
    let permits = Permits::new(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b) && !permits.acquire(&c));
    assert!(is(permits.release(), &b));
    // `b` has the permit already.
    assert!(!permits.acquire(&a));
    assert_eq!(permits.running(), 1);
    assert!(is(permits.release(), &c));
    assert!(is(permits.release(), &a));
    assert!(permits.release().is_none());
    assert_eq!(permits.running(), 0);
}

#[test]
fn a_waiting_connection_is_queued_once() {
    let permits = Permits::new(1);
    let [a, b] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b) && !permits.acquire(&b));
    assert!(is(permits.release(), &b));
    assert!(permits.release().is_none());
}

#[test]
fn a_connection_that_cannot_use_its_permit_is_queued_again() {
    let permits = Permits::new(2);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.acquire(&b));
    assert!(!permits.acquire(&c));
    assert!(is(permits.release(), &c));
    permits.postpone(&c);
    assert_eq!(permits.running(), 1);
    assert!(is(permits.release(), &c));
}

/// Every queued connection gets a permit eventually, even if all take part at once.
#[test]
fn no_queued_connection_is_forgotten() {
    const THREADS: usize = 4;
    const TIMES: usize = 5_000;
    let permits = Permits::<Waits>::new(2);
    let all: [Arc<Waits>; THREADS] = waiters();
    let (most, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let give_back = || {
        if let Some(next) = permits.release() {
            next.places.fetch_add(1, Ordering::SeqCst);
        }
    };
    let takes = |waiter: &Waits| {
        let less = |places: usize| places.checked_sub(1);
        waiter.places.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    };
    thread::scope(|scope| {
        for me in &all {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    if !permits.acquire(me) {
                        while !takes(me) {
                            thread::yield_now();
                        }
                    }
                    most.fetch_max(permits.running(), Ordering::SeqCst);
                    give_back();
                }
                done.fetch_add(1, Ordering::SeqCst);
                // A connection that got a permit at the second try is still queued.
                while done.load(Ordering::SeqCst) < THREADS {
                    if takes(me) {
                        give_back();
                    }
                    thread::yield_now();
                }
            });
        }
    });
    assert!(most.into_inner() <= 2);
}

#[test]
fn dropped_connection_delays_no_other() {
    let permits = Permits::new(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b) && !permits.acquire(&c));
    let gone = Arc::downgrade(&b);
    permits.forget(&b);
    drop(b);
    assert_eq!(gone.strong_count(), 0);
    drop(c);
    assert!(permits.release().is_none(), "the queue is empty");
    assert_eq!(permits.running(), 0);
}

#[test]
fn a_lent_permit_goes_to_a_waiting_connection() {
    let permits = Permits::new(1).lending(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b));
    assert!(permits.lend());
    assert!(is(permits.release(), &b));
    assert_eq!(permits.running(), 2, "a handler that waits for its peer is still counted");
    assert!(!permits.acquire(&c));
}

#[test]
fn a_lent_permit_without_waiters_is_free() {
    let permits = Permits::new(1).lending(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.lend());
    assert!(permits.release().is_none());
    assert!(permits.acquire(&b) && !permits.acquire(&c));
}

#[test]
fn reclaiming_a_permit_does_not_wait_and_the_next_release_frees_none() {
    let permits = Permits::new(1).lending(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b) && permits.lend());
    assert!(is(permits.release(), &b));
    permits.reclaim();
    assert_eq!(permits.running(), 2);
    assert!(!permits.acquire(&c));
    assert!(permits.release().is_none(), "there is one too many");
    assert!(is(permits.release(), &c));
    assert!(permits.release().is_none());
    assert_eq!(permits.running(), 0);
}

#[test]
fn lending_is_limited() {
    let permits = Permits::new(1).lending(2);
    let [a, b, c, d] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b) && !permits.acquire(&c));
    assert!(permits.lend() && is(permits.release(), &b));
    assert!(permits.lend() && is(permits.release(), &c));
    assert!(!permits.lend());
    permits.reclaim();
    assert!(!permits.acquire(&d));
    assert!(permits.lend() && permits.release().is_none(), "there were two");
    assert_eq!(permits.running(), 3);
}

/// Takes permits for a connection until there are no more, and returns how many it has.
fn take_all(permits: &Permits<Waits>, waiter: &Arc<Waits>) -> usize {
    while permits.acquire(waiter) {
        waiter.running.fetch_add(1, Ordering::SeqCst);
    }
    waiter.running()
}

#[test]
fn connection_holds_at_most_half_of_the_remaining_permits_but_always_a_few() {
    let permits = Permits::new(64);
    let [a, b, c, d, e] = waiters();
    assert_eq!([&a, &b, &c, &d, &e].map(|waiter| take_all(&permits, waiter)), [32, 16, 8, 4, 4]);
    assert_eq!(permits.running(), 64);
}

#[test]
fn connections_that_request_all_permits_leave_some_for_a_newcomer() {
    let permits = Permits::new(512).lending(4_096);
    for _ in 0..36 {
        let greedy = Arc::<Waits>::default();
        // Like the handlers of a peer that does not read: each lends its permit.
        while greedy.running() < 128 && permits.acquire(&greedy) {
            greedy.running.fetch_add(1, Ordering::SeqCst);
            assert!(!permits.lend() || permits.release().is_none());
        }
        assert!(greedy.running() >= 4);
    }
    let [honest] = waiters();
    assert!(take_all(&permits, &honest) >= 4);
}

#[test]
fn permit_skips_a_connection_that_holds_its_share() {
    let permits = Permits::new(16);
    let [a, b, c] = waiters();
    assert_eq!([&a, &b].map(|waiter| take_all(&permits, waiter)), [8, 4]);
    // `a` and `b` are queued; `c` takes the rest and is queued after them.
    assert_eq!(take_all(&permits, &c), 4);
    assert!(!permits.acquire(&c));
    c.running.fetch_sub(1, Ordering::SeqCst);
    assert!(is(permits.release(), &c));
}

#[test]
fn permit_is_free_if_all_waiters_hold_their_share() {
    let permits = Permits::new(16);
    let [a, b] = waiters();
    assert_eq!(take_all(&permits, &a), 8);
    assert!(permits.acquire(&b));
    assert!(permits.release().is_none());
    assert_eq!(permits.running(), 8);
}
