//! State shared by the requests and responses of a connection.

use std::sync::Arc;

use super::config::Config;
use super::farewell::Farewells;
use super::peer::Peer;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) peer: Peer,
    pub(super) farewells: Arc<Farewells>,
}

impl Context {
    pub(super) fn new(config: &Arc<Config>, peer: Peer) -> Arc<Self> {
        Arc::new(Context { config: Arc::clone(config), peer, farewells: Arc::default() })
    }
}
