//! What comes in HTTP/1.1 before HTTP/2 (RFC 7540, Section 3.2).

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use h2_sync::proto::{Config, Event, Role};
use h2_sync::transport::{Closer, Halves, Pair};
use h2_sync::upgrade::{Detected, Options, Outcome, Upgraded, detect, request_upgrade};
use h2_sync::{Error, ErrorKind, Headers, HeadersKind};
use http::Request;

use super::cores::{events, exchange, start};
use super::input::Input;

/// Any octets as the first that a client sends.
///
/// - The result does not depend on how reads cut them.
/// - Nothing is lost: what is handed on begins where what was used has ended.
/// - What is refused gets one answer at most, and that is complete.
/// - What upgrades is a request that our own client could send, and becomes stream 1.
pub fn upgrade_request(data: &[u8]) {
    let mut input = Input::new(data);
    let step = 1 + input.below(40);
    let octets = input.rest();
    let whole = serve(octets, usize::MAX);
    assert_eq!(whole, serve(octets, step));
    if let Serve::Upgraded { request, body, settings, rest } = whole {
        assert!(octets.ends_with(&rest));
        check_stream_1(&request, body, &settings);
    }
}

#[derive(Debug, PartialEq)]
enum Serve {
    PriorKnowledge,
    Http1,
    Upgraded {
        request: Headers,
        body: Vec<u8>,
        settings: Vec<Event>,
        rest: Vec<u8>,
    },
    /// Neither HTTP/2 nor HTTP/1.1.
    Neither,
    /// With this status, if there was an answer.
    Refused(Option<String>, ErrorKind),
}

fn serve(octets: &[u8], step: usize) -> Serve {
    let (stream, written) = stream(octets, step);
    let mut options = Options::default();
    // Smaller, for inputs that are short.
    (options.max_head_size, options.max_fields, options.max_body_size) = (600, 12, 100);
    match detect(stream, &options) {
        Ok(Detected::PriorKnowledge(stream)) => {
            assert!(octets.starts_with(b"PRI ") && rest(stream) == octets);
            Serve::PriorKnowledge
        }
        Ok(Detected::Http1(request)) => {
            let stream = request.into_stream().expect("it needs nothing of the transport");
            // RFC 9112, Section 2.2: an empty line before a request is ignored.
            let request = octets.strip_prefix(b"\r\n").unwrap_or(octets);
            assert_eq!(rest(stream), request);
            assert_eq!(written.take(), b"");
            Serve::Http1
        }
        Ok(Detected::Upgrade(request)) => match request.accept() {
            Ok(Upgraded { stream, opening }) => {
                let answer = written.take();
                let text = String::from_utf8(answer).expect("it is ASCII");
                let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
                assert!(text.starts_with("HTTP/1.1 101 ") && text.ends_with("\r\n\r\n"));
                let now = Instant::now();
                let mut core = start(Role::Server, &Config::default(), now);
                let (request, body) = (opening.request().clone(), opening.body().to_vec());
                opening.apply(&mut core, now).expect("it has been checked");
                Serve::Upgraded { request, body, settings: events(&mut core), rest: rest(stream) }
            }
            Err(error) => refused(&written, &error),
        },
        Err(error) => refused(&written, &error),
    }
}

fn refused(written: &Written, error: &Error) -> Serve {
    let answer = written.take();
    // SETTINGS without entries, and GOAWAY with PROTOCOL_ERROR.
    if let Some(goaway) = answer.strip_prefix(&[0, 0, 0, 4, 0, 0, 0, 0, 0]) {
        assert_eq!((goaway[3], &goaway[13..17]), (7, &[0, 0, 0, 1][..]));
        return Serve::Neither;
    }
    let answer = String::from_utf8(answer).expect("it is UTF-8");
    let answer = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer);
    if answer.is_empty() {
        return Serve::Refused(None, error.kind());
    }
    let (head, body) = answer.split_once("\r\n\r\n").expect("the head has an end");
    let mut lines = head.lines();
    let status = lines.next().expect("there is a status line");
    assert!(status.starts_with("HTTP/1.1 4") || status.starts_with("HTTP/1.1 5"), "{status}");
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("there is a length").parse().expect("it is a number");
    assert!(body.is_empty() || body.len() == length);
    Serve::Refused(Some(status.to_owned()), error.kind())
}

