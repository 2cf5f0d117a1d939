//! What requests and responses know of their connection and their server.

use std::sync::Arc;

use super::config::Config;
use super::peer::Peer;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) peer: Peer,
}
