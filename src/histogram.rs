//! Histograms of waiting times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets in microseconds; the last bucket has none.
const BOUNDS: [u64; 13] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    10_000_000,
];

/// A histogram of waiting times, with fixed buckets from 100 µs to 10 s.
///
/// ```
/// use h2_sync::Histogram;
///
/// fn print(histogram: &Histogram) {
///     for (bound, count) in histogram.buckets() {
///         println!("{count} waited for at most {bound:?}");
///     }
///     println!("{} in all, {:?} together", histogram.count(), histogram.sum());
/// }
/// # print(&Histogram::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// Returns the buckets in ascending order: the upper bound, inclusive, and how many of the
    /// values are within it. The counts are cumulative; the last bucket is unbounded (`None`) and
    /// counts all values.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = BOUNDS.iter().map(|&bound| Some(Duration::from_micros(bound)));
        let counts = self.counts.iter().scan(0, |total, &count| {
            *total += count;
            Some(*total)
        });
        bounds.chain([None]).zip(counts)
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the sum of all values.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

/// A histogram that threads add to.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Recorder {
    pub(crate) fn record(&self, value: Duration) {
        let micros = value.as_micros();
        let bucket = BOUNDS.iter().position(|&bound| micros <= u128::from(bound));
        self.counts[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        if !value.is_zero() {
            let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
            self.nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        let counts = std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed));
        Histogram { counts, sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_in_the_buckets_that_include_them() {
        let recorder = Recorder::default();
        let values = [0, 100, 101, 999_999, 10_000_000, 10_000_001];
        values.into_iter().for_each(|micros| recorder.record(Duration::from_micros(micros)));
        let histogram = recorder.snapshot();
        let within = |micros: u64| {
            let bound = Some(Duration::from_micros(micros));
            histogram.buckets().find(|&(it, _)| it == bound).map(|(_, count)| count)
        };
        assert_eq!(within(100), Some(2));
        assert_eq!(within(500), Some(3));
        assert_eq!(within(250_000), Some(3));
        assert_eq!(within(1_000_000), Some(4));
        assert_eq!(within(10_000_000), Some(5));
        assert_eq!(histogram.buckets().last(), Some((None, 6)));
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.sum(), Duration::from_micros(values.into_iter().sum()));
    }
}
