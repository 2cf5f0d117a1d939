//! Connections that start as HTTP/1.1 (RFC 7540, Sections 3.2 and 3.2.1): the server's side, and
//! what both sides reject.

use bytes::Bytes;

use super::super::{CommandError, Config, Event, HeadersKind, Malformed, ResetBy, Role};
use super::{Peer, get, id, post, status};
use crate::frame::{ErrorCode, Frame, PREFACE, RstStream, Setting, Settings};
use crate::hpack::Headers;

/// Returns a server that has received only the upgrade request.
fn server() -> Peer {
    Peer::before_handshake(Role::Server, Config::default())
}

pub(super) fn client() -> Peer {
    Peer::before_handshake(Role::Client, Config::default())
}

pub(super) fn payload(entries: Vec<Setting>) -> Vec<u8> {
    let mut payload = Vec::new();
    Settings { ack: false, entries }.encode_payload(&mut payload);
    payload
}

fn accept(
    peer: &mut Peer,
    request: &Headers,
    body: &'static str,
    settings: &[u8],
) -> Result<(), CommandError> {
    peer.ask(|core, now| core.accept_upgrade(request, body.into(), settings, now))
}

pub(super) fn start(peer: &mut Peer, request: &Headers) -> Result<u32, CommandError> {
    peer.order.open(id(1));
    peer.ask(|core, now| core.start_upgraded(request, now)).map(|id| id.get())
}

/// Sends the peer's preface and SETTINGS, which follow an upgrade as well.
pub(super) fn greet(peer: &mut Peer, role: Role) {
    if role == Role::Client {
        peer.send_octets(PREFACE);
    }
    peer.send_settings(Vec::new());
    peer.send(Settings::acknowledgement());
    peer.result.clone().unwrap();
}

fn with_length(length: &str) -> Headers {
    post().with("content-length", length)
}

#[test]
fn the_request_is_stream_1_and_has_ended() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    let settings = Event::SettingsChanged { settings: Vec::new() };
    let kind = HeadersKind::Request;
    let request = Event::Headers { stream_id: id(1), headers: get(), kind, end_stream: true };
    assert_eq!(peer.events(), [settings, request]);
    assert_eq!(peer.core().stats().streams_open, 1);
}

#[test]
fn the_servers_settings_are_sent_first_and_nothing_is_acknowledged() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &payload(vec![Setting::MaxFrameSize(20_000)])).unwrap();
    peer.ask(|core, now| core.send_headers(id(1), &status(204), true, now)).unwrap();
    let sent = peer.sent();
    let is_settings = |sent: &super::Sent| matches!(sent, super::Sent::Frame(Frame::Settings(_)));
    assert!(is_settings(&sent[0]));
    assert_eq!(sent.iter().filter(|sent| is_settings(sent)).count(), 1);
    assert!(matches!(sent.last(), Some(super::Sent::Headers { end_stream: true, .. })));
}

#[test]
fn the_settings_of_the_request_are_in_force_at_once() {
    let mut peer = server();
    let entries = vec![Setting::InitialWindowSize(3), Setting::MaxHeaderListSize(100)];
    accept(&mut peer, &get(), "", &payload(entries)).unwrap();
    peer.sent();
    assert_eq!(peer.core().remote_settings().max_header_list_size, Some(100));
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "hello".into(), true, now)).unwrap();
    peer.expect_headers(1, false);
    peer.expect_data(1, b"hel", false);
    peer.expect_nothing();
}

#[test]
fn the_client_still_sends_its_preface_and_its_settings_are_acknowledged() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    peer.sent();
    peer.send_octets(PREFACE);
    peer.send_settings(vec![Setting::InitialWindowSize(7)]);
    peer.expect(Settings::acknowledgement());
    assert_eq!(peer.core().remote_settings().initial_window_size, 7);
    peer.send_headers(3, &get(), true);
    peer.expect_alive();
}

#[test]
fn other_input_instead_of_the_preface_ends_the_connection() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    peer.send_octets(b"GET / HTTP/1.1\r\n\r\n");
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_limit_of_streams_in_the_request_survives_settings_without_it() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &payload(vec![Setting::MaxConcurrentStreams(0)])).unwrap();
    greet(&mut peer, Role::Client);
    assert_eq!(peer.core().remote_settings().max_concurrent_streams, 0);
}

