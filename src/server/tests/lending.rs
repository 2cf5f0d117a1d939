//! Places that handlers lend while they wait, and get back.

use std::sync::Arc;
use std::time::Instant;

use super::super::config::Config;
use super::super::context::Peer;
use super::super::engine::{Engine, Served};
use super::super::lead::{ServedHooks, PLACE};
use crate::exchange::Hooks;
use crate::proto::{self, Connection, Role};
use crate::transport::{duplex, Transport};

/// A server of one place, and a connection of it.
fn server() -> (Arc<Engine>, Arc<Served>) {
    let config = Config { max_handlers: 1, ..Config::default() };
    let engine = Engine::start(config, Box::new(|_, _| Ok(()))).unwrap();
    engine.admit();
    let core = Connection::new_boxed(Role::Server, proto::Config::default(), Instant::now());
    let halves = duplex(1 << 10).0.split().unwrap();
    let served = engine.register(core.unwrap(), halves, Peer::default(), ServedHooks).unwrap();
    (engine, served)
}

#[test]
fn a_place_that_was_lent_comes_back_though_the_connection_has_gone() {
    let (engine, served) = server();
    assert!(engine.permits.acquire(&served));
    PLACE.set(Arc::as_ptr(&engine));
    let hooks = ServedHooks(Arc::downgrade(&served));
    let lent = hooks.rest().expect("it is lent");
    assert!(hooks.rest().is_none(), "once at a time");
    engine.unregister(&served);
    drop(served);
    drop(lent);
    assert_eq!(PLACE.get(), Arc::as_ptr(&engine));
    assert!(engine.permits.release().is_none());
    assert_eq!(engine.permits.running(), 0);
    engine.close();
}

#[test]
fn a_handler_lends_no_place_of_another_server() {
    let (ours, _) = server();
    let (theirs, served) = server();
    PLACE.set(Arc::as_ptr(&ours));
    assert!(ServedHooks(Arc::downgrade(&served)).rest().is_none());
    assert_eq!(theirs.permits.running(), 0);
    assert!(theirs.permits.acquire(&served));
    ours.close();
    theirs.close();
}
