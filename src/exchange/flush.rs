//! Writing: whoever has something to write and finds the writer takes it, and writes for all.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Instant;

use super::conn::{Conn, Guard, State, Writing};
use super::rest::Rest;
use super::turn::Lead;
use crate::error::Error;
use crate::link::LINGER;
use crate::proto::ConnectionError;
use crate::transport::{gave_up, WRITE_TICK};

impl State {
    /// Whether there is something to write, and nobody writes.
    pub(crate) fn has_to_write(&self) -> bool {
        let has_left = |writing: &Writing| !writing.buffer.is_done();
        self.end.write_failed.is_none()
            && self.end.write_shut.is_none()
            && self.writing.as_ref().is_some_and(|writing| {
                has_left(writing) || self.core.wants_transmit() || self.end.since.is_some()
            })
    }

    /// Whether a thread writes.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_none()
    }

    /// Nothing more can be written. What the peer has sent before may still explain it, so the
    /// reader gets a moment to find that.
    fn fail_writes(&mut self, error: Error, now: Instant) {
        log::debug!("writing: {error}");
        self.end.write_failed.get_or_insert((now, error));
    }
}

impl Conn {
    /// Writes all that there is to write, unless another thread is about it: that one then takes
    /// it along.
    pub(crate) fn flush_now(self: &Arc<Self>) {
        drop(self.flush(self.lock(), None));
    }

