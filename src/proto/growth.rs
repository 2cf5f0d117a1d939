//! Receive windows that grow while their readers keep up.
//!
//! A stream's window starts at `initial_window_size`. When credit is due and the peer has used
//! three quarters of the window since the last evaluation, the window is evaluated:
//!
//! | condition | effect |
//! | --- | --- |
//! | more than half of the window is untaken | no credit until it is less |
//! | more than a quarter is untaken | credit, but the evaluation is postponed |
//! | the three quarters took less than two round trips | the window quadruples |
//! | they took less than four round trips | the window doubles |
//! | they took eight round trips or more | the window is halved, down to its initial size |
//!
//! The excess over the initial size is borrowed from the connection's budget. Announced credit
//! cannot be revoked, so a window shrinks by withholding released credit. The streams of a
//! connection hold at most `streams × initial_window_size + budget`, even if they are read slowly.
//!
//! Streams limited by their windows share the budget evenly: a stream that has borrowed more than
//! its share returns it as its credit is used up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::config::Config;
use super::flow::{RecvWindow, WindowExceeded};
use crate::frame::StreamId;

/// A window limits its peer if three quarters of it are used in fewer round trips than this …
const LIMITED: u32 = 4;
/// … and by far if it takes fewer than these. Then it quadruples, which makes it no larger than
/// doubling makes those that are used in just under `LIMITED`.
const LIMITED_BY_FAR: u32 = LIMITED / 2;
/// … and is larger than needed after this many. Half of it would be used in `LIMITED`.
const SLOW: u32 = 8;

/// The minimum assumed round-trip time: below it, waking threads takes longer.
const LEAST_ROUND_TRIP: Duration = Duration::from_millis(1);

/// Maximum ended streams whose octets are counted until they are released.
const MAX_ENDED: usize = 128;

/// The shared state of a connection's stream windows.
#[derive(Debug)]
pub(crate) struct Growth {
    /// The maximum size of a window.
    max_window: u32,
    /// How much all windows together may exceed their initial sizes, and how much they do.
    budget: u32,
    borrowed: u32,
    /// The number of windows that limit their peers.
    limiting: u32,
    round_trip: Option<Duration>,
    /// Windows of ended streams that still exceed their initial sizes.
    ended: VecDeque<(StreamId, StreamWindow)>,
}

impl Growth {
    pub(crate) fn new(config: &Config) -> Self {
        Growth {
            max_window: config.max_window_size,
            budget: config.window_budget,
            borrowed: 0,
            limiting: 0,
            round_trip: None,
            ended: VecDeque::new(),
        }
    }

    /// Records a measured round trip. A shorter one applies at once, since a longer one may include
    /// queueing.
    pub(crate) fn note_round_trip(&mut self, sample: Duration) {
        let before = self.round_trip.unwrap_or(sample);
        self.round_trip = Some(sample.min(before + sample.saturating_sub(before) / 8));
    }

    /// Keeps the window of an ended stream while more than its initial size is untaken.
    pub(crate) fn end(&mut self, id: StreamId, mut window: StreamWindow) {
        window.close(self);
        if window.borrowed == 0 {
            return;
        }
        self.ended.push_back((id, window));
        if self.ended.len() > MAX_ENDED {
            self.ended.pop_front().into_iter().for_each(|(_, window)| self.pay_back(window));
        }
    }

    /// Releases octets of an ended stream.
    pub(crate) fn release_ended(&mut self, id: StreamId, octets: u32) {
        let Some(index) = self.ended.iter().position(|(ended, _)| *ended == id) else { return };
        self.ended[index].1.window.release(octets);
        if let Some((_, mut window)) = self.ended.remove(index) {
            window.close(self);
            if window.borrowed > 0 {
                self.ended.push_back((id, window));
            }
        }
    }

    /// Drops the window of an ended stream, of which the application holds no more octets.
    pub(crate) fn forget(&mut self, id: StreamId) {
        let index = self.ended.iter().position(|(ended, _)| *ended == id);
        let window = index.and_then(|index| self.ended.remove(index));
        window.into_iter().for_each(|(_, window)| self.pay_back(window));
    }

    fn pay_back(&mut self, window: StreamWindow) {
        self.borrowed -= window.borrowed;
    }

    /// Whether DATA took less than this number of round trips to arrive.
    fn is_within(&self, round_trips: u32, took: Duration) -> bool {
        self.round_trip.is_some_and(|time| took < round_trips * time.max(LEAST_ROUND_TRIP))
    }

    fn is_slow(&self, took: Duration) -> bool {
        self.round_trip.is_some() && !self.is_within(SLOW, took)
    }

    /// Returns how much one window may borrow.
    fn share(&self, is_limiting: bool) -> u32 {
        if is_limiting {
            self.budget / self.limiting.max(1)
        } else if self.borrowed == self.budget && self.limiting > 0 {
            // Other windows need it.
            0
        } else {
            self.budget
        }
    }
}

