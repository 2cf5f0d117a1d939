use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::super::clock::Clock;
use super::LONG;

#[test]
fn calls_are_made_in_order_of_their_times() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel();
    let (now, owner) = (Instant::now(), Arc::new(()));
    for n in [3_u64, 1, 2, 0] {
        let sender = sender.clone();
        let at = now + Duration::from_millis(5 * n);
        clock.call(at, &Arc::downgrade(&owner), move |_, when| {
            assert!(when >= at);
            sender.send(n).unwrap();
        });
    }
    let order: Vec<_> = (0..4).map(|_| calls.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(order, [0, 1, 2, 3]);
    clock.close();
}

#[test]
fn a_call_may_schedule_another() {
    let clock = Arc::new(Clock::start().unwrap());
    let (sender, calls) = channel();
    let theirs = Arc::clone(&clock);
    let owner = Arc::new(());
    clock.call(Instant::now(), &Arc::downgrade(&owner), move |owner, now| {
        theirs.call(now, &Arc::downgrade(&owner), move |_, _| sender.send(()).unwrap());
    });
    calls.recv_timeout(LONG).unwrap();
    clock.close();
}

#[test]
fn many_calls_for_dropped_targets_are_removed() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel::<()>();
    for _ in 0..10_000 {
        let owner = Arc::new(());
        let sender = sender.clone();
        let what = move |_, _| sender.send(()).unwrap();
        clock.call(Instant::now() + LONG, &Arc::downgrade(&owner), what);
    }
    assert!(clock.calls() <= 600, "{} calls", clock.calls());
    drop((sender, calls));
    clock.close();
}

#[test]
fn ticks_continue_until_nothing_is_registered() {
    let clock = Clock::start().unwrap();
    let (sender, checks) = channel();
    let mut left = 5;
    clock.watch(move || {
        left -= 1;
        sender.send(left).unwrap();
        left > 0
    });
    let all: Vec<_> = std::iter::from_fn(|| checks.recv_timeout(LONG).ok()).collect();
    assert_eq!(all, [4, 3, 2, 1, 0]);
    clock.close();
}

#[test]
fn scheduled_calls_are_dropped_at_the_end() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel::<()>();
    let owner = Arc::new(());
    clock
        .call(Instant::now() + LONG, &Arc::downgrade(&owner), move |_, _| sender.send(()).unwrap());
    clock.close();
    assert!(
        calls
            .recv_timeout(LONG)
            .is_err_and(|error| error != std::sync::mpsc::RecvTimeoutError::Timeout)
    );
}
