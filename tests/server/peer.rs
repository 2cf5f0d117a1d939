//! A client that handles frames itself.

use h2_sync::frame::{Frame, Setting};
use h2_sync::server::Handle;

pub(crate) use crate::frames::Peer;

impl Peer {
    /// A client that has sent its preface and SETTINGS.
    pub(crate) fn of(server: &Handle) -> Self {
        Peer::connect(server.local_addr().unwrap())
    }

    /// A client that has sent its preface and these SETTINGS.
    pub(crate) fn with(server: &Handle, entries: Vec<Setting>) -> Self {
        Peer::connect_with(server.local_addr().unwrap(), entries)
    }

    /// A client that has connected and sent nothing.
    pub(crate) fn quiet(server: &Handle) -> Self {
        Peer::connect_silent(server.local_addr().unwrap())
    }

    /// Reads to the end, and returns all frames.
    pub(crate) fn read_to_end(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }
}
