//! Whole connections that begin in HTTP/1.1.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use h2_sync::frame::{Frame, PREFACE, Settings};
use h2_sync::transport::{Duplex, Transport, duplex};
use h2_sync::upgrade::{Options, Outcome, Upgraded, request_upgrade};
use h2_sync::{Act, Config, Error, ErrorKind, Evt, HeadersKind, Session, StreamId, headers};
use http::Request;

use crate::support::wish;

/// A generous timeout for slow machines.
const LONG: Duration = Duration::from_secs(100);

const BODY: &[u8] = &[b'x'; 300_000];

fn take<T>(session: &Session, mut wanted: impl FnMut(Evt) -> Option<T>) -> T {
    loop {
        let evt = session.take_evt_timeout(LONG).expect("it comes");
        if let Some(found) = wanted(evt) {
            return found;
        }
    }
}

/// Answers each request with the length of its body and a long body, until the client closes.
fn serve<T: Transport>(stream: T) -> Result<(), Error> {
    let session = Session::accept_h2c(stream, Config::default(), &Options::default())?;
    let mut octets = 0;
    while let Ok(evt) = session.take_evt_timeout(LONG) {
        let (stream_identifier, is_end) = match evt {
            Evt::RecvHeaders { stream_identifier, is_end_stream, headers, .. } => {
                assert_eq!(headers.scheme(), Some("http"));
                (stream_identifier, is_end_stream)
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                octets += data.len();
                (stream_identifier, is_end_stream)
            }
            Evt::Closed { .. } => return Ok(()),
            _ => continue,
        };
        if is_end {
            let headers = headers!(":status" => "200", "octets" => octets.to_string());
            session.put_acts(&mut vec![
                Act::SendHeaders { stream_identifier, headers, is_end_stream: false },
                Act::SendData { stream_identifier, data: BODY.into(), is_end_stream: true },
            ])?;
        }
    }
    panic!("no event within the timeout");
}

fn body_of(session: &Session, stream: StreamId) -> usize {
    let mut octets = 0;
    take(session, |evt| match evt {
        Evt::RecvData { stream_identifier, data, is_end_stream } => {
            assert_eq!(stream_identifier, stream);
            octets += data.len();
            is_end_stream.then_some(octets)
        }
        Evt::Closed { reason } => panic!("{reason:?}"),
        _ => None,
    })
}

/// The client upgrades, gets its response, and continues.
fn upgrade_and_go_on<T: Transport + Send + 'static>(near: T, far: T) {
    let server = thread::spawn(move || serve(far));
    let (config, options) = (Config::default(), Options::default());
    let request = Request::get("http://test/").body(()).unwrap();
    let outcome = request_upgrade(near, &request, &config, &options).unwrap();
    let Outcome::Upgraded(Upgraded { stream, opening }) = outcome else { panic!("{outcome:?}") };
    let client = Session::with_opening(stream, config, opening).unwrap();
    assert_eq!(body_of(&client, StreamId::new(1).unwrap()), BODY.len());

    let headers = headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    let next = client.open(&headers, true).unwrap();
    assert_eq!(next.get(), 3);
    assert_eq!(body_of(&client, next), BODY.len());
    client.close();
    server.join().unwrap().unwrap();
}

#[test]
fn an_upgrade_in_memory() {
    for capacity in [100, 256 << 10] {
        let (near, far) = duplex(capacity);
        upgrade_and_go_on(near, far);
    }
}

#[test]
fn an_upgrade_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    upgrade_and_go_on(near, listener.accept().unwrap().0);
}

#[test]
fn prior_knowledge_is_served_as_well() {
    let (near, far) = duplex(1 << 10);
    let server = thread::spawn(move || serve(far));
    let client = h2_sync::new_connection(near, true, false).unwrap();
    let headers = headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    let stream = client.open(&headers, true).unwrap();
    assert_eq!(body_of(&client, stream), BODY.len());
    client.close();
    server.join().unwrap().unwrap();
}

