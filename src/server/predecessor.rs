//! The line from a successor to its predecessor: a socket that is passed with the listeners.
//!
//! The predecessor writes a flag for each listener. The successor writes an octet for each that it
//! serves, and the line ends when all are served or dropped.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::logging;

/// The name of the socket among those that are passed.
pub(super) const LINE_NAME: &str = "h2-sync.predecessor";

/// The flag of a listener that the service manager keeps.
pub(super) const KEPT: u8 = b'k';

/// The flag of another listener.
#[cfg(feature = "handover")]
pub(super) const OWN: u8 = b'o';

/// What the successor writes for each listener that it serves.
const SERVED: u8 = b's';

/// The successor's end of the line.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<UnixStream>);

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        Line(Arc::new(stream))
    }

    /// Tells the predecessor that a listener is served.
    pub(super) fn tell(self) {
        if let Err(error) = (&*self.0).write_all(&[SERVED]) {
            logging::debug!("telling the predecessor that its socket is served: {error}");
        }
    }
}
