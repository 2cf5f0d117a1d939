//! The lock, and what it protects.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread::Thread;
use std::time::Instant;

use super::ending::Ending;
use super::owner::Owner;
use super::read_buffer::ReadBuffer;
use super::read_timeout::ReadTimeout;
use super::write_buffer::WriteBuffer;
use crate::logging::{Lock, Locked};
use crate::proto::Connection;
use crate::transport::{Closer, Halves};

/// What a driver keeps under the lock of its wire, and does when the core has changed.
///
/// Both methods are called with the lock held. They must not wait or call the application.
pub(crate) trait Driver: Sized {
    /// The core may have events. A driver that delivers them under the lock does so now.
    fn deliver(state: &mut State<Self>, now: Instant);

    /// The connection has ended, for whatever reason. Called once.
    fn ended(state: &mut State<Self>);

    /// The lock is about to be given back: notes threads to [wake](State::wake).
    fn before_unlock(state: &mut State<Self>, owner: &dyn Owner);
}

/// A core and its transport, for the threads of one driver.
pub(crate) struct Wire<D: Driver> {
    state: Lock<State<D>>,
    pub(super) closer: Closer,
    owner: Box<dyn Owner>,
}

/// Called without the lock, on the thread that has given it back. It must not wait.
pub(crate) type AfterUnlock = Arc<dyn Fn() + Send + Sync>;

/// What the lock protects. It reads as the driver's own state, with the core beside it.
pub(crate) struct State<D> {
    pub(crate) core: Box<Connection>,
    pub(crate) driver: D,
    /// Threads to wake when the lock has been given back.
    pub(crate) wake: Vec<Thread>,
    /// Called once when the lock has been given back.
    pub(crate) after_unlock: Option<AfterUnlock>,
    /// Gone while a thread reads, and for good when the transport has been cut.
    pub(super) reading: Option<Box<Reading>>,
    /// Gone while a thread writes, and for good when the transport has been cut.
    pub(super) writing: Option<Box<Writing>>,
    pub(super) read_timeout: ReadTimeout,
    pub(super) end: Ending,
    /// The owner has been asked to run the deadlines at this time.
    called_at: Option<Instant>,
}

/// The reader, with what it has read.
pub(super) struct Reading {
    pub(super) reader: Box<dyn io::Read + Send>,
    pub(super) buffer: ReadBuffer,
}

/// The writer, with what it is to write.
pub(super) struct Writing {
    pub(super) writer: Box<dyn io::Write + Send>,
    pub(super) buffer: WriteBuffer,
}

impl<D: Driver> Wire<D> {
    pub(crate) fn new<R, W>(
        core: Box<Connection>,
        halves: Halves<R, W>,
        driver: D,
        owner: Box<dyn Owner>,
    ) -> Self
    where
        R: io::Read + Send + 'static,
        W: io::Write + Send + 'static,
    {
        let Halves { reader, writer, closer } = halves;
        let reading = Reading { reader: Box::new(reader), buffer: ReadBuffer::new() };
        let writing = Writing { writer: Box::new(writer), buffer: WriteBuffer::new() };
        let state = State {
            core,
            driver,
            wake: Vec::new(),
            after_unlock: None,
            reading: Some(Box::new(reading)),
            writing: Some(Box::new(writing)),
            read_timeout: ReadTimeout::default(),
            end: Ending::default(),
            called_at: None,
        };
        Wire { state: Lock::new(state), closer, owner }
    }

    pub(crate) fn owner(&self) -> &dyn Owner {
        &*self.owner
    }

    pub(crate) fn lock(&self) -> Guard<'_, D> {
        // After a panic of ours the connection is ended by the thread that catches it; its figures and
        // its reason can still be asked for.
        Guard { state: Some(self.state.lock()), owner: &*self.owner }
    }

    /// Runs a command under the lock, and delivers what it has caused.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut State<D>, Instant) -> T) -> T {
        let mut state = self.lock();
        let now = Instant::now();
        let result = command(&mut state, now);
        state.deliver(now);
        result
    }

    /// Sees to it that the owner's clock comes back in time, if it has one.
    pub(crate) fn call_in_time(&self, state: &mut State<D>) {
        let Some(at) = state.deadline().filter(|_| self.owner.has_clock()) else { return };
        if state.called_at.is_none_or(|called| at < called) {
            self.call_at(state, at);
        }
    }

    /// Asks the owner's clock to come back at that time.
    pub(crate) fn call_at(&self, state: &mut State<D>, at: Instant) {
        state.called_at = Some(at);
        self.owner.call_at(at, &mut state.wake);
    }

    /// Whether reads can be told to give up in time.
    pub(crate) fn can_limit_reads(&self) -> bool {
        self.closer.has_read_timeout()
    }

    /// Whether cutting the transport wakes a blocked read.
    pub(crate) fn can_wake_reader(&self) -> bool {
        self.closer.wakes_reader()
    }
}

impl<D: Driver> State<D> {
    /// Delivers what the core has to tell, and notes its end.
    pub(crate) fn deliver(&mut self, now: Instant) {
        D::deliver(self, now);
        if self.end.since.is_none() && self.core.close_reason().is_some() {
            self.end.since = Some(now);
            D::ended(self);
        }
    }

    #[cfg(test)]
    pub(crate) fn set_called_at(&mut self, at: Instant) {
        self.called_at = Some(at);
    }

    /// A call of the clock has come. `false` if an earlier one has done what it is for.
    pub(crate) fn take_call(&mut self, now: Instant) -> bool {
        let is_needed = self.called_at.is_none_or(|at| at <= now);
        if is_needed {
            self.called_at = None;
        }
        is_needed
    }
}

impl<D> Deref for State<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.driver
    }
}

impl<D> DerefMut for State<D> {
    fn deref_mut(&mut self) -> &mut D {
        &mut self.driver
    }
}

/// The lock, held.
pub(crate) struct Guard<'a, D: Driver> {
    /// Gone only while it is dropped.
    state: Option<Locked<'a, State<D>>>,
    owner: &'a dyn Owner,
}

impl<D: Driver> Deref for Guard<'_, D> {
    type Target = State<D>;

    fn deref(&self) -> &State<D> {
        self.state.as_ref().expect("held until the drop")
    }
}

impl<D: Driver> DerefMut for Guard<'_, D> {
    fn deref_mut(&mut self) -> &mut State<D> {
        self.state.as_mut().expect("held until the drop")
    }
}

impl<D: Driver> Drop for Guard<'_, D> {
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else { return };
        D::before_unlock(&mut state, self.owner);
        if state.wake.is_empty() && state.after_unlock.is_none() {
            return;
        }
        let mut wake = std::mem::take(&mut state.wake);
        let after_unlock = state.after_unlock.take();
        let hold = state.unlock();
        wake.drain(..).for_each(|thread| thread.unpark());
        drop(hold);
        if let Some(call) = after_unlock {
            call();
        }
    }
}

impl<D: Driver> fmt::Debug for Wire<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("closer", &self.closer).finish_non_exhaustive()
    }
}
