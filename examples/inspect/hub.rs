//! The events of all connections, for any number of pages.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The most events that are kept. A page that connects later, or is slow, misses earlier ones.
const KEPT: usize = 5_000;

/// The most octets of these events. A field section may have 64 KiB.
const KEPT_OCTETS: usize = 32 << 20;

pub(crate) struct Hub {
    begin: Instant,
    upstream: String,
    events: Mutex<Events>,
    changed: Condvar,
}

#[derive(Default)]
struct Events {
    /// The number of the first event that is kept.
    first: u64,
    kept: VecDeque<Arc<str>>,
    /// The octets of `kept`.
    octets: usize,
}

/// Events in a row.
pub(crate) struct Batch {
    /// The number of the event after them.
    pub(crate) next: u64,
    pub(crate) events: Vec<Arc<str>>,
}

impl Hub {
    pub(crate) fn new(upstream: &str) -> Self {
        Hub {
            begin: Instant::now(),
            upstream: upstream.to_owned(),
            events: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn upstream(&self) -> &str {
        &self.upstream
    }

    /// Adds an event, with its time in milliseconds.
    pub(crate) fn push(&self, mut event: Value) {
        event["t"] = json!(self.now());
        let event: Arc<str> = event.to_string().into();
        self.lock().push(event);
        self.changed.notify_all();
    }

    /// The time of an event now.
    pub(crate) fn now(&self) -> f64 {
        self.begin.elapsed().as_micros() as f64 / 1000.0
    }

    /// Waits for events from this number on, for as long as `time`.
    pub(crate) fn after(&self, number: u64, time: Duration) -> Batch {
        let is_empty = |events: &mut Events| events.next() <= number;
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_empty);
        let (events, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let skipped = number.saturating_sub(events.first) as usize;
        let batch = events.kept.iter().skip(skipped).cloned().collect();
        Batch { next: events.next().max(number), events: batch }
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    fn push(&mut self, event: Arc<str>) {
        self.octets += event.len();
        self.kept.push_back(event);
        while self.kept.len() > KEPT || (self.octets > KEPT_OCTETS && self.kept.len() > 1) {
            self.octets -= self.kept.pop_front().map_or(0, |event| event.len());
            self.first += 1;
        }
    }

    fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }
}
