//! Both ends of HTTP/1.1 over octets that come in pieces, and what they see.

use bytes::{Buf, BytesMut};
use h2_sync::http1::{BodySize, ClientConnection, Config, Error, Received, ServerConnection};
use http::{HeaderMap, Method, StatusCode, Uri, Version};

/// One thing that one end has seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Request(Method, Uri, Version, HeaderMap),
    Response(StatusCode, Version, HeaderMap),
    /// All the content up to the next thing.
    Content(Vec<u8>),
    Trailers(HeaderMap),
    /// The message is complete.
    End,
    /// The connection carries something else, which begins with these octets.
    Tunnel(Vec<u8>),
    Refused(Error),
    /// The connection is over, with these octets left untouched.
    Closed(Vec<u8>),
}

/// What one end sees of a stream of octets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    pub seen: Vec<Seen>,
    /// How many octets had been taken at the end of each message.
    pub ends: Vec<usize>,
}

impl Log {
    /// How many messages came to their end.
    pub fn messages(&self) -> usize {
        self.ends.len()
    }

    /// Why the last message was refused.
    pub fn refusal(&self) -> Option<&Error> {
        match self.seen.last() {
            Some(Seen::Refused(error)) => Some(error),
            _ => None,
        }
    }

    /// The content of all messages together.
    pub fn content(&self) -> Vec<u8> {
        let contents = self.seen.iter().filter_map(|seen| match seen {
            Seen::Content(content) => Some(&content[..]),
            _ => None,
        });
        contents.collect::<Vec<_>>().concat()
    }

    fn add_content(&mut self, octets: &[u8]) {
        match self.seen.last_mut() {
            Some(Seen::Content(content)) => content.extend_from_slice(octets),
            _ => self.seen.push(Seen::Content(octets.to_vec())),
        }
    }
}

/// Octets that come `step` at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    step: usize,
    input: BytesMut,
}

impl Pieces<'_> {
    fn new(rest: &[u8], step: usize) -> Pieces<'_> {
        Pieces { rest, step: step.max(1), input: BytesMut::new() }
    }

    /// Reads once; `false` at the end.
    fn read(&mut self) -> bool {
        let (piece, rest) = self.rest.split_at(self.step.min(self.rest.len()));
        self.input.extend_from_slice(piece);
        self.rest = rest;
        !piece.is_empty()
    }

    fn left(&self) -> Vec<u8> {
        [&self.input[..], self.rest].concat()
    }
}

/// A server that answers each request with an empty 200 once it has read it.
pub fn serve(config: &Config, octets: &[u8], step: usize) -> Log {
    let mut connection = ServerConnection::new(config.clone());
    let mut pieces = Pieces::new(octets, step);
    let mut log = Log::default();
    let end = serve_all(&mut connection, &mut pieces, &mut log, octets.len());
    if let Seen::Refused(error) = &end {
        check_refusal(&mut connection, error, &mut pieces.input);
    }
    log.seen.push(end);
    log
}

fn serve_all(
    connection: &mut ServerConnection,
    pieces: &mut Pieces<'_>,
    log: &mut Log,
    total: usize,
) -> Seen {
    let ok = StatusCode::OK;
    loop {
        let request = loop {
            assert!(connection.is_idle(), "it waits for a request");
            match connection.receive_request(&mut pieces.input) {
                Ok(Some(request)) => break request,
                Ok(None) if pieces.read() => {}
                Ok(None) => match connection.end_of_input(&pieces.input) {
                    Ok(()) => return Seen::Closed(pieces.left()),
                    Err(error) => return Seen::Refused(error),
                },
                Err(error) => return Seen::Refused(error),
            }
        };
        let (head, ()) = request.into_parts();
        log.seen.push(Seen::Request(head.method, head.uri, head.version, head.headers));
        loop {
            match connection.receive_body(&mut pieces.input) {
                Ok(Received::Content(len)) if !pieces.input.is_empty() => {
                    take(len, pieces, log, |input| connection.take_content(input).to_vec());
                }
                Ok(Received::Content(_) | Received::NeedMore) => {
                    if !pieces.read() {
                        match connection.end_of_input(&pieces.input) {
                            Ok(()) => panic!("a request does not end with the connection"),
                            Err(error) => return Seen::Refused(error),
                        }
                    }
                }
                Ok(Received::Trailers(trailers)) => log.seen.push(Seen::Trailers(trailers)),
                Ok(Received::End) => break,
                Err(error) => return Seen::Refused(error),
            }
        }
        log.seen.push(Seen::End);
        log.ends.push(total - pieces.left().len());
        let mut out = Vec::new();
        let size = BodySize::Known(0);
        connection.send_response(ok, &HeaderMap::new(), size, &mut out).expect("it is asked for");
        if connection.is_tunnel() {
            return Seen::Tunnel(pieces.left());
        }
        connection.finish(None, &mut out).expect("all has been sent");
        if connection.is_closed() {
            return Seen::Closed(pieces.left());
        }
    }
}

