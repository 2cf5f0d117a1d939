//! The peer of a handshake, for error texts.

use std::fmt;

#[derive(Debug, Clone, Copy)]
pub(super) enum Peer<'a> {
    Client,
    Server(&'a str),
}

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Client => f.write_str("the client"),
            Peer::Server(name) => write!(f, "the server {name}"),
        }
    }
}