#[test]
fn a_body_is_reported_as_data_and_can_be_released_once() {
    let mut peer = server();
    accept(&mut peer, &with_length("5"), "hello", &[]).unwrap();
    let events = peer.events();
    assert!(matches!(events[1], Event::Headers { end_stream: false, .. }));
    let data = Event::Data { stream_id: id(1), data: "hello".into(), end_stream: true };
    assert_eq!(events[2..], [data]);
    peer.sent();
    let release = |peer: &mut Peer, octets| peer.ask(|core, now| core.release(id(1), octets, now));
    assert_eq!(release(&mut peer, 6), Err(CommandError::ReleasedTooMuch(id(1))));
    assert_eq!(release(&mut peer, 2), Ok(()));
    greet(&mut peer, Role::Client);
    assert_eq!(release(&mut peer, 3), Ok(()));
    assert_eq!(release(&mut peer, 1), Err(CommandError::ReleasedTooMuch(id(1))));
}

#[test]
fn a_body_beyond_the_window_is_accepted_and_uses_no_connection_window() {
    let mut peer = server();
    let body = Bytes::from(vec![b'x'; 100_000]);
    let window = peer.core().stats().receive_window;
    peer.ask(|core, now| core.accept_upgrade(&post(), body.clone(), &[], now)).unwrap();
    assert_eq!(peer.core().stats().receive_window, window);
    greet(&mut peer, Role::Client);
    peer.sent();
    peer.ask(|core, now| core.release(id(1), 100_000, now)).unwrap();
    // The peer has ended the stream, so it needs no window update.
    peer.expect_nothing();
}

#[test]
fn a_request_is_checked_like_any_other() {
    for (request, body, error) in [
        (get().with("connection", "upgrade"), "", Malformed::ConnectionSpecific("connection")),
        (get().with("Upper", "x"), "", Malformed::Name("Upper".to_owned())),
        (crate::headers!(":method" => "GET"), "", Malformed::MissingPseudo(":scheme")),
        (status(200), "", Malformed::UnexpectedPseudo(":status".to_owned())),
    ] {
        let mut peer = server();
        assert_eq!(accept(&mut peer, &request, body, &[]), Err(error.into()));
        assert_eq!(peer.events(), []);
    }
}

#[test]
fn an_ended_request_cannot_open_a_tunnel() {
    let connect = crate::headers!(":method" => "CONNECT", ":authority" => "a.example:80");
    let error = Err(CommandError::Malformed(Malformed::InvalidPseudo(":method")));
    assert_eq!(accept(&mut server(), &connect, "", &[]), error);
    assert_eq!(start(&mut client(), &connect), error.map(|()| 1));
}

#[test]
fn a_body_has_the_length_that_was_announced() {
    for (length, body) in [("5", ""), ("0", "x"), ("4", "hello"), ("6", "hello")] {
        let result = accept(&mut server(), &with_length(length), body, &[]);
        assert_eq!(result, Err(CommandError::ContentLength(id(1))), "{length} {body:?}");
    }
}

#[test]
fn settings_invalid_in_a_frame_are_rejected() {
    let entry = |id: u8, value: u32| [&[0, id][..], &value.to_be_bytes()].concat();
    for payload in [
        vec![0; 5],
        entry(2, 2),
        entry(4, 0x8000_0000),
        entry(5, 1),
        [entry(8, 1), entry(8, 0)].concat(),
        entry(9, 0).repeat(33),
    ] {
        let result = accept(&mut server(), &get(), "", &payload);
        assert!(matches!(result, Err(CommandError::InvalidSetting(_))), "{result:?}");
    }
}

#[test]
fn a_rejected_request_leaves_the_connection_unchanged() {
    let mut peer = server();
    accept(&mut peer, &with_length("1"), "", &[0; 6]).unwrap_err();
    assert_eq!(accept(&mut peer, &get(), "", &[]), Ok(()));
    greet(&mut peer, Role::Client);
    peer.expect_alive();
}

