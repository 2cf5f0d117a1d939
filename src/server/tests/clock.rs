use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::clock::Clock;
use super::LONG;

#[test]
fn calls_come_in_the_order_of_their_times() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel();
    let now = Instant::now();
    for n in [3_u64, 1, 2, 0] {
        let sender = sender.clone();
        let at = now + Duration::from_millis(5 * n);
        clock.call(at, move |when| {
            assert!(when >= at);
            sender.send(n).unwrap();
        });
    }
    let order: Vec<_> = (0..4).map(|_| calls.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(order, [0, 1, 2, 3]);
    clock.close();
}

#[test]
fn a_call_may_call_for_another() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel();
    let theirs = Arc::clone(&clock);
    clock.call(Instant::now(), move |now| {
        theirs.call(now, move |_| sender.send(()).unwrap());
    });
    calls.recv_timeout(LONG).unwrap();
    clock.close();
}

#[test]
fn it_looks_until_there_is_nothing_to_look_after() {
    let clock = Clock::start().unwrap();
    let (sender, looks) = channel();
    let mut left = 5;
    clock.watch(move || {
        left -= 1;
        sender.send(left).unwrap();
        left > 0
    });
    let all: Vec<_> = std::iter::from_fn(|| looks.recv_timeout(LONG).ok()).collect();
    assert_eq!(all, [4, 3, 2, 1, 0]);
    clock.close();
}

#[test]
fn what_was_to_be_called_is_dropped_at_the_end() {
    let clock = Clock::start().unwrap();
    let (sender, calls) = channel::<()>();
    clock.call(Instant::now() + LONG, move |_| sender.send(()).unwrap());
    clock.close();
    assert!(calls
        .recv_timeout(LONG)
        .is_err_and(|error| error != std::sync::mpsc::RecvTimeoutError::Timeout));
}
