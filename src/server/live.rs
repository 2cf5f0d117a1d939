//! What the server does with a connection without knowing its version.

/// A connection that is served.
pub(super) trait Live: Send + Sync {
    /// Unlike that of any other connection of its server.
    fn number(&self) -> u64;

    /// Takes no new requests. What is open is finished. Does not wait.
    fn shut_down(&self);

    /// Ends it at once, and tells its peer where that is possible. Does not wait.
    fn close(&self);

    /// Cuts its transport.
    fn cut(&self);

    /// Whether it has ended, and is about to be counted out.
    fn has_ended(&self) -> bool;

    /// Requests that have not been answered in full.
    fn open_requests(&self) -> usize;
}
