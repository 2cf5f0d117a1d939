//! The lock of a connection, and what it protects.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread::Thread;
use std::time::Instant;

use super::ending::Ending;
use super::frame_buffer::FrameBuffer;
use super::owner::Owner;
use super::read_timeout::ReadTimeout;
use super::write_buffer::WriteBuffer;
use crate::logging::{Lock, Locked};
use crate::proto::Connection;
use crate::transport::{Closer, Epoll, Halves};

/// A driver: its state under the lock of a wire, and its reactions to changes of the core.
///
/// The methods are called with the lock held. They must not block or call the application.
pub(crate) trait Driver: Sized {
    /// Whether the end of a connection waits for a peer that still reads the last responses.
    const LINGERS: bool;

    /// Called when the core may have events, for drivers that deliver them under the lock.
    fn deliver(state: &mut State<Self>, now: Instant);

    /// Called once, when the connection has ended.
    fn ended(state: &mut State<Self>);

    /// Called before the lock is released, to add threads to [wake](State::wake).
    fn before_unlock(state: &mut State<Self>, owner: &dyn Owner);
}

/// A core and its transport, for the threads of one driver.
pub(crate) struct Wire<D: Driver> {
    state: Lock<State<D>>,
    pub(super) closer: Closer,
    owner: Box<dyn Owner>,
}

/// A callback for the unlocking thread, after the release. It must not block.
pub(crate) type AfterUnlock = Arc<dyn Fn() + Send + Sync>;

/// The state under the lock. It dereferences to the driver's state.
pub(crate) struct State<D> {
    pub(crate) core: Box<Connection>,
    pub(crate) driver: D,
    /// Threads to unpark after the lock is released.
    pub(crate) wake: Vec<Thread>,
    /// Called once after the lock is released.
    pub(crate) after_unlock: Option<AfterUnlock>,
    /// `None` while a thread reads, and after the transport is cut.
    pub(super) reading: Option<Box<Reading>>,
    /// `None` while a thread writes, and after the transport is cut.
    pub(super) writing: Option<Box<Writing>>,
    pub(super) read_timeout: ReadTimeout,
    pub(super) end: Ending,
    /// The time at which the owner was asked to run the deadlines.
    called_at: Option<Instant>,
}

/// The reader and its buffer.
pub(super) struct Reading {
    pub(super) reader: Box<dyn io::Read + Send>,
    pub(super) buffer: FrameBuffer,
}

/// The writer and its buffer.
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
        let reading = Reading { reader: Box::new(reader), buffer: FrameBuffer::new() };
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
        // After a panic of our own, the catching thread ends the connection. Its statistics and its
        // reason stay readable.
        Guard { state: Some(self.state.lock()), owner: &*self.owner }
    }

    /// Runs a command under the lock, and delivers the events it has caused.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut State<D>, Instant) -> T) -> T {
        let mut state = self.lock();
        let now = Instant::now();
        let result = command(&mut state, now);
        state.deliver(now);
        result
    }

    /// Makes sure that the owner's clock, if there is one, runs the next deadline in time.
    pub(crate) fn call_in_time(&self, state: &mut State<D>) {
        if !self.owner.has_clock() {
            return;
        }
        let Some(at) = state.deadline() else { return };
        if state.called_at.is_none_or(|called| at < called) {
            self.call_at(state, at);
        }
    }

    /// Asks the owner's clock to run the deadlines at that time.
    pub(crate) fn call_at(&self, state: &mut State<D>, at: Instant) {
        state.called_at = Some(at);
        self.owner.call_at(at, &mut state.wake);
    }

    /// Returns whether reads can be limited by a timeout.
    pub(crate) fn can_limit_reads(&self) -> bool {
        self.closer.has_read_timeout()
    }

    /// Makes `epoll` report `token` once when there is input.
    pub(crate) fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.closer.watch(epoll, token)
    }

    /// Returns whether cutting the transport wakes a blocked read.
    pub(crate) fn can_wake_reader(&self) -> bool {
        self.closer.wakes_reader()
    }
}

impl<D: Driver> State<D> {
    /// Delivers events of the core, and records its end.
    pub(crate) fn deliver(&mut self, now: Instant) {
        D::deliver(self, now);
        if self.end.since.is_none() && self.core.close_reason().is_some() {
            self.end.begin(D::LINGERS && self.core.has_served_all(), now);
            D::ended(self);
        }
    }

    #[cfg(test)]
    pub(crate) fn set_called_at(&mut self, at: Instant) {
        self.called_at = Some(at);
    }

    /// Handles a call of the clock. Returns `false` if an earlier call has already done its work.
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

/// A guard of the lock.
pub(crate) struct Guard<'a, D: Driver> {
    /// `None` only while it is dropped.
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
