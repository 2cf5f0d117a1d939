//! How a connection ends, and whose thread.

use crate::error::Error;
use crate::proto::CloseReason;

/// How the connection ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// As the core tells.
    Core(CloseReason),
    /// The transport broke, and nothing that the peer said explains it.
    Transport(Error),
}

/// One of the two threads of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Reader => "reader",
            Side::Writer => "writer",
        }
    }
}