#[test]
fn an_upgrade_comes_first_on_a_connection_and_only_once() {
    let late = Err(CommandError::AlreadyStarted);
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    assert_eq!(accept(&mut peer, &get(), "", &[]), late);
    let mut peer = server();
    peer.send_octets(&PREFACE[..1]);
    assert_eq!(accept(&mut peer, &get(), "", &[]), late);
    assert_eq!(accept(&mut Peer::of_server(Config::default()), &get(), "", &[]), late);

    let late = Err(CommandError::AlreadyStarted);
    let mut peer = client();
    start(&mut peer, &get()).unwrap();
    assert_eq!(start(&mut peer, &get()), late);
    let mut peer = client();
    peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    assert_eq!(start(&mut peer, &get()), late);
    assert_eq!(start(&mut Peer::of_client(Config::default()), &get()), late);
}

#[test]
fn each_side_has_its_own_command() {
    assert_eq!(accept(&mut client(), &get(), "", &[]), Err(CommandError::ServerOnly));
    assert_eq!(start(&mut server(), &get()), Err(CommandError::ClientOnly));
}

#[test]
fn a_request_over_the_limit_is_answered_with_431() {
    let config = Config { max_header_list_size: 1_024, ..Config::default() };
    let mut peer = Peer::before_handshake(Role::Server, config);
    accept(&mut peer, &get().with("x", "x".repeat(1_024)), "body", &[]).unwrap();
    assert!(!peer.events().iter().any(|event| matches!(event, Event::Headers { .. })));
    let sent = peer.sent();
    let [.., super::Sent::Headers { fields, .. }, reset] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(fields.status(), Some(431));
    let error_code = ErrorCode::NoError;
    let frame = RstStream { stream_id: id(1), error_code };
    assert_eq!(*reset, super::Sent::Frame(frame.into()));
}

#[test]
fn the_peer_may_reset_stream_1_and_so_may_the_server() {
    let mut peer = server();
    accept(&mut peer, &post(), "body", &[]).unwrap();
    greet(&mut peer, Role::Client);
    peer.events();
    peer.send_reset(1, ErrorCode::Cancel);
    let by = ResetBy::Peer;
    let code = ErrorCode::Cancel;
    let reset = Event::Reset { stream_id: id(1), code, by, retry_safe: false, detail: None };
    let closed = Event::StreamClosed { stream_id: id(1), held_slot: false };
    assert_eq!(peer.events(), [reset, closed]);

    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    peer.sent();
    peer.ask(|core, now| core.reset(id(1), ErrorCode::RefusedStream, now)).unwrap();
    peer.expect_reset(1, ErrorCode::RefusedStream);
}

#[test]
fn frames_from_the_client_on_stream_1_are_too_late() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    greet(&mut peer, Role::Client);
    peer.sent();
    peer.send_data(1, b"more", true);
    peer.expect_reset(1, ErrorCode::StreamClosed);

    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    greet(&mut peer, Role::Client);
    peer.sent();
    peer.send_headers(1, &get(), true);
    peer.expect_reset(1, ErrorCode::StreamClosed);
}

#[test]
fn stream_1_counts_against_the_limit_of_streams() {
    let config = Config { max_concurrent_streams: 1, ..Config::default() };
    let mut peer = Peer::before_handshake(Role::Server, config);
    accept(&mut peer, &get(), "", &[]).unwrap();
    greet(&mut peer, Role::Client);
    peer.sent();
    peer.send_headers(3, &get(), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.send_headers(5, &get(), true);
    peer.expect_alive();
}

#[test]
fn goaway_names_stream_1_as_processed() {
    let mut peer = server();
    accept(&mut peer, &get(), "", &[]).unwrap();
    peer.sent();
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, Bytes::new())).unwrap();
    let sent = peer.sent();
    let [super::Sent::Frame(Frame::Goaway(goaway))] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(goaway.last_stream_id, id(1));
}

#[test]
fn invalid_settings_are_detected_before_there_is_a_connection() {
    let entries = |n| payload(vec![Setting::InitialWindowSize(1); n]);
    let check = |settings: &[u8]| crate::proto::Connection::check_upgrade(&get(), None, settings);
    assert_eq!(check(&entries(32)), Ok(()));
    assert_eq!(accept(&mut server(), &get(), "", &entries(32)), Ok(()));
    assert!(matches!(check(&entries(33)), Err(CommandError::InvalidSetting(_))));
    // Half an entry.
    assert!(matches!(check(&[0, 4, 0]), Err(CommandError::InvalidSetting(_))));
}
