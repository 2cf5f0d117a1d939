//! State shared by the requests and responses of a connection.

use std::sync::Arc;

use super::config::Config;
use super::farewell::Farewells;
use super::peer::Peer;
use super::readiness::Readiness;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) peer: Peer,
    pub(super) farewells: Arc<Farewells>,
    pub(super) readiness: Arc<Readiness>,
}

impl Context {
    pub(super) fn new(config: &Arc<Config>, readiness: &Arc<Readiness>, peer: Peer) -> Arc<Self> {
        let (config, readiness) = (Arc::clone(config), Arc::clone(readiness));
        Arc::new(Context { config, peer, farewells: Arc::default(), readiness })
    }
}
