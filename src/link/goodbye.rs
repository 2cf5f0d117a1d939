//! The end of a connection, from GOAWAY to the last thread.

use std::io::Write;
use std::time::{Duration, Instant};

use super::end::Side;
use super::flush::{WriteBuffer, LINGER};
use super::shared::Link;
use crate::proto::ConnectionError;
use crate::transport::{gave_up, WRITE_TICK};

/// After the end of the connection, so long is tried to write what is left (GOAWAY).
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

/// The longest that it takes from the end of the connection to that of its writer, if writes give
/// up now and then.
pub(crate) const GOODBYE: Duration = LAST_WORDS.saturating_add(WRITE_TICK).saturating_add(LINGER);

impl Link {
    /// Writes the last frames, closes our direction, waits a little for the peer to close its own,
    /// and cuts the transport.
    pub(crate) fn say_goodbye(&self, mut writer: impl Write, buffer: &mut WriteBuffer) {
        self.write_last_words(&mut writer, buffer);
        // Whether that arrives is the peer's business now.
        let _ = self.closer.shutdown_write();
        drop(writer);
        // Closing with octets unread would have the system send a TCP RST, which can destroy the
        // GOAWAY before the peer reads it. So the reader drains what comes, up to its end.
        self.wait_for(Instant::now() + LINGER, |state| state.reader_done);
        self.cut();
    }

    fn write_last_words(&self, writer: &mut impl Write, buffer: &mut WriteBuffer) {
        loop {
            let now = Instant::now();
            let mut state = self.lock();
            if state.write_failed.is_some()
                || state.ended_at.is_some_and(|ended| now >= ended + LAST_WORDS)
            {
                return;
            }
            if buffer.is_done() && !buffer.take(&mut state.core, now) {
                return;
            }
            drop(state);
            match buffer.write_once(writer) {
                Err(error) if !gave_up(&error) => return,
                _ => {}
            }
        }
    }

    /// The thread that reads (or writes) is through. If it panicked, so is the connection.
    pub(crate) fn thread_ended(&self, side: Side, panicked: bool) {
        let mut state = self.lock();
        if panicked {
            let error = ConnectionError::internal(format!("the {} thread panicked", side.name()));
            state.core.abort(error);
        }
        match side {
            Side::Reader => state.reader_done = true,
            Side::Writer => state.writer_done = true,
        }
        self.release(state);
        // Those who wait for this thread.
        self.changed.notify_all();
        if side == Side::Writer {
            // It has done so itself, unless it panicked: then nobody else would.
            self.cut();
        }
    }

    /// Cuts the transport: blocked reads and writes return.
    pub(crate) fn cut(&self) {
        self.lock().is_cut = true;
        if let Err(error) = self.closer.close() {
            log::debug!("closing the transport: {error}");
        }
    }

    /// Whether closing wakes a blocked read.
    pub(crate) fn can_wake(&self) -> bool {
        self.closer.wakes_reader()
    }
}
