//! A server that handles frames itself.

use std::io::{Read, Write};

use h2_sync::client::Connection;
use h2_sync::transport::{Duplex, duplex};

pub(crate) use crate::frames::{Peer, listener};
use crate::support::LONG;

/// A connection, and its peer in memory.
pub(crate) fn connection_and_peer() -> (Connection, Peer<Duplex>) {
    let (near, far) = duplex(1 << 20);
    far.set_read_timeout(Some(LONG)).unwrap();
    far.set_write_timeout(Some(LONG)).unwrap();
    let connection = Connection::start(near, h2_sync::Config::default()).unwrap();
    (connection, Peer::server(far, Vec::new()))
}

impl<S: Read + Write> Peer<S> {
    /// Reads to the end. Returns whether it read a GOAWAY.
    pub(crate) fn until_goes_away(&mut self) -> bool {
        self.until_cut();
        self.seen.goaway.is_some()
    }
}
