//! Counting the content of an exchange.

use std::sync::Arc;

/// Is told what passes through the halves of an exchange. The halves share it, and drop it at their
/// end.
pub(crate) trait Meter: Send + Sync {
    /// The application has taken octets of content.
    fn received(&self, octets: usize);

    /// Octets of content were queued.
    fn sent(&self, octets: usize);

    /// The message was given up before its end; `by_peer` if the stream or connection was over.
    fn given_up(&self, by_peer: bool);
}

/// The meter of an exchange, if it is watched.
pub(crate) type Metered = Option<Arc<dyn Meter>>;

/// Counts octets that the application has taken.
pub(crate) fn received(meter: &Metered, octets: usize) {
    if let Some(meter) = meter {
        meter.received(octets);
    }
}

/// Counts octets that were queued.
pub(crate) fn sent(meter: &Metered, octets: usize) {
    if let Some(meter) = meter {
        meter.sent(octets);
    }
}
