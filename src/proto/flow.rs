//! Flow-control windows (RFC 9113, Section 5.2 and 6.9).
//!
//! A window is a signed number of octets. It goes below zero when the peer lowers
//! `SETTINGS_INITIAL_WINDOW_SIZE` while octets are in flight (Section 6.9.2), and it never passes
//! 2^31-1 (Section 6.9.1).

use crate::frame::MAX_WINDOW;

/// A window went over 2^31-1 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowOverflow;

/// The window for sending to the peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendWindow(i64);

impl SendWindow {
    pub(crate) fn new(size: u32) -> Self {
        SendWindow(i64::from(size))
    }

    /// Octets that may be sent now.
    pub(crate) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// Returns the window, which may be negative.
    pub(crate) fn signed(self) -> i64 {
        self.0
    }

    /// Subtracts the octets of a sent DATA frame.
    pub(crate) fn consume(&mut self, len: usize) {
        debug_assert!(len <= self.available());
        self.0 -= len as i64;
    }

    /// Adds the increment of a WINDOW_UPDATE.
    pub(crate) fn grant(&mut self, increment: u32) -> Result<(), WindowOverflow> {
        self.shift(i64::from(increment))
    }

    /// Applies a change of `SETTINGS_INITIAL_WINDOW_SIZE`.
    pub(crate) fn shift(&mut self, delta: i64) -> Result<(), WindowOverflow> {
        let moved = self.0 + delta;
        if moved > i64::from(MAX_WINDOW) {
            return Err(WindowOverflow);
        }
        self.0 = moved;
        Ok(())
    }
}

/// The peer sent more than the announced window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowExceeded;

/// In larger windows, this much credit is announced at once …
const CREDIT: i64 = 64 << 10;
/// … or this fraction of the window, if that is more. Smaller windows announce half of their size.
const CREDIT_PART: i64 = 8;

/// The window for receiving from the peer, replenished as octets are released.
//
// Invariant: `size == announced + released + unreleased`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecvWindow {
    /// Octets that the peer may still send, as announced.
    announced: i64,
    /// Octets released but not yet announced.
    released: i64,
    /// The size to which the window is replenished.
    size: i64,
}

impl RecvWindow {
    pub(crate) fn new(size: u32) -> Self {
        RecvWindow { announced: i64::from(size), released: 0, size: i64::from(size) }
    }

    /// Returns the window as the peer sees it, which may be negative after a setting was lowered.
    pub(crate) fn signed(&self) -> i64 {
        self.announced
    }

