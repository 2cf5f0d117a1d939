//! What the application and the two threads of a connection share.

use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::evt::Evt;
use super::outbox::Outbox;
use crate::link::Link;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Link,
    outbox: Outbox,
    /// The receiver has been handed out, so events may be taken without our knowing.
    receiver_is_out: AtomicBool,
    /// The writer looks now and then which events have been taken.
    is_looking: AtomicBool,
}

impl Shared {
    pub(super) fn new(link: Link, events: Sender<Evt>, auto_release: bool) -> Self {
        Shared {
            link,
            outbox: Outbox::new(events, auto_release),
            receiver_is_out: AtomicBool::new(false),
            is_looking: AtomicBool::new(false),
        }
    }

    /// Gives back what is owed, and delivers what has come up. For all threads but the writer.
    pub(super) fn settle(&self) {
        self.outbox.settle(&self.link);
        // Whoever takes events behind our back does not settle: the writer has to look.
        if self.receiver_is_out() && self.outbox.is_waiting() && !self.is_looking() {
            self.link.nudge();
        }
    }

    /// The same for the writer, which does not ask itself to look. Returns how many events have
    /// been taken.
    pub(super) fn settle_as_writer(&self) -> u64 {
        self.outbox.settle(&self.link)
    }

    /// After an event has been taken, with `left` more in the channel: settles if that is due.
    pub(super) fn taken(&self, left: usize) {
        if self.outbox.is_due(left) {
            self.settle();
        }
    }

    /// From now on, events may be taken without our knowing.
    pub(super) fn receiver_goes_out(&self) {
        if !self.receiver_is_out.swap(true, Ordering::SeqCst) {
            self.link.nudge();
        }
    }

    /// Whether the writer has to look which events have been taken.
    //
    // `settle` changes the outbox and reads `is_looking`; this writes `is_looking` and reads the
    // outbox. All of it is sequentially consistent, so one of the two sees the other.
    pub(super) fn has_to_look(&self) -> bool {
        if !self.receiver_is_out() {
            return false;
        }
        self.is_looking.store(false, Ordering::SeqCst);
        let has_to_look = self.outbox.is_waiting();
        self.is_looking.store(has_to_look, Ordering::SeqCst);
        has_to_look
    }

    fn receiver_is_out(&self) -> bool {
        self.receiver_is_out.load(Ordering::SeqCst)
    }

    fn is_looking(&self) -> bool {
        self.is_looking.load(Ordering::SeqCst)
    }
}
