//! How many handlers run at once, over all connections, and which connections wait for one to end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Permits that a connection may hold however scarce they are.
const FEW: usize = 4;

/// The permits for running handlers. [`Permit`](super::permit::Permit) is one of them as a value.
#[derive(Debug)]
pub(super) struct Permits<T> {
    cap: usize,
    /// Permits that are taken. May exceed the limit after a lent permit is reclaimed.
    running: AtomicUsize,
    max_lent: usize,
    /// Handlers that wait for their peers, and whose permits others may have.
    lent: AtomicUsize,
    /// Connections with requests that wait for a permit. Each is there once, and is not kept alive.
    waiting: Mutex<VecDeque<Weak<T>>>,
    /// Their number.
    waiters: AtomicUsize,
}

/// What can wait for a permit: a connection.
pub(super) trait Waiter {
    /// Whether it stands in line.
    fn is_queued(&self) -> &AtomicBool;

    /// How many permits it holds, those that it has lent among them.
    fn running(&self) -> usize;
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

    /// Lets this many handlers lend their permits while they wait for their peers.
    pub(super) fn lending(self, max_lent: usize) -> Self {
        Permits { max_lent, ..self }
    }

    /// Takes a permit, or puts the connection in line for one: there is none, or it holds its share.
    //
    // `release` counts down first and looks for waiters then; `acquire` goes in line first and tries
    // again then. All of it is sequentially consistent, so one sees the other.
    pub(super) fn acquire(&self, who: &Arc<T>) -> bool {
        if self.may_have_more(who) && self.try_acquire() {
            return true;
        }
        self.put_in_line(who);
        self.may_have_more(who) && self.try_acquire()
    }

    fn may_have_more(&self, who: &T) -> bool {
        self.is_within_share(who.running(), self.running.load(Ordering::SeqCst))
    }

    /// Puts a connection in line, unless it stands there.
    fn put_in_line(&self, who: &Arc<T>) {
        if !who.is_queued().swap(true, Ordering::SeqCst) {
            let mut waiting = self.lock();
            waiting.push_back(Arc::downgrade(who));
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Gives a permit back: to the connection that has waited longest of those within their
    /// [share](Self::share), which is returned and has the permit now, to use it or to give it back in
    /// turn.
    pub(super) fn release(&self) -> Option<Arc<T>> {
        // Above the limit it is not handed on.
        let less = |running| (running > self.cap).then(|| running - 1);
        if self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return None;
        }
        if self.waiters.load(Ordering::SeqCst) == 0 {
            self.running.fetch_sub(1, Ordering::SeqCst);
            // A connection may have come in line meanwhile, and have found no permit.
            if self.waiters.load(Ordering::SeqCst) == 0 || !self.try_acquire() {
                return None;
            }
        }
        // Under one lock, so that of two permits that are given back the second look counts the first.
        let mut waiting = self.lock();
        let next = self.next_in_line(&mut waiting);
        if next.is_none() {
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
        next
    }

    /// Removes a connection that has ended from the line.
    pub(super) fn forget(&self, who: &T) {
        if who.is_queued().swap(false, Ordering::SeqCst) {
            let mut waiting = self.lock();
            waiting.retain(|waits| !std::ptr::eq(waits.as_ptr(), who));
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Takes a permit back from a connection that cannot use it now, and puts it in line.
    pub(super) fn postpone(&self, who: &Arc<T>) {
        self.put_in_line(who);
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether the permit of a handler that waits for its peer may be lent. If so, it is to be
    /// [given back](Self::release) as one that is free, and to be [taken again](Self::reclaim).
    pub(super) fn lend(&self) -> bool {
        let more = |lent| (lent < self.max_lent).then_some(lent + 1);
        self.lent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// A handler whose permit was lent goes on, at once.
    pub(super) fn reclaim(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.lent.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether a connection waits for a permit.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// Handlers that run now, those that wait for their peers among them.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed) + self.lent.load(Ordering::Relaxed)
    }

    /// Takes the first connection that is within its share out of the line.
    fn next_in_line(&self, waiting: &mut VecDeque<Weak<T>>) -> Option<Arc<T>> {
        waiting.retain(|waits| waits.strong_count() > 0);
        // The permit that it is to have is one of those that are taken still.
        let running = self.running.load(Ordering::SeqCst).saturating_sub(1);
        let mut upgraded = waiting.iter().map(Weak::upgrade).enumerate();
        let next = upgraded.find_map(|(place, waits)| {
            waits
                .filter(|waits| self.is_within_share(waits.running(), running))
                .map(|next| (place, next))
        });
        let next = next.map(|(place, next)| {
            waiting.remove(place);
            next.is_queued().store(false, Ordering::SeqCst);
            next
        });
        self.waiters.store(waiting.len(), Ordering::SeqCst);
        next
    }

    /// Whether a connection that holds `own` of the permits may take another, where so many are taken.
    fn is_within_share(&self, own: usize, running: usize) -> bool {
        own < FEW || own < self.share(own, running)
    }

    /// How many permits a connection may hold: half of what the others leave, of the permits and of
    /// those that can be lent. So one that comes finds some, however many the others ask for.
    fn share(&self, own: usize, running: usize) -> usize {
        let left = |limit: usize, taken: usize| limit.saturating_sub(taken.saturating_sub(own));
        let lent = self.lent.load(Ordering::SeqCst);
        left(self.cap, running).min(left(self.cap + self.max_lent, running + lent)) / 2
    }

    fn try_acquire(&self) -> bool {
        let more = |running| (running < self.cap).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Weak<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
