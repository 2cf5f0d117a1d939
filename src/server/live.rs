//! Operations on a connection of either version.

use std::sync::Arc;
use std::time::Duration;

use super::stats::Totals;

/// A connection of a server.
pub(super) trait Live: Send + Sync {
    /// A number that is unique among the connections of its server.
    fn number(&self) -> u64;

    /// Asks the peer to send no new requests, while open ones are finished. In HTTP/1.x, an idle
    /// connection is closed after `grace`. Does not block.
    fn shut_down(self: Arc<Self>, grace: Duration);

    /// Ends the connection at once, and notifies the peer if possible. Does not block.
    fn close(&self);

    /// Cuts its transport.
    fn cut(&self);

    /// Returns whether it has ended, and is about to be unregistered.
    fn has_ended(&self) -> bool;

    /// The number of requests without a complete response.
    fn open_requests(&self) -> usize;

    /// Returns the statistics of the connection.
    fn totals(&self) -> Totals;
}