/// The receive window of a stream.
#[derive(Debug)]
pub(crate) struct StreamWindow {
    window: RecvWindow,
    /// SETTINGS_INITIAL_WINDOW_SIZE as acknowledged by the peer.
    initial: u32,
    /// The excess over the initial size, which counts against the budget.
    borrowed: u32,
    /// Octets received since the last evaluation, and when the first arrived.
    used: u32,
    used_since: Option<Instant>,
    /// Whether the last evaluation found that the window limits the peer.
    is_limiting: bool,
}

impl StreamWindow {
    pub(crate) fn new(initial: u32) -> Self {
        StreamWindow {
            window: RecvWindow::new(initial),
            initial,
            borrowed: 0,
            used: 0,
            used_since: None,
            is_limiting: false,
        }
    }

    /// Returns the window as the peer sees it, which may be negative after a setting was lowered.
    pub(crate) fn signed(&self) -> i64 {
        self.window.signed()
    }

    /// Returns the size to which the window is replenished.
    pub(crate) fn size(&self) -> u32 {
        self.window.size()
    }

    /// Whether [`take_update`](Self::take_update) may return an increment.
    pub(crate) fn has_update(&self) -> bool {
        self.window.has_update()
    }

    /// Returns the octets received and not yet released.
    pub(crate) fn unreleased(&self) -> u32 {
        self.window.unreleased()
    }

    /// Counts the octets of a DATA frame, padding included (RFC 9113, Section 6.1).
    pub(crate) fn receive(&mut self, len: u32, now: Instant) -> Result<(), WindowExceeded> {
        self.window.receive(len)?;
        self.used = self.used.saturating_add(len);
        self.used_since.get_or_insert(now);
        Ok(())
    }

    /// Counts octets received outside flow control.
    pub(crate) fn receive_uncounted(&mut self, len: u32) {
        self.window.receive_uncounted(len);
    }

    /// Releases octets, at most as many as were received and not released.
    pub(crate) fn release(&mut self, len: u32) {
        self.window.release(len);
    }

    /// Applies an acknowledged initial size: the peer has adjusted its side of the window by the
    /// difference (RFC 9113, Section 6.9.2).
    pub(crate) fn set_initial(&mut self, initial: u32) {
        self.window.shift(i64::from(initial) - i64::from(self.initial));
        self.initial = initial;
    }

    /// Returns the increment to announce, if credit is due, after growing or shrinking the window.
    pub(crate) fn take_update(&mut self, growth: &mut Growth, now: Instant) -> Option<u32> {
        if !self.window.has_update() {
            return None;
        }
        let (size, untaken) = (self.size(), self.unreleased());
        let took = self.used_since.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if untaken > size / 2 {
            if growth.is_slow(took) {
                self.shrink(size, growth);
            }
            return None;
        }
        if self.used >= size / 4 * 3 && untaken <= size / 4 {
            self.adapt(took, growth);
        }
        let share = growth.share(self.is_limiting);
        self.shrink(self.borrowed.saturating_sub(share), growth);
        self.window.take_update()
    }

    fn adapt(&mut self, took: Duration, growth: &mut Growth) {
        (self.used, self.used_since) = (0, None);
        self.set_limiting(growth.is_within(LIMITED, took), growth);
        let size = self.size();
        if self.is_limiting {
            let more = if growth.is_within(LIMITED_BY_FAR, took) { 3 * size } else { size };
            let share = growth.share(true).saturating_sub(self.borrowed);
            let room = growth.max_window.saturating_sub(size).min(growth.budget - growth.borrowed);
            self.window.grow(more.min(room).min(share));
            self.settle(growth);
        } else if growth.is_slow(took) {
            self.shrink(size / 2, growth);
        }
    }

    /// Returns released octets to the budget, up to `most`.
    fn shrink(&mut self, most: u32, growth: &mut Growth) {
        self.window.shrink(most.min(self.borrowed).min(self.window.released()));
        self.settle(growth);
    }

    /// Closes the window: the peer sends nothing more on the stream.
    pub(crate) fn close(&mut self, growth: &mut Growth) {
        self.window.close();
        self.set_limiting(false, growth);
        self.settle(growth);
    }

    fn set_limiting(&mut self, is_limiting: bool, growth: &mut Growth) {
        growth.limiting -= u32::from(self.is_limiting);
        growth.limiting += u32::from(is_limiting);
        self.is_limiting = is_limiting;
    }

    /// Updates the budget from the size.
    fn settle(&mut self, growth: &mut Growth) {
        growth.borrowed -= self.borrowed;
        self.borrowed = self.size().saturating_sub(self.initial);
        growth.borrowed += self.borrowed;
    }
}

#[cfg(test)]
impl Growth {
    /// Checks that the budget equals what the windows have borrowed.
    pub(super) fn audit<'a>(&'a self, open: impl Iterator<Item = &'a StreamWindow> + Clone) {
        let all = || open.clone().chain(self.ended.iter().map(|(_, window)| window));
        for window in all() {
            assert_eq!(window.borrowed, window.size().saturating_sub(window.initial), "{window:?}");
        }
        assert_eq!(self.borrowed, all().map(|window| window.borrowed).sum::<u32>(), "borrowed");
        assert_eq!(self.limiting as usize, all().filter(|window| window.is_limiting).count());
        assert!(self.borrowed <= self.budget);
    }

    pub(super) fn borrowed(&self) -> u32 {
        self.borrowed
    }
}
