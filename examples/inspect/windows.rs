//! Flow-control windows, as an observer of the frames counts them.

use std::collections::BTreeMap;

use h2_sync::frame::DEFAULT_WINDOW;

/// The most streams whose windows are remembered. Beyond it the oldest is forgotten, and looks as if
/// nothing was sent on it.
const MAX_STREAMS: usize = 10_000;

/// What one side may still send: the windows that its peer has granted (RFC 9113, Section 5.2).
pub(crate) struct Windows {
    connection: i64,
    /// The window of a new stream.
    initial: i64,
    /// The windows that differ from `initial`.
    streams: BTreeMap<u32, i64>,
}

impl Windows {
    pub(crate) fn new() -> Self {
        let initial = i64::from(DEFAULT_WINDOW);
        Windows { connection: initial, initial, streams: BTreeMap::new() }
    }

    pub(crate) fn connection(&self) -> i64 {
        self.connection
    }

    pub(crate) fn initial(&self) -> i64 {
        self.initial
    }

    pub(crate) fn stream(&self, id: u32) -> i64 {
        self.streams.get(&id).copied().unwrap_or(self.initial)
    }

    /// The side has sent DATA, of this many octets with their padding.
    pub(crate) fn sent(&mut self, id: u32, octets: u32) {
        self.connection -= i64::from(octets);
        self.change(id, -i64::from(octets));
    }

    /// Its peer has sent WINDOW_UPDATE.
    pub(crate) fn updated(&mut self, id: u32, increment: u32) {
        match id {
            0 => self.connection += i64::from(increment),
            id => self.change(id, increment.into()),
        }
    }

    /// Its peer has sent SETTINGS_INITIAL_WINDOW_SIZE, which moves all streams (RFC 9113, Section
    /// 6.9.2).
    pub(crate) fn resized(&mut self, initial: u32) {
        let change = i64::from(initial) - self.initial;
        self.initial = initial.into();
        self.streams.values_mut().for_each(|window| *window += change);
    }

    pub(crate) fn ended(&mut self, id: u32) {
        self.streams.remove(&id);
    }

    fn change(&mut self, id: u32, by: i64) {
        if self.streams.len() == MAX_STREAMS && !self.streams.contains_key(&id) {
            self.streams.pop_first();
        }
        *self.streams.entry(id).or_insert(self.initial) += by;
    }
}
