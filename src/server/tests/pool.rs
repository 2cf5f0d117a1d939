use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::super::pool::{Pool, Scratch};
use super::LONG;

fn pool(idle_timeout: Duration) -> Arc<Pool> {
    Pool::new(64 << 10, idle_timeout)
}

#[track_caller]
pub(super) fn wait_for_threads(pool: &Pool, count: usize) {
    let started = Instant::now();
    while pool.threads() != count {
        assert!(started.elapsed() < LONG, "{} threads", pool.threads());
        thread::yield_now();
    }
}

#[test]
fn tasks_that_wait_for_each_other_have_separate_threads() {
    let pool = pool(LONG);
    let all = Arc::new(Barrier::new(9));
    for _ in 0..8 {
        let all = Arc::clone(&all);
        let meet = move |_: &mut Scratch| {
            all.wait();
        };
        assert!(pool.run(meet).is_ok());
    }
    all.wait();
    assert_eq!(pool.threads(), 8);
    pool.close();
    wait_for_threads(&pool, 0);
}

#[test]
fn an_idle_thread_is_reused() {
    let pool = pool(LONG);
    let (sender, ids) = channel();
    for _ in 0..100 {
        let sender = sender.clone();
        assert!(pool.run(move |_| sender.send(thread::current().id()).unwrap()).is_ok());
        ids.recv_timeout(LONG).unwrap();
    }
    // It may not have been idle yet when the next task arrived.
    assert!(pool.threads() < 100);
    pool.close();
}

#[test]
fn a_thread_ends_after_the_idle_timeout() {
    let pool = pool(Duration::from_millis(1));
    assert!(pool.run(|_| ()).is_ok());
    wait_for_threads(&pool, 0);
}

#[test]
fn a_panicking_task_does_not_end_its_thread() {
    let pool = pool(LONG);
    let (sender, done) = channel();
    assert!(pool.run(|_| panic!("a task")).is_ok());
    assert!(pool.run(move |_| sender.send(()).unwrap()).is_ok());
    done.recv_timeout(LONG).unwrap();
    pool.close();
    wait_for_threads(&pool, 0);
}

#[test]
fn a_task_is_returned_if_no_thread_can_be_started() {
    let pool = Pool::new(usize::MAX / 2, LONG);
    let (sender, done) = channel();
    let task = pool.run(move |_| sender.send(()).unwrap()).unwrap_err();
    assert_eq!(pool.threads(), 0);
    task(&mut Default::default());
    done.recv_timeout(LONG).unwrap();
}

#[test]
fn tasks_submitted_after_the_end_still_run() {
    let pool = pool(LONG);
    pool.close();
    let (sender, done) = channel();
    assert!(pool.run(move |_| sender.send(()).unwrap()).is_ok());
    done.recv_timeout(LONG).unwrap();
    wait_for_threads(&pool, 0);
}
