use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use super::super::permits::{Permits, Waiter};

#[derive(Debug, Default)]
struct Waits {
    is_queued: AtomicBool,
    places: AtomicUsize,
}

impl Waiter for Waits {
    fn is_queued(&self) -> &AtomicBool {
        &self.is_queued
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
