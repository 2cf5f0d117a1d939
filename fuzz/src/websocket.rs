//! WebSocket at both ends.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use h2_sync::ws::{
    Compression, Config, Connection, DeflateParams, Error, Event, Message, Role, accepted, answer,
    offer,
};

use super::input::Input;

/// Any octets as what a client sends.
///
/// - The result does not depend on how the octets come.
/// - No message is over the limit, and no more is held than has come, or the limit.
/// - One Close frame goes out at most, behind all else, and the same error comes ever after.
pub fn websocket_server(data: &[u8]) {
    check(Role::Server, data);
}

/// The same for what a server sends.
pub fn websocket_client(data: &[u8]) {
    check(Role::Client, data);
}

/// Limits and options.
struct Setup {
    role: Role,
    config: Config,
    deflate: Option<DeflateParams>,
}

impl Setup {
    fn read(role: Role, input: &mut Input<'_>) -> Self {
        let mut config = Config::default();
        config.max_message = 1 << 16;
        if input.flag() {
            config.max_message = 1 + usize::from(input.u16()) % 5_000;
            config.max_frame = 1 + usize::from(input.u16()) % 5_000;
        }
        let mut ours = Compression::default();
        let choice = input.octet();
        ours.receive_context_takeover = choice & 2 != 0;
        ours.receive_window_bits = 9 + (choice >> 2) % 7;
        let mut theirs = Compression::default();
        (theirs.send_context_takeover, theirs.receive_context_takeover) = (true, true);
        let deflate = (choice & 1 != 0).then(|| match role {
            Role::Server => answer([&*offer(&theirs)], &ours).expect("an answer").0,
            Role::Client => {
                let (_, value) = answer([&*offer(&ours)], &theirs).expect("an answer");
                accepted([&*value], Some(&ours)).expect("valid").expect("compression")
            }
        });
        Setup { role, config, deflate }
    }
}

/// What a connection has made of the octets.
#[derive(Debug, PartialEq)]
struct Log {
    events: Vec<Event>,
    error: Option<Error>,
    sent: Vec<u8>,
}

fn check(role: Role, data: &[u8]) {
    let mut input = Input::new(data);
    let setup = Setup::read(role, &mut input);
    let step = 1 + input.below(40);
    let octets = input.rest();
    let whole = run(&setup, octets, usize::MAX);
    assert_eq!(run(&setup, octets, step), whole);
    for event in &whole.events {
        if let Event::Message(message) = event {
            assert!(message.len() <= setup.config.max_message);
            if setup.deflate.is_none() {
                assert!(message.len() <= octets.len());
            }
        }
    }
}

fn run(setup: &Setup, octets: &[u8], step: usize) -> Log {
    let now = Instant::now();
    let Setup { role, config, deflate } = setup;
    let mut core = Connection::new(*role, deflate.clone(), config.clone(), now);
    let mut log = Log { events: Vec::new(), error: None, sent: Vec::new() };
    for piece in octets.chunks(step.min(octets.len().max(1))) {
        let mut piece = Bytes::copy_from_slice(piece);
        while log.error.is_none() {
            match core.receive(&mut piece, now) {
                Ok(Some(event)) => {
                    // Else the answers to PINGs depend on when they are asked for.
                    transmit(&mut core, &mut log.sent);
                    log.events.push(event);
                }
                Ok(None) => {
                    assert!(piece.is_empty());
                    break;
                }
                Err(error) => log.error = Some(error),
            }
        }
    }
    transmit(&mut core, &mut log.sent);
    finish(&mut core, &log, now);
    mask_off(*role, &mut log.sent);
    log
}

/// What holds at the end.
fn finish(core: &mut Connection, log: &Log, now: Instant) {
    let late = now + Duration::from_secs(3_600);
    let is_closed = matches!(log.events.last(), Some(Event::Close(_)));
    let closes = log.events.iter().filter(|event| matches!(event, Event::Close(_))).count();
    assert_eq!(closes, usize::from(is_closed));
    match &log.error {
        Some(error) => {
            let mut more = Bytes::from_static(b"\x81\0");
            assert_eq!(core.receive(&mut more, now).as_ref(), Err(error));
            assert_eq!(core.end_of_input().as_ref(), Err(error));
            assert_eq!(core.handle_timeout(late).as_ref(), Err(error));
            assert!(core.send(&Message::from("more")).is_err());
        }
        None if is_closed => {
            assert!(core.is_closed() && core.end_of_input().is_ok());
            assert!(core.send(&Message::from("more")).is_err());
        }
        None => {
            assert!(core.send(&Message::from("more")).is_ok());
            assert!(core.end_of_input().is_err());
        }
    }
    assert_eq!(core.poll_timeout(), None);
}

fn transmit(core: &mut Connection, sent: &mut Vec<u8>) {
    let mut out = BytesMut::new();
    while let Some(shared) = core.poll_transmit(&mut out, usize::MAX) {
        out.extend_from_slice(&shared);
    }
    sent.extend_from_slice(&out);
    assert!(!core.has_transmit());
}

/// Control frames have short heads; masks differ from run to run.
fn mask_off(role: Role, sent: &mut Vec<u8>) {
    let (mut plain, mut rest) = (Vec::new(), &sent[..]);
    let mut has_closed = false;
    while let [first, second, behind @ ..] = rest {
        assert!(!has_closed, "a Close frame is the last one");
        has_closed = *first == 0x88;
        assert!(has_closed || *first == 0x8a, "nothing else is sent");
        assert_eq!(second & 0x80 != 0, role == Role::Client);
        let (key, behind) = behind.split_at(if role == Role::Client { 4 } else { 0 });
        let (payload, behind) = behind.split_at(usize::from(second & 0x7f));
        let key = if key.is_empty() { &[0; 4] } else { key };
        plain.extend([*first, second & 0x7f]);
        plain.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
        if has_closed && payload.len() >= 2 {
            let code = u16::from_be_bytes([
                plain[plain.len() - payload.len()],
                plain[plain.len() - payload.len() + 1],
            ]);
            assert!(!matches!(code, 1004..=1006 | 1015), "{code} never goes out");
        }
        rest = behind;
    }
    assert!(rest.is_empty());
    *sent = plain;
}
