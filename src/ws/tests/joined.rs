//! Two connections joined, their octets cut anywhere.

use std::time::Instant;

use bytes::Bytes;
use proptest::prelude::*;

use super::peer::{agreed, compression, transmitted};
use crate::ws::{CloseCode, Config, Connection, Event, Message, Role};

#[derive(Debug, Clone)]
enum Command {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
}

fn command() -> impl Strategy<Value = Command> {
    let octets = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            (any::<u8>(), 100..70_000usize).prop_map(|(octet, len)| vec![octet; len]),
            prop::collection::vec(any::<u8>(), 500..3_000),
        ]
    };
    prop_oneof![
        "\\PC{0,60}".prop_map(Command::Text),
        octets().prop_map(Command::Binary),
        prop::collection::vec(any::<u8>(), 0..126).prop_map(Command::Ping),
    ]
}

/// Gives octets to a connection in pieces, and returns what comes of them.
fn receive(core: &mut Connection, octets: &[u8], cuts: &[usize], now: Instant) -> Vec<Event> {
    let (mut rest, mut events, mut cuts) = (octets, Vec::new(), cuts.iter().cycle());
    while !rest.is_empty() {
        let len = cuts.next().map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
        let mut piece = Bytes::copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        while let Some(event) = core.receive(&mut piece, now).expect("the peer is one of ours") {
            events.push(event);
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everything_arrives_in_order_however_the_octets_are_cut(
        commands in prop::collection::vec(command(), 0..20),
        cuts in prop::collection::vec(prop_oneof![1..8usize, 1..3_000usize], 1..20),
        is_compressed in any::<bool>(),
        takeover in any::<bool>(),
        is_from_client in any::<bool>(),
    ) {
        let [mut of_client, mut of_server] =
            agreed(&compression(takeover), &compression(takeover)).map(Some);
        if !is_compressed {
            (of_client, of_server) = (None, None);
        }
        let now = Instant::now();
        let client = Connection::new(Role::Client, of_client, Config::default(), now);
        let server = Connection::new(Role::Server, of_server, Config::default(), now);
        let (mut from, mut to) = if is_from_client { (client, server) } else { (server, client) };

        let (mut octets, mut expected) = (Vec::new(), Vec::new());
        for command in commands {
            match command {
                Command::Text(text) => {
                    from.send(&text.as_str().into()).unwrap();
                    expected.push(Event::Message(text.into()));
                }
                Command::Binary(payload) => {
                    from.send(&Message::from(&payload[..])).unwrap();
                    expected.push(Event::Message(payload.into()));
                }
                Command::Ping(payload) => {
                    from.ping(payload.clone()).unwrap();
                    expected.push(Event::Ping(payload.into()));
                }
            }
            octets.extend(transmitted(&mut from));
        }
        from.close(Some(CloseCode::NORMAL), "", now).unwrap();
        octets.extend(transmitted(&mut from));

        let mut events = receive(&mut to, &octets, &cuts, now);
        let Some(Event::Close(close)) = events.pop() else { panic!("{events:?}") };
        prop_assert_eq!(close.code, Some(CloseCode::NORMAL));
        prop_assert_eq!(events, expected);

        let answer = transmitted(&mut to);
        let events = receive(&mut from, &answer, &cuts, now);
        prop_assert!(matches!(events[..], [Event::Close(_)]));
        prop_assert!(from.is_closed() && to.is_closed());
    }
}