/// What is refused can be answered, once, and nothing is taken after it.
fn check_refusal(connection: &mut ServerConnection, error: &Error, input: &mut BytesMut) {
    let before = input.len();
    assert_eq!(connection.receive_request(input).expect_err("it has failed"), *error);
    assert_eq!(connection.receive_body(input).expect_err("it has failed"), *error);
    assert_eq!(input.len(), before);
    let status = error.status().expect("a request has an answer");
    let mut out = Vec::new();
    let (fields, size) = (HeaderMap::new(), BodySize::Known(0));
    connection.send_response(status, &fields, size, &mut out).expect("it has not been answered");
    connection.finish(None, &mut out).expect("all has been sent");
    let text = String::from_utf8(out).expect("it is ASCII");
    assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
    assert!(connection.is_closed());
}

/// A client that sends requests with these methods, each once it has read the response before.
pub fn fetch(config: &Config, methods: &[Method], octets: &[u8], step: usize) -> Log {
    let mut connection = ClientConnection::new(config.clone());
    let mut pieces = Pieces::new(octets, step);
    let mut log = Log::default();
    for method in methods {
        send(&mut connection, method);
        let end = fetch_one(&mut connection, &mut pieces, &mut log, octets.len());
        if let Some(end) = end.unwrap_or_else(|error| Some(Seen::Refused(error))) {
            log.seen.push(end);
            return log;
        }
        if connection.is_closed() {
            log.seen.push(Seen::Closed(pieces.left()));
            return log;
        }
    }
    // Nothing more is asked for: what comes now is not an answer.
    let end = loop {
        match connection.receive_response(&mut pieces.input) {
            Ok(Some(_)) => panic!("a response that answers no request"),
            Ok(None) if pieces.read() => {}
            Ok(None) => break Seen::Closed(pieces.left()),
            Err(error) => break Seen::Refused(error),
        }
    };
    log.seen.push(end);
    log
}

fn send(connection: &mut ClientConnection, method: &Method) {
    assert!(connection.is_idle());
    let mut fields = HeaderMap::new();
    let target = if *method == Method::CONNECT { "a:443" } else { "http://a/" };
    if *method == Method::OPTIONS {
        fields.insert("upgrade", "x".parse().expect("it is valid"));
    }
    let uri = Uri::from_static(target);
    let (size, mut out) = (BodySize::Known(0), Vec::new());
    connection.send_request(method, &uri, &fields, size, &mut out).expect("it is valid");
    connection.finish(None, &mut out).expect("all has been sent");
    assert!(!connection.is_idle());
}

/// Receives one response. What ends the connection, where it is not a refusal, is returned.
fn fetch_one(
    connection: &mut ClientConnection,
    pieces: &mut Pieces<'_>,
    log: &mut Log,
    total: usize,
) -> Result<Option<Seen>, Error> {
    loop {
        match connection.receive_response(&mut pieces.input)? {
            Some(response) => {
                let (head, ()) = response.into_parts();
                let is_interim = head.status.is_informational();
                log.seen.push(Seen::Response(head.status, head.version, head.headers));
                if connection.is_tunnel() {
                    log.ends.push(total - pieces.left().len());
                    return Ok(Some(Seen::Tunnel(pieces.left())));
                }
                if !is_interim {
                    break;
                }
            }
            None if pieces.read() => {}
            None => {
                return Err(connection.end_of_input(&pieces.input).expect_err("one is due"));
            }
        }
    }
    loop {
        match connection.receive_body(&mut pieces.input)? {
            Received::Content(len) if !pieces.input.is_empty() => {
                take(len, pieces, log, |input| connection.take_content(input).to_vec());
            }
            Received::Content(_) | Received::NeedMore => {
                if !pieces.read() {
                    connection.end_of_input(&pieces.input)?;
                }
            }
            Received::Trailers(trailers) => log.seen.push(Seen::Trailers(trailers)),
            Received::End => break,
        }
    }
    log.seen.push(Seen::End);
    log.ends.push(total - pieces.left().len());
    Ok(None)
}

/// Takes content, and checks that it is the front of the input and no more than announced.
fn take(
    len: u64,
    pieces: &mut Pieces<'_>,
    log: &mut Log,
    take: impl FnOnce(&mut BytesMut) -> Vec<u8>,
) {
    let mut before = pieces.input.clone();
    let content = take(&mut pieces.input);
    assert!(!content.is_empty() && content.len() as u64 <= len);
    assert!(before.starts_with(&content));
    before.advance(content.len());
    assert_eq!(before, pieces.input);
    log.add_content(&content);
}
