//! The limit on concurrent handlers over all connections, and the queue of connections for permits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The number of permits that a connection may always hold.
const ALWAYS_ALLOWED: usize = 4;

/// The permits for running handlers. A [`Permit`](super::permit::Permit) is one of them as a value.
#[derive(Debug)]
pub(super) struct Permits<T> {
    cap: usize,
    /// Permits that are taken. May exceed the limit after a lent permit is reclaimed.
    running: AtomicUsize,
    max_lent: usize,
    /// Handlers that wait for their peers, and whose permits are lent to others.
    lent: AtomicUsize,
    /// Connections with requests that wait for a permit. Each is queued once, and not kept alive.
    waiting: Mutex<VecDeque<Weak<T>>>,
    /// The length of `waiting`.
    waiters: AtomicUsize,
}

/// A connection that can wait for a permit.
pub(super) trait Waiter {
    /// Whether the connection is in the queue for a permit.
    fn is_queued(&self) -> &AtomicBool;

    /// The number of permits that the connection holds, including those it has lent.
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

    /// Allows this many handlers to lend their permits while they wait for their peers.
    pub(super) fn lending(self, max_lent: usize) -> Self {
        Permits { max_lent, ..self }
    }

    /// Takes a permit. If there is none, or the connection holds its share, the connection is
    /// queued.
    //
    // `release` decrements the count and then checks for waiters; `acquire` queues and then
    // retries. All accesses are sequentially consistent, so one of the two sees the other.
    pub(super) fn acquire(&self, waiter: &Arc<T>) -> bool {
        if self.may_have_more(waiter) && self.try_acquire() {
            return true;
        }
        self.enqueue(waiter);
        self.may_have_more(waiter) && self.try_acquire()
    }

    fn may_have_more(&self, waiter: &T) -> bool {
        self.is_within_share(waiter.running(), self.running.load(Ordering::SeqCst))
    }

    /// Queues a connection, unless it is queued already.
    fn enqueue(&self, waiter: &Arc<T>) {
        if !waiter.is_queued().swap(true, Ordering::SeqCst) {
            let mut waiting = self.lock();
            waiting.push_back(Arc::downgrade(waiter));
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Releases a permit. It passes to the connection that has waited longest among those within
    /// their [share](Self::share). That connection is returned and has the permit, to use or to
    /// release it in turn.
    pub(super) fn release(&self) -> Option<Arc<T>> {
        // Above the limit, the permit is not passed on.
        let less = |running| (running > self.cap).then(|| running - 1);
        if self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return None;
        }
        if self.waiters.load(Ordering::SeqCst) == 0 {
            self.running.fetch_sub(1, Ordering::SeqCst);
            // A connection may have queued in the meantime without finding a permit.
            if self.waiters.load(Ordering::SeqCst) == 0 || !self.try_acquire() {
                return None;
            }
        }
        // Under one lock, so that of two concurrent releases, the second counts the first.
        let mut waiting = self.lock();
        let next = self.dequeue(&mut waiting);
        if next.is_none() {
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
        next
    }

    /// Removes a connection that has ended from the queue.
    pub(super) fn forget(&self, waiter: &T) {
        if waiter.is_queued().swap(false, Ordering::SeqCst) {
            let mut waiting = self.lock();
            waiting.retain(|queued| !std::ptr::eq(queued.as_ptr(), waiter));
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Takes a permit back from a connection that cannot use it now, and queues the connection.
    pub(super) fn postpone(&self, waiter: &Arc<T>) {
        self.enqueue(waiter);
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns whether the permit of a handler that waits for its peer may be lent. If so, the
    /// caller must [release](Self::release) it now and [reclaim](Self::reclaim) it later.
    pub(super) fn lend(&self) -> bool {
        let more = |lent| (lent < self.max_lent).then_some(lent + 1);
        self.lent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// Reclaims a lent permit at once, for a handler that continues.
    pub(super) fn reclaim(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.lent.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns whether a connection waits for a permit.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// The number of running handlers, including those that wait for their peers.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed) + self.lent.load(Ordering::Relaxed)
    }

    /// Removes the first connection within its share from the queue.
    fn dequeue(&self, waiting: &mut VecDeque<Weak<T>>) -> Option<Arc<T>> {
        waiting.retain(|queued| queued.strong_count() > 0);
        // The permit to be passed on still counts as taken.
        let running = self.running.load(Ordering::SeqCst).saturating_sub(1);
        let mut upgraded = waiting.iter().map(Weak::upgrade).enumerate();
        let next = upgraded.find_map(|(index, waiter)| {
            waiter
                .filter(|waiter| self.is_within_share(waiter.running(), running))
                .map(|next| (index, next))
        });
        let next = next.map(|(index, next)| {
            waiting.remove(index);
            next.is_queued().store(false, Ordering::SeqCst);
            next
        });
        self.waiters.store(waiting.len(), Ordering::SeqCst);
        next
    }

    /// Returns whether a connection that holds `own` permits may take another, when `running` are
    /// taken.
    fn is_within_share(&self, own: usize, running: usize) -> bool {
        own < ALWAYS_ALLOWED || own < self.share(own, running)
    }

    /// The number of permits that a connection may hold: half of what the others leave, of all
    /// permits and of those that can be lent. So a new connection finds some, however many the
    /// others request.
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
