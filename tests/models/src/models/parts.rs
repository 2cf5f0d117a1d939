//! Parts of the server: its thread pool, its clock, its permits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use modelled_std::model::{self, Time};

// Private files of the crate's server.
#[allow(dead_code)]
#[path = "../../../../src/server/clock.rs"]
mod clock;
#[allow(dead_code)]
#[path = "../../../../src/server/fields.rs"]
mod fields;
#[allow(dead_code)]
#[path = "../../../../src/server/permits.rs"]
mod permits;
#[allow(dead_code)]
#[path = "../../../../src/server/pool.rs"]
mod pool;
#[allow(dead_code)]
#[path = "../../../../src/server/shortage.rs"]
mod shortage;

use clock::Clock;
use permits::{Permits, Waiter};
use pool::Pool;

const MS: Duration = Duration::from_millis(1);

/// Tasks that wait for one another all get a thread, whatever the number of idle ones.
pub fn every_task_has_a_thread() {
    let body = || {
        let pool = Pool::new(64 << 10, 3 * MS);
        let meet = |count: usize| {
            let met = Arc::new((Mutex::new(0), Condvar::new()));
            for _ in 0..count {
                let met = Arc::clone(&met);
                let task = move |_: &mut pool::Scratch| {
                    let (here, changed) = &*met;
                    let mut here = here.lock().unwrap();
                    *here += 1;
                    changed.notify_all();
                    drop(changed.wait_while(here, |here| *here < count).unwrap());
                };
                assert!(pool.run(task).is_ok());
            }
            let (here, changed) = &*met;
            drop(changed.wait_while(here.lock().unwrap(), |here| *here < count).unwrap());
        };
        meet(1);
        meet(2);
        thread::sleep(3 * MS);
        meet(3);
        pool.close();
    };
    model::check(600, Time::Waits, body);
    model::check(600, Time::RunsFor(20 * MS), body);
}

/// Tasks that are submitted while the pool closes still run, and no thread is left.
pub fn a_pool_that_closes_does_what_it_has() {
    model::check(600, Time::Waits, || {
        let pool = Pool::new(64 << 10, 3 * MS);
        let done = Arc::new(AtomicUsize::new(0));
        let runs = [0, 1].map(|_| {
            let (pool, done) = (Arc::clone(&pool), Arc::clone(&done));
            thread::spawn(move || {
                for _ in 0..2 {
                    let done = Arc::clone(&done);
                    let task = move |_: &mut pool::Scratch| {
                        done.fetch_add(1, Ordering::SeqCst);
                    };
                    assert!(pool.run(task).is_ok());
                }
            })
        });
        pool.close();
        runs.into_iter().for_each(|runs| runs.join().unwrap());
        while pool.threads() > 0 {
            thread::sleep(MS);
        }
        assert_eq!(done.load(Ordering::SeqCst), 4);
    });
}

/// Timed calls come once each and not early; ticks come until they are cancelled; and the thread
/// ends.
pub fn the_clock_calls_in_time() {
    let body = || {
        let clock = Arc::new(Clock::start().unwrap());
        let owner = Arc::new(());
        let called = Arc::new(AtomicUsize::new(0));
        let begin = Instant::now();
        let asks = [[4, 1], [2, 3]].map(|times| {
            let (clock, owner, called) =
                (Arc::clone(&clock), Arc::clone(&owner), Arc::clone(&called));
            thread::spawn(move || {
                for time in times {
                    let (at, called) = (begin + time * MS, Arc::clone(&called));
                    clock.call(at, &Arc::downgrade(&owner), move |_, now| {
                        model::assert(now >= at, "a call comes too early");
                        called.fetch_add(1, Ordering::SeqCst);
                    });
                }
            })
        });
        let mut left = 3;
        let looked = Arc::new(AtomicBool::new(false));
        let says = Arc::clone(&looked);
        clock.watch(move || {
            left -= 1;
            says.store(left == 0, Ordering::SeqCst);
            left > 0
        });
        asks.into_iter().for_each(|asks| asks.join().unwrap());
        while called.load(Ordering::SeqCst) < 4 || !looked.load(Ordering::SeqCst) {
            thread::sleep(MS);
            assert!(begin.elapsed() < 1000 * MS, "a call does not come");
        }
        clock.close();
    };
    model::check(600, Time::Waits, body);
    model::check(600, Time::RunsFor(20 * MS), body);
}

/// A connection with requests that wait for permits.
#[derive(Debug)]
struct Connection {
    is_queued: AtomicBool,
    requests: Mutex<usize>,
}

impl Waiter for Connection {
    fn is_queued(&self) -> &AtomicBool {
        &self.is_queued
    }

    fn running(&self) -> usize {
        0
    }
}

impl Connection {
    fn new(requests: usize) -> Arc<Self> {
        Arc::new(Connection { is_queued: AtomicBool::new(false), requests: Mutex::new(requests) })
    }

    fn has_more(&self) -> bool {
        *self.requests.lock().unwrap() > 0
    }

    fn take(&self) -> bool {
        let mut requests = self.requests.lock().unwrap();
        let is_there = *requests > 0;
        *requests -= usize::from(is_there);
        is_there
    }
}

struct Handlers {
    permits: Permits<Connection>,
    running: AtomicUsize,
    cap: usize,
}

impl Handlers {
    /// Asks for permits as a connection with new requests does.
    fn serve(&self, connection: &Arc<Connection>) {
        while connection.has_more() && self.permits.acquire(connection) {
            self.work(connection);
        }
    }

    /// Runs with a permit, which then passes to the next connection in the queue.
    fn work(&self, connection: &Arc<Connection>) {
        let mut connection = Arc::clone(connection);
        loop {
            if connection.take() {
                let before = self.running.fetch_add(1, Ordering::SeqCst);
                assert!(before < self.cap, "more run than may");
                self.running.fetch_sub(1, Ordering::SeqCst);
            }
            // The next of its requests waits for a permit as well.
            if connection.has_more() && self.permits.acquire(&connection) {
                self.work(&connection);
            }
            match self.permits.release() {
                Some(next) => connection = next,
                None => return,
            }
        }
    }
}

fn pass_permits_on(cap: usize) {
    let handlers = Handlers { permits: Permits::new(cap), running: AtomicUsize::new(0), cap };
    let handlers = Arc::new(handlers);
    let connections = [Connection::new(2), Connection::new(1), Connection::new(1)];
    let threads = connections.clone().map(|connection| {
        let handlers = Arc::clone(&handlers);
        thread::spawn(move || handlers.serve(&connection))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(
        connections.iter().all(|connection| !connection.has_more()),
        "a request waits for ever"
    );
    assert_eq!(handlers.permits.running(), 0, "a permit is lost");
    assert!(!handlers.permits.is_wanted(), "a connection waits although a permit is free");
}

/// The limit holds, no permit is lost, and each connection gets its permits.
pub fn permits_are_passed_on() {
    model::check(1500, Time::Waits, || pass_permits_on(1));
    model::check(1500, Time::Waits, || pass_permits_on(2));
}