    /// Returns the size to which the window is replenished.
    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.size).unwrap_or(0)
    }

    /// Returns the octets received and not yet released.
    pub(crate) fn unreleased(&self) -> u32 {
        u32::try_from(self.size - self.announced - self.released).unwrap_or(0)
    }

    /// Returns the octets released and not yet announced.
    pub(crate) fn released(&self) -> u32 {
        u32::try_from(self.released).unwrap_or(0)
    }

    /// Counts the octets of a DATA frame, padding included (RFC 9113, Section 6.1).
    pub(crate) fn receive(&mut self, len: u32) -> Result<(), WindowExceeded> {
        if i64::from(len) > self.announced {
            return Err(WindowExceeded);
        }
        self.announced -= i64::from(len);
        Ok(())
    }

    /// Counts octets received outside flow control that the application releases like all others:
    /// the body of an upgrade request.
    pub(crate) fn receive_uncounted(&mut self, len: u32) {
        self.announced -= i64::from(len);
    }

    /// Releases octets, at most as many as were received and not released.
    pub(crate) fn release(&mut self, len: u32) {
        self.released += i64::from(len.min(self.unreleased()));
    }

    /// Whether credit is due: half of a small window has been released, or one eighth of a large
    /// one.
    //
    // A peer limited by the window sends what was announced, and then waits. The earlier the next
    // credit is sent, the more of the window is in flight; each announcement costs a frame of 13
    // octets.
    pub(crate) fn has_update(&self) -> bool {
        let due = (self.size / 2).min(CREDIT.max(self.size / CREDIT_PART));
        self.released > 0 && self.released >= due
    }

    /// Returns the increment to announce, if credit is due.
    pub(crate) fn take_update(&mut self) -> Option<u32> {
        if !self.has_update() {
            return None;
        }
        let increment = u32::try_from(self.released).ok()?;
        self.announced += self.released;
        self.released = 0;
        Some(increment)
    }

    /// Changes the size by a difference that the peer also applies to its side of the window.
    pub(crate) fn shift(&mut self, delta: i64) {
        self.announced += delta;
        self.size += delta;
    }

    /// Raises the size. The next update announces the difference.
    pub(crate) fn grow(&mut self, more: u32) {
        self.size += i64::from(more);
        self.released += i64::from(more);
    }

    /// Lowers the size by released octets that have not been announced.
    pub(crate) fn shrink(&mut self, less: u32) {
        let less = i64::from(less).min(self.released);
        self.size -= less;
        self.released -= less;
    }

    /// Reduces the window to the unreleased octets, since the peer sends no more.
    pub(crate) fn close(&mut self) {
        self.size = i64::from(self.unreleased());
        (self.announced, self.released) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_window_may_go_negative_and_come_back() {
        let mut window = SendWindow::new(100);
        window.consume(80);
        window.shift(-100).unwrap();
        assert_eq!(window.signed(), -80);
        assert_eq!(window.available(), 0);
        window.grant(81).unwrap();
        assert_eq!(window.available(), 1);
    }

    #[test]
    fn a_send_window_never_passes_its_maximum() {
        let mut window = SendWindow::new(MAX_WINDOW);
        assert_eq!(window.grant(1), Err(WindowOverflow));
        assert_eq!(window.available(), MAX_WINDOW as usize);
    }

    #[test]
    fn credit_is_due_at_half_of_a_small_window() {
        let mut window = RecvWindow::new(100);
        window.receive(60).unwrap();
        window.release(49);
        assert_eq!(window.take_update(), None);
        window.release(1);
        assert_eq!(window.take_update(), Some(50));
        assert_eq!(window.signed(), 90);
    }

    #[test]
    fn credit_is_due_at_an_eighth_of_a_large_window() {
        for (size, due) in [(128 << 10, 64 << 10), (256 << 10, 64 << 10), (16 << 20, 2 << 20)] {
            let mut window = RecvWindow::new(size);
            window.receive(size).unwrap();
            window.release(due - 1);
            assert_eq!(window.take_update(), None);
            window.release(1);
            assert_eq!(window.take_update(), Some(due));
        }
    }

    #[test]
    fn closed_window_is_as_large_as_what_has_not_been_released() {
        let mut window = RecvWindow::new(100);
        window.receive(60).unwrap();
        window.release(20);
        window.close();
        assert_eq!((window.signed(), window.size(), window.unreleased()), (0, 40, 40));
        window.release(30);
        window.close();
        assert_eq!((window.size(), window.unreleased()), (10, 10));
    }

    #[test]
    fn more_than_was_received_cannot_be_released() {
        let mut window = RecvWindow::new(100);
        window.receive(60).unwrap();
        window.release(1000);
        assert_eq!(window.take_update(), Some(60));
        assert_eq!(window.signed(), 100);
        window.release(1);
        assert_eq!(window.take_update(), None);
    }

    #[test]
    fn one_octet_over_the_announced_window_is_refused_also_while_credit_waits() {
        let mut window = RecvWindow::new(100);
        window.receive(40).unwrap();
        window.release(40);
        assert_eq!(window.receive(61), Err(WindowExceeded));
        assert_eq!(window.receive(60), Ok(()));
    }

    #[test]
    fn a_lowered_size_makes_the_receive_window_negative_until_it_drains() {
        let mut window = RecvWindow::new(100);
        window.receive(80).unwrap();
        window.shift(-50);
        assert_eq!(window.signed(), -30);
        window.release(80);
        assert_eq!(window.take_update(), Some(80));
        assert_eq!(window.signed(), 50);
    }

    #[test]
    fn a_window_of_zero_never_asks_for_an_update() {
        let mut window = RecvWindow::new(0);
        window.release(5);
        assert_eq!(window.take_update(), None);
    }
}
