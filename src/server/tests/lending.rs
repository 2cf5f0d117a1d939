//! Permits that handlers lend while they wait.

use std::sync::Arc;
use std::time::Instant;

use super::super::clock::Clock;
use super::super::config::Config;
use super::super::engine::Engine;
use super::super::lead::PoolOwner;
use super::super::peer::Peer;
use super::super::permit::{Permit, lend};
use super::super::served::Served;
use crate::proto::{self, Connection, Role};
use crate::transport::{Transport, duplex};

/// Returns a server with one permit, and one of its connections.
fn server() -> (Arc<Engine>, Arc<Served>) {
    let config = Config { max_handlers: 1, ..Config::default() };
    let engine =
        Engine::start(config, Box::new(|_, _| Ok(())), Clock::start().unwrap().into()).unwrap();
    engine.admit();
    let core = Connection::new_boxed(Role::Server, proto::Config::default(), Instant::now());
    let halves = duplex(1 << 10).0.split().unwrap();
    let peer = Peer::default();
    let served = Served::register(&engine, core.unwrap(), halves, peer, PoolOwner, |_| ());
    (engine, served.unwrap())
}

#[test]
fn lent_permit_is_returned_after_its_connection_has_ended() {
    let (engine, served) = server();
    let permit = Permit::acquire(&served).unwrap();
    permit.run(|| {
        let lent = lend(&engine).expect("it is lent");
        assert!(lend(&engine).is_none(), "once at a time");
        engine.unregister(served.number, &served.place);
        drop(lent);
        assert!(lend(&engine).is_some(), "it is there again");
    });
    drop(permit);
    assert_eq!(engine.permits.running(), 0);
    engine.close();
}

#[test]
fn handler_lends_no_permit_of_another_server() {
    let (ours, served) = server();
    let (theirs, _) = server();
    Permit::acquire(&served).unwrap().run(|| assert!(lend(&theirs).is_none()));
    assert_eq!(theirs.permits.running(), 0);
    ours.close();
    theirs.close();
}

#[test]
fn thread_without_a_handler_lends_nothing() {
    let (engine, served) = server();
    let permit = Permit::acquire(&served).unwrap();
    assert!(lend(&engine).is_none());
    permit.run(|| ());
    assert!(lend(&engine).is_none());
    engine.close();
}