/// The events of stream 1, and the same request from our own client.
fn check_stream_1(request: &Headers, body: Vec<u8>, told: &[Event]) {
    let is_settings = |event: &Event| matches!(event, Event::SettingsChanged { .. });
    assert!(is_settings(&told[0]), "{told:?}");
    let kind = HeadersKind::Request;
    let (headers, stream_id) = (request.clone(), h2_sync::StreamId::from_wire(1));
    let end_stream = body.is_empty();
    assert_eq!(told[1], Event::Headers { stream_id, headers, kind, end_stream });
    if !end_stream {
        assert_eq!(told[2], Event::Data { stream_id, data: body.clone().into(), end_stream: true });
    }
    let now = Instant::now();
    let mut client = start(Role::Client, &Config::default(), now);
    let mut server = start(Role::Server, &Config::default(), now);
    let id = client.open(request, end_stream, now).expect("it is valid in HTTP/2");
    if !end_stream {
        client.send_data(id, body.into(), true, now).expect("it has the length announced");
    }
    exchange(&mut client, &mut server, now);
    let seen = events(&mut server).into_iter().find_map(|event| match event {
        Event::Headers { headers, .. } => Some(headers),
        _ => None,
    });
    assert_eq!(fields(&seen.expect("it has come")), fields(request));
}

/// Without the marks of being sensitive, which our encoder sets by itself.
fn fields(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().map(|field| (field.name, field.value)).collect()
}

/// Any octets as the answer to a client that asks for HTTP/2.
///
/// - The result does not depend on how reads cut them.
/// - Nothing is lost: what is handed on begins where the head of the answer has ended.
pub fn upgrade_response(data: &[u8]) {
    let mut input = Input::new(data);
    let step = 1 + input.below(40);
    let octets = input.rest();
    assert_eq!(ask(octets, usize::MAX), ask(octets, step));
}

#[derive(Debug, PartialEq)]
enum Ask {
    Upgraded(Vec<u8>),
    Declined(u16, http::HeaderMap, Vec<u8>),
    Refused(ErrorKind),
}

fn ask(octets: &[u8], step: usize) -> Ask {
    let (stream, written) = stream(octets, step);
    let mut options = Options::default();
    (options.max_head_size, options.max_fields) = (600, 12);
    let request = Request::get("http://example.com/").body(()).expect("it is valid");
    let outcome = request_upgrade(stream, &request, &Config::default(), &options);
    assert!(written.take().ends_with(b"\r\n\r\n"));
    match outcome {
        Ok(Outcome::Upgraded(Upgraded { stream, .. })) => {
            let rest = rest(stream);
            assert!(octets.ends_with(&rest));
            Ask::Upgraded(rest)
        }
        Ok(Outcome::Declined(declined)) => {
            let (head, ()) = declined.head.into_parts();
            let rest = rest(declined.stream);
            assert!(octets.ends_with(&rest) && !head.status.is_informational());
            Ask::Declined(head.status.as_u16(), head.headers, rest)
        }
        Err(error) => Ask::Refused(error.kind()),
    }
}

fn stream(octets: &[u8], step: usize) -> (Pair<Pieces, Written>, Written) {
    let written = Written::default();
    let pieces = Pieces { rest: octets.to_vec().into(), step };
    (Pair::with_closer(pieces, written.clone(), Closer::none()), written)
}

fn rest<R: Read, W>(mut stream: Halves<R, W>) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.reader.read_to_end(&mut rest).expect("it is in memory");
    rest
}

/// A peer that says something in pieces of a size.
struct Pieces {
    rest: std::collections::VecDeque<u8>,
    step: usize,
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.step.min(buf.len());
        self.rest.read(&mut buf[..len])
    }
}

/// What has been written to the peer.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("no thread panicked with the lock"))
    }
}

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no thread panicked with the lock").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
