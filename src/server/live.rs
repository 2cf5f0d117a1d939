//! Operations on a connection of either version.

/// A connection of a server.
pub(super) trait Live: Send + Sync {
    /// A number that is unique among the connections of its server.
    fn number(&self) -> u64;

    /// Accepts no new requests, while open ones are finished. Does not block.
    fn shut_down(&self);

    /// Ends the connection at once, and notifies the peer if possible. Does not block.
    fn close(&self);

    /// Cuts its transport.
    fn cut(&self);

    /// Returns whether it has ended, and is about to be unregistered.
    fn has_ended(&self) -> bool;

    /// The number of requests without a complete response.
    fn open_requests(&self) -> usize;
}