    /// The same with the lock held, which is given back while writing. After `deadline`, what is
    /// left is left to the next one.
    ///
    /// On a client, so it is when the transport takes little or nothing for a while: this thread may
    /// be the only one there is, and a peer may take nothing before its own octets have been read.
    pub(crate) fn flush<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        deadline: Option<Instant>,
    ) -> Guard<'a> {
        if state.has_to_write() {
            if let Some(mut writing) = state.writing.take() {
                let stays = self.hooks.is_some();
                state = self.write(state, &mut writing, deadline, stays);
                state = self.put_back(state, writing);
                if (deadline.is_some() || !stays) && state.has_to_write() {
                    // Others have found the writer gone, and rely on it.
                    self.flush_elsewhere(&mut state);
                }
            }
        }
        state = self.wake_reader_after_the_end(state);
        self.arm(&mut state);
        state
    }

    /// Has another thread write what there is to write, and does not wait for it.
    pub(super) fn flush_later(self: &Arc<Self>, mut state: Guard<'_>) {
        self.arm(&mut state);
        if !state.has_to_write() {
            return;
        }
        let Some(hooks) = &self.hooks else { return self.flush_elsewhere(&mut state) };
        drop(state);
        if !hooks.flush_soon() {
            log::debug!(
                "no thread to write what has been sent: it waits for the next one to write"
            );
        }
    }

    /// Writes what there is to write until `deadline`, and leaves the rest to another thread.
    pub(crate) fn flush_until(self: &Arc<Self>, deadline: Instant) {
        drop(self.flush(self.lock(), Some(deadline)));
    }

    /// Has another thread write what is left.
    fn flush_elsewhere(self: &Arc<Self>, state: &mut State) {
        let has_gone = match &self.hooks {
            Some(hooks) => hooks.flush(),
            None => self.hand_writer_over(state),
        };
        if !has_gone {
            log::debug!("no thread to write what is left: it waits for the next one to write");
        }
    }

    /// Starts a thread that writes what there is to write. It gets the writer at once, or the thread
    /// that has given up would find it again before.
    fn hand_writer_over(self: &Arc<Self>, state: &mut State) -> bool {
        let (give, take) = mpsc::channel::<Box<Writing>>();
        let conn = Arc::clone(self);
        let write = move || {
            let Ok(mut writing) = take.recv() else { return };
            let state = conn.write(conn.lock(), &mut writing, None, true);
            let state = conn.put_back(state, writing);
            drop(conn.wake_reader_after_the_end(state));
        };
        let has_begun = spawn("h2-sync-flush", write);
        if let Some(writing) = state.writing.take_if(|_| has_begun) {
            // The thread waits for it.
            state.writing = give.send(writing).err().map(|unsent| unsent.0);
        }
        has_begun
    }

    /// The turn to write is over.
    fn put_back<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, writing: Box<Writing>) -> Guard<'a> {
        if state.end.is_cut {
            drop(state);
            drop(writing);
            return self.lock();
        }
        state.writing = Some(writing);
        self.cut_after_a_failure(&state);
        self.shut_after_the_end(state)
    }

    /// A client's read that cannot be given a time, or has been given it already, would not notice that
    /// the moment is over in which it may find why the peer takes nothing any more.
    fn cut_after_a_failure(self: &Arc<Self>, state: &State) {
        let is_under_way = matches!(state.lead, Lead::Held { reads: true, .. });
        let is_noticed = self.closer.has_read_timeout() && !is_under_way;
        if is_noticed || self.hooks.is_some() || state.end.write_failed.is_none() {
            return;
        }
        let conn = Arc::downgrade(self);
        let cut = move || {
            thread::sleep(LINGER);
            if let Some(conn) = conn.upgrade() {
                conn.with(|state, _| state.fail(None));
                conn.cut();
            }
        };
        if !spawn("h2-sync-cut", cut) {
            log::warn!("no thread to end a connection that cannot be written to");
        }
    }

    /// A client's thread that reads cannot know that the connection has ended for a reason that did
    /// not come from the transport, and there is no clock that would cut that.
    pub(super) fn wake_reader_after_the_end<'a>(&'a self, state: Guard<'a>) -> Guard<'a> {
        let end = &state.end;
        let is_written = end.write_shut.is_some() || end.write_failed.is_some();
        let is_read = matches!(state.lead, Lead::Held { reads: true, .. });
        if self.hooks.is_some() || end.since.is_none() || !is_written || !is_read || end.is_cut {
            return state;
        }
        drop(state);
        self.cut();
        self.lock()
    }

    fn write<'a>(
        &'a self,
        mut state: Guard<'a>,
        writing: &mut Writing,
        deadline: Option<Instant>,
        stays: bool,
    ) -> Guard<'a> {
        let Writing { writer, buffer } = writing;
        let (mut rest, mut began) = (None, None);
        loop {
            let now = Instant::now();
            rest.get_or_insert_with(|| Rest::new(self, now)).look(now);
            if buffer.is_done() {
                let has_more = buffer.take(&mut state.core, now);
                // What has been taken makes room.
                state.hand_out(now);
                if !has_more {
                    return state;
                }
            }
            if state.is_past_last_words(now) {
                buffer.clear();
                state.fail_writes(Error::timeout("the last frames could not be written"), now);
                return state;
            }
            if !state.has_ended() && buffer.end_if_stalled(&mut state.core, now) {
                state.hand_out(now);
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                return state;
            }
            let began = *began.get_or_insert(now);
            if !stays && now.saturating_duration_since(began) >= WRITE_TICK {
                // It is taken, but slowly, and others may wait for what this thread could read.
                return state;
            }
            // What others write says nothing of the leader.
            state.step += u64::from(state.lead.is_mine());
            drop(state);
            // The transport may be the application's; its panic is the end of this connection alone.
            let result = catch_unwind(AssertUnwindSafe(|| buffer.write_once(writer)));
            state = self.lock();
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) if gave_up(&error) && stays => {}
                Ok(Err(error)) if gave_up(&error) => return state,
                Ok(Err(error)) => {
                    buffer.clear();
                    state.fail_writes(error.into(), Instant::now());
                    return state;
                }
                Err(_) => {
                    buffer.clear();
                    let now = Instant::now();
                    let error = ConnectionError::internal("the transport panicked in a write");
                    state.core.abort(error.clone());
                    state.fail_writes(error.into(), now);
                    state.hand_out(now);
                    return state;
                }
            }
        }
    }

    /// After the last octet of a connection that has ended, our direction is shut.
    fn shut_after_the_end<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let all_written = state.writing.as_ref().is_some_and(|writing| writing.buffer.is_done());
        if !state.has_ended() || !all_written || state.end.write_shut.is_some() {
            return state;
        }
        state.end.write_shut = Some(Instant::now());
        drop(state);
        // Whether that arrives is the peer's business now.
        let _ = self.closer.shutdown_write();
        self.lock()
    }
}

/// A thread that does one thing for a client's connection. `false` if there is none.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new().name(name.to_owned()).stack_size(128 << 10).spawn(work).is_ok()
}
