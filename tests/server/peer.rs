//! A client that speaks frames by hand.

use h2_sync::frame::{Frame, Setting};
use h2_sync::server::Handle;

pub(crate) use crate::frames::Peer;

impl Peer {
    /// One that has sent its preface and SETTINGS.
    pub(crate) fn of(server: &Handle) -> Self {
        Peer::connect(server.local_addr().unwrap())
    }

    /// One that has sent its preface and these SETTINGS.
    pub(crate) fn with(server: &Handle, entries: Vec<Setting>) -> Self {
        Peer::connect_with(server.local_addr().unwrap(), entries)
    }

    /// One that has connected, and said nothing.
    pub(crate) fn quiet(server: &Handle) -> Self {
        Peer::connect_silent(server.local_addr().unwrap())
    }

    /// Reads to the end, and gives all frames.
    pub(crate) fn read_to_end(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }
}