#[test]
fn the_response_to_head_has_no_body() {
    let (near, far) = duplex(1 << 10);
    let server = thread::spawn(move || {
        let session = Session::accept_h2c(far, Config::default(), &Options::default()).unwrap();
        let headers = headers!(":status" => "200", "content-length" => "5");
        take(&session, |evt| match evt {
            Evt::RecvHeaders { stream_identifier, headers: request, is_end_stream, .. } => {
                assert_eq!((request.method(), is_end_stream), (Some("HEAD"), true));
                let headers = headers.clone();
                let act = Act::SendHeaders { stream_identifier, headers, is_end_stream: true };
                session.put_act(act).unwrap();
                None
            }
            Evt::Closed { .. } => Some(()),
            _ => None,
        });
    });
    let (config, options) = (Config::default(), Options::default());
    let request = Request::head("http://test/").body(()).unwrap();
    let outcome = request_upgrade(near, &request, &config, &options).unwrap();
    let Outcome::Upgraded(Upgraded { stream, opening }) = outcome else { panic!("{outcome:?}") };
    let client = Session::with_opening(stream, config, opening).unwrap();
    let (kind, is_end) = take(&client, |evt| match evt {
        Evt::RecvHeaders { kind, is_end_stream, .. } => Some((kind, is_end_stream)),
        Evt::Closed { reason } => panic!("{reason:?}"),
        _ => None,
    });
    assert_eq!((kind, is_end), (HeadersKind::Response, true));
    client.close();
    server.join().unwrap();
}

/// Sends this request, then a preface and SETTINGS, possibly before the 101. Returns the length of
/// the body as received by the server.
fn octets_by_hand(request: &str, is_early: bool) -> String {
    let (mut near, far) = duplex(256 << 10);
    let server = thread::spawn(move || serve(far));
    let mut hello = PREFACE.to_vec();
    Settings::default().encode(&mut hello);
    near.write_all(request.as_bytes()).unwrap();
    if is_early {
        near.write_all(&hello).unwrap();
    }
    let switching =
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";
    let mut answer = vec![0; switching.len()];
    near.read_exact(&mut answer).unwrap();
    assert_eq!(answer, switching);
    if !is_early {
        near.write_all(&hello).unwrap();
    }
    let octets = read_octets(&mut near);
    drop(near);
    server.join().unwrap().unwrap();
    octets
}

/// Reads the field `octets` of the first response.
fn read_octets(near: &mut Duplex) -> String {
    let mut decoder = h2_sync::hpack::Decoder::new(h2_sync::hpack::Limits::default());
    let (mut input, mut piece, mut is_first) = (BytesMut::new(), [0; 1_000], true);
    loop {
        while let Some(frame) = Frame::decode(&mut input, 1 << 14).unwrap() {
            // RFC 7540, Section 3.2: the server begins with SETTINGS.
            let is_settings = matches!(&frame, Frame::Settings(settings) if !settings.ack);
            assert!(!std::mem::take(&mut is_first) || is_settings, "{frame}");
            if let Frame::Headers(frame) = frame {
                assert_eq!(frame.stream_id.get(), 1);
                let fields = decoder.decode(&frame.fragment, true).unwrap().unwrap().headers;
                return fields.get("octets").unwrap().to_owned();
            }
        }
        let len = near.read(&mut piece).unwrap();
        assert!(len > 0, "the server has gone");
        input.extend_from_slice(&piece[..len]);
    }
}

#[test]
fn a_body_becomes_data_of_stream_1() {
    for is_early in [false, true] {
        let request = wish("content-length: 5\r\n", "hello");
        assert_eq!(octets_by_hand(&request, is_early), "5");
        let chunks = "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let request = wish("transfer-encoding: chunked\r\n", chunks);
        assert_eq!(octets_by_hand(&request, is_early), "5");
        assert_eq!(octets_by_hand(&wish("", ""), is_early), "0");
    }
}

#[test]
fn an_http1_client_is_refused_and_reported_as_an_error() {
    let (mut near, far) = duplex(1 << 10);
    let server = thread::spawn(move || serve(far).unwrap_err());
    near.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    drop(near);
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Peer);
}

#[test]
fn the_unread_body_of_a_refused_request_does_not_destroy_the_response() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = listener.accept().unwrap().0;
    let server = thread::spawn(move || serve(far).unwrap_err());
    near.write_all(b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n").unwrap();
    near.write_all(&BODY[..100_000]).unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    drop(near);
    server.join().unwrap();
}
