//! How many handlers run at once, over all connections, and who waits for one to end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places for running handlers.
#[derive(Debug)]
pub(super) struct Permits<T> {
    cap: usize,
    /// Places that are taken. More than there are, where somebody has got back what was lent.
    running: AtomicUsize,
    max_lent: usize,
    /// Handlers that wait for their peers, and whose places others may have.
    lent: AtomicUsize,
    /// Connections with requests that wait for a place. Each is there once.
    waiting: Mutex<VecDeque<Arc<T>>>,
    /// Their number.
    waiters: AtomicUsize,
}

/// Somebody who can wait for a place.
pub(super) trait Waiter {
    /// Whether it stands in line.
    fn is_queued(&self) -> &AtomicBool;
}

impl<T: Waiter> Permits<T> {
    pub(super) fn new(cap: usize) -> Self {
        Permits {
            cap: cap.max(1),
            running: AtomicUsize::new(0),
            max_lent: 0,
            lent: AtomicUsize::new(0),
            waiting: Mutex::new(VecDeque::new()),
            waiters: AtomicUsize::new(0),
        }
    }

    /// So many handlers that wait for their peers may lend their places.
    pub(super) fn lending(self, max_lent: usize) -> Self {
        Permits { max_lent, ..self }
    }

    /// Takes a place, or puts the connection in line for one.
    //
    // Who gives a place back counts down first and looks for waiters then; who waits goes in line
    // first and tries again then. All of it is sequentially consistent, so one sees the other.
    pub(super) fn acquire(&self, who: &Arc<T>) -> bool {
        if self.try_acquire() {
            return true;
        }
        self.put_in_line(who);
        self.try_acquire()
    }

    /// Puts a connection in line, unless it stands there.
    fn put_in_line(&self, who: &Arc<T>) {
        if !who.is_queued().swap(true, Ordering::SeqCst) {
            let mut waiting = self.lock();
            waiting.push_back(Arc::clone(who));
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Gives a place back: to the connection that has been waiting for longest, which is returned
    /// and has the place now, to use it or to give it back in turn. So nobody can come first who
    /// came later, and no place is offered to somebody who has no use for it any more, and to
    /// nobody else.
    pub(super) fn release(&self) -> Option<Arc<T>> {
        // One place less is taken too many. The last that are taken go to who waits.
        let less = |running| (running > self.cap).then(|| running - 1);
        if self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return None;
        }
        loop {
            if let Some(next) = self.next_in_line() {
                return Some(next);
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            // Somebody may have come in line meanwhile, and have found no place still.
            if self.waiters.load(Ordering::SeqCst) == 0 || !self.try_acquire() {
                return None;
            }
        }
    }

    /// Takes a place back from a connection that cannot use it now, and puts it in line.
    pub(super) fn postpone(&self, who: &Arc<T>) {
        self.put_in_line(who);
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether the place of a handler that waits for its peer may be lent. If so, it is to be
    /// [given back](Self::release) as one that is free, and to be [taken again](Self::reclaim).
    pub(super) fn lend(&self) -> bool {
        let more = |lent| (lent < self.max_lent).then_some(lent + 1);
        self.lent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// A handler goes on whose place was lent: at once, whoever has its place.
    pub(super) fn reclaim(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.lent.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether somebody waits for a place.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// Handlers that run now, those that wait for their peers among them.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed) + self.lent.load(Ordering::Relaxed)
    }

    fn next_in_line(&self) -> Option<Arc<T>> {
        if self.waiters.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut waiting = self.lock();
        let next = waiting.pop_front()?;
        self.waiters.store(waiting.len(), Ordering::SeqCst);
        next.is_queued().store(false, Ordering::SeqCst);
        Some(next)
    }

    fn try_acquire(&self) -> bool {
        let more = |running| (running < self.cap).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
