use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
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

fn is(next: Option<Arc<Waits>>, who: &Arc<Waits>) -> bool {
    next.is_some_and(|next| Arc::ptr_eq(&next, who))
}

#[test]
fn there_are_as_many_places_as_the_cap() {
    let permits = Permits::new(2);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.acquire(&b));
    assert!(!permits.acquire(&c));
    assert_eq!(permits.running(), 2);
}

#[test]
fn a_cap_of_none_is_one() {
    let permits = Permits::new(0);
    let [a, b] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b));
}

#[test]
fn a_place_goes_to_who_has_waited_for_longest_and_not_to_who_comes() {
    let permits = Permits::new(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b) && !permits.acquire(&c));
    assert!(is(permits.release(), &b));
    // `b` has the place already.
    assert!(!permits.acquire(&a));
    assert_eq!(permits.running(), 1);
    assert!(is(permits.release(), &c));
    assert!(is(permits.release(), &a));
    assert!(permits.release().is_none());
    assert_eq!(permits.running(), 0);
}

#[test]
fn who_waits_stands_in_line_once() {
    let permits = Permits::new(1);
    let [a, b] = waiters();
    assert!(permits.acquire(&a));
    assert!(!permits.acquire(&b) && !permits.acquire(&b));
    assert!(is(permits.release(), &b));
    assert!(permits.release().is_none());
}

#[test]
fn who_cannot_use_its_place_stands_in_line_again() {
    let permits = Permits::new(2);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.acquire(&b));
    assert!(!permits.acquire(&c));
    assert!(is(permits.release(), &c));
    permits.postpone(&c);
    assert_eq!(permits.running(), 1);
    assert!(is(permits.release(), &c));
}

/// Everybody who has been told to wait gets a place in the end, though all go at once.
#[test]
fn nobody_in_line_is_forgotten() {
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
    let takes = |who: &Waits| {
        let less = |places: usize| places.checked_sub(1);
        who.places.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
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
                // Who got a place at the second try stands in line all the same.
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
fn connection_that_is_gone_holds_nothing_in_line() {
    let permits = Permits::new(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b) && !permits.acquire(&c));
    let gone = Arc::downgrade(&b);
    permits.forget(&b);
    drop(b);
    assert_eq!(gone.strong_count(), 0);
    drop(c);
    assert!(permits.release().is_none(), "nobody is left in line");
    assert_eq!(permits.running(), 0);
}

#[test]
fn a_place_that_is_lent_goes_to_who_waits() {
    let permits = Permits::new(1).lending(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && !permits.acquire(&b));
    assert!(permits.lend());
    assert!(is(permits.release(), &b));
    assert_eq!(permits.running(), 2, "who waits for its peer is still among them");
    assert!(!permits.acquire(&c));
}

#[test]
fn a_place_that_nobody_wants_is_free_while_it_is_lent() {
    let permits = Permits::new(1).lending(1);
    let [a, b, c] = waiters();
    assert!(permits.acquire(&a) && permits.lend());
    assert!(permits.release().is_none());
    assert!(permits.acquire(&b) && !permits.acquire(&c));
}

#[test]
fn who_takes_a_place_back_does_not_wait_and_the_next_to_end_leaves_none() {
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
fn no_more_is_lent_than_may_be() {
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

/// Takes permits for a connection until it gets no more, and says how many it has then.
fn take_all(permits: &Permits<Waits>, who: &Arc<Waits>) -> usize {
    while permits.acquire(who) {
        who.running.fetch_add(1, Ordering::SeqCst);
    }
    who.running()
}

#[test]
fn connection_holds_at_most_half_of_what_the_others_leave_and_always_a_few() {
    let permits = Permits::new(64);
    let [a, b, c, d, e] = waiters();
    assert_eq!([&a, &b, &c, &d, &e].map(|who| take_all(&permits, who)), [32, 16, 8, 4, 4]);
    assert_eq!(permits.running(), 64);
}

#[test]
fn connections_that_ask_for_all_leave_permits_for_one_that_comes() {
    let permits = Permits::new(512).lending(4_096);
    for _ in 0..36 {
        let greedy = Arc::<Waits>::default();
        // As the handlers of a peer that does not read: each lends its permit.
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
fn permit_goes_past_a_connection_that_holds_its_share() {
    let permits = Permits::new(16);
    let [a, b, c] = waiters();
    assert_eq!([&a, &b].map(|who| take_all(&permits, who)), [8, 4]);
    // `a` and `b` stand in line; `c` takes what is left, and stands behind them.
    assert_eq!(take_all(&permits, &c), 4);
    assert!(!permits.acquire(&c));
    c.running.fetch_sub(1, Ordering::SeqCst);
    assert!(is(permits.release(), &c));
}

#[test]
fn permit_is_free_where_all_that_wait_hold_their_share() {
    let permits = Permits::new(16);
    let [a, b] = waiters();
    assert_eq!(take_all(&permits, &a), 8);
    assert!(permits.acquire(&b));
    assert!(permits.release().is_none());
    assert_eq!(permits.running(), 8);
}
