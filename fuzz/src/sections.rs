//! What makes a field section a valid part of a message (RFC 9113, Section 8).

use std::time::Instant;

use h2_sync::frame::{ErrorCode, Frame, StreamId};
use h2_sync::hpack::Field;
use h2_sync::proto::{CommandError, Config, Connection, Event, Role};
use h2_sync::{Headers, headers};

use super::cores::{RawPeer, events, exchange, feed, frames, request, start, take_output};
use super::fields::read_field;
use super::input::Input;

/// Any fields as any part of a message.
///
/// - What the core agrees to send, another core takes, as it was sent.
/// - What the core refuses to send, another core refuses to take, with PROTOCOL_ERROR.
/// - Nothing passes that an HTTP/1.1 hop would read in another way.
pub fn header_validation(data: &[u8]) {
    let mut input = Input::new(data);
    let control = input.octet();
    let part = *input.pick(&PARTS).unwrap_or(&Part::Request);
    let end_stream = control & 0x01 != 0 || part.is_trailers();
    let method = *input.pick(&["GET", "HEAD", "CONNECT"]).unwrap_or(&"GET");
    let mut config = Config::default();
    config.enable_connect_protocol = control & 0x02 != 0;
    config.enable_push = true;
    let mut fields = Headers::new();
    for _ in 0..input.below(16) {
        let (name, value, _) = read_field(&mut input);
        fields.extend([Field::new(&name, &value)]);
    }

    let case = Case { part, method, end_stream, fields, config, now: Instant::now() };
    let taken = case.receive_raw();
    match case.send() {
        Ok(seen) => {
            check_safe(&case);
            assert_eq!(taken.as_ref(), Ok(&seen));
        }
        Err(CommandError::Malformed(_) | CommandError::ContentLength(_)) => {
            assert_eq!(taken, Err(ErrorCode::ProtocolError), "{case:?}");
        }
        Err(other) => panic!("not a reason to refuse these fields: {other}"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Request,
    RequestTrailers,
    Response,
    ResponseTrailers,
    Promise,
}

const PARTS: [Part; 5] =
    [Part::Request, Part::RequestTrailers, Part::Response, Part::ResponseTrailers, Part::Promise];

impl Part {
    fn is_trailers(self) -> bool {
        matches!(self, Part::RequestTrailers | Part::ResponseTrailers)
    }

    fn receiver(self) -> Role {
        match self {
            Part::Request | Part::RequestTrailers => Role::Server,
            Part::Response | Part::ResponseTrailers | Part::Promise => Role::Client,
        }
    }
}

#[derive(Debug)]
struct Case {
    part: Part,
    /// Of the request that a response is for.
    method: &'static str,
    end_stream: bool,
    fields: Headers,
    config: Config,
    now: Instant,
}

impl Case {
    /// Between two cores. Returns what the receiver says of the fields.
    fn send(&self) -> Result<Event, CommandError> {
        let now = self.now;
        let mut client = start(Role::Client, &self.config, now);
        let mut server = start(Role::Server, &self.config, now);
        exchange(&mut client, &mut server, now);
        let send =
            |core: &mut Connection, id| core.send_headers(id, &self.fields, self.end_stream, now);
        let (fields, end_stream) = (&self.fields, self.end_stream);
        let mut open = |method, end_stream| {
            let id = client.open(&request(method), end_stream, now).expect("a valid request");
            exchange(&mut client, &mut server, now);
            id
        };
        match self.part {
            Part::Request => {
                client.open(fields, end_stream, now)?;
            }
            Part::RequestTrailers => {
                let id = open("POST", false);
                send(&mut client, id)?;
            }
            Part::Response => {
                let id = open(self.method, true);
                send(&mut server, id)?;
            }
            Part::ResponseTrailers => {
                let id = open("GET", true);
                server.send_headers(id, &status_200(), false, now).expect("a valid response");
                send(&mut server, id)?;
            }
            Part::Promise => {
                let id = open("GET", true);
                let promised = server.reserve_stream_id(now).expect("an identifier");
                server.promise(id, promised, fields, now)?;
            }
        }
        exchange(&mut client, &mut server, now);
        let receiver = if self.part.receiver() == Role::Client { client } else { server };
        Ok(self.find(receiver).expect("what was sent has arrived"))
    }

    /// From a peer that checks nothing. Returns what the core says of the fields, or the code of
    /// its RST_STREAM.
    fn receive_raw(&self) -> Result<Event, ErrorCode> {
        let now = self.now;
        let role = self.part.receiver();
        let mut core = start(role, &self.config, now);
        let mut peer = RawPeer::new(match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        });
        feed(&mut core, &peer.take_wire(), now).expect("SETTINGS are valid");
        if role == Role::Client {
            let method = if self.part == Part::Response { self.method } else { "GET" };
            core.open(&request(method), true, now).expect("a valid request");
        }
        let (stream, promised) = (stream(1), stream(2));
        match self.part {
            Part::Request | Part::Response => {}
            Part::RequestTrailers => peer.send_headers(stream, &request("POST"), false),
            Part::ResponseTrailers => peer.send_headers(stream, &status_200(), false),
            Part::Promise => peer.send_promise(stream, promised, &self.fields),
        }
        if self.part != Part::Promise {
            peer.send_headers(stream, &self.fields, self.end_stream);
        }
        feed(&mut core, &peer.take_wire(), now).expect("the connection is in order");
        let resets: Vec<_> = frames(role, &take_output(&mut core, now))
            .into_iter()
            .filter_map(|frame| match frame {
                Frame::RstStream(frame) => Some(frame),
                _ => None,
            })
            .collect();
        match resets[..] {
            [] => Ok(self.find(core).expect("it is taken or refused")),
            [reset] => {
                assert_eq!(
                    reset.stream_id,
                    if self.part == Part::Promise { promised } else { stream }
                );
                assert_eq!(self.find(core), None, "it is taken or refused");
                Err(reset.error_code)
            }
            _ => panic!("one reset will do: {resets:?}"),
        }
    }

    /// What a receiver has to say of the fields in question.
    fn find(&self, mut core: Connection) -> Option<Event> {
        let mut seen = events(&mut core).into_iter().filter(|event| match event {
            Event::Headers { kind, .. } => {
                use h2_sync::HeadersKind::*;
                match self.part {
                    Part::Request => *kind == Request,
                    Part::Response => matches!(kind, Informational | Response),
                    Part::RequestTrailers | Part::ResponseTrailers => *kind == Trailers,
                    Part::Promise => false,
                }
            }
            Event::Promise { .. } => true,
            _ => false,
        });
        let event = seen.next();
        assert_eq!(seen.next(), None, "it comes once");
        if let Some(Event::Headers { headers, .. } | Event::Promise { headers, .. }) = &event {
            // The encoder marks some fields as sensitive.
            // Where content is forbidden, its length is left out (RFC 9110, Section 8.6).
            let others = |fields| pairs(fields).filter(|(name, _)| *name != b"content-length");
            assert!(others(headers).eq(others(&self.fields)), "as it was sent");
        }
        event
    }
}

fn stream(id: u32) -> StreamId {
    StreamId::new(id).expect("in range")
}

fn status_200() -> Headers {
    headers!(":status" => "200")
}

fn pairs(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.iter().map(|field| (field.name, field.value))
}

/// Rules of RFC 9113, Sections 8.2 and 8.3, written down a second time.
fn check_safe(case: &Case) {
    let fields = &case.fields;
    let count = |name: &[u8]| pairs(fields).filter(|&(other, _)| other == name).count();
    let pseudo = pairs(fields).take_while(|(name, _)| name.starts_with(b":")).count();
    for (index, (name, value)) in pairs(fields).enumerate() {
        assert_eq!(name.starts_with(b":"), index < pseudo, "pseudo-header fields come first");
        assert!(!name.is_empty());
        assert!(!name.iter().any(u8::is_ascii_uppercase));
        assert!(name.iter().all(u8::is_ascii_graphic));
        assert!(!name[1..].contains(&b':'));
        assert!(!value.iter().any(|octet| b"\r\n\0".contains(octet)));
        assert_eq!(value, value.trim_ascii());
        if name.starts_with(b":") {
            assert_eq!(count(name), 1, "pseudo-header fields come once");
        }
        let hop_by_hop: [&[u8]; 5] =
            [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
        assert!(!hop_by_hop.contains(&name));
        assert!(name != b"te" || value.eq_ignore_ascii_case(b"trailers"));
        assert!(name != b"content-length" || value.iter().all(u8::is_ascii_digit));
    }
    let lengths: Vec<_> = pairs(fields)
        .filter(|(name, _)| *name == b"content-length")
        .map(|(_, value)| std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok()))
        .collect();
    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]));
    let is = |name: &str, value: &str| fields.get_bytes(name) == Some(value.as_bytes());
    match case.part {
        Part::Request | Part::Promise => {
            assert!(fields.method().is_some_and(|method| !method.is_empty()));
            let is_tunnel = is(":method", "CONNECT") && count(b":protocol") == 0;
            assert_eq!(count(b":path") == 1, !is_tunnel);
            assert_eq!(count(b":scheme") == 1, !is_tunnel);
            let path = fields.get_bytes(":path").unwrap_or_default();
            assert!(!path.iter().any(|octet| octet.is_ascii_whitespace()));
            if is(":scheme", "http") || is(":scheme", "https") {
                assert!(path.starts_with(b"/") || (path == b"*" && is(":method", "OPTIONS")));
            }
            let authority = fields.get_bytes(":authority");
            let host = fields.get_bytes("host");
            assert!(count(b"host") <= 1);
            if let (Some(authority), Some(host)) = (authority, host) {
                let scheme = fields.get_bytes(":scheme");
                assert_eq!(normal(authority, scheme), normal(host, scheme));
            }
            let known = [&b":method"[..], b":scheme", b":authority", b":path", b":protocol"];
            assert_eq!(known.into_iter().map(count).sum::<usize>(), pseudo);
            assert!(count(b":protocol") == 0 || case.config.enable_connect_protocol);
        }
        Part::Response => {
            assert_eq!((pseudo, count(b":status")), (1, 1));
            assert!(fields.status().is_some_and(|status| (100..1000).contains(&status)));
            assert!(!is(":status", "101"));
        }
        Part::RequestTrailers | Part::ResponseTrailers => assert_eq!(pseudo, 0),
    }
}

/// Host and port of an authority as they are compared (RFC 9110, Section 4.2.3): without case,
/// needless percent-encoding, or a port that the scheme has anyway.
fn normal(authority: &[u8], scheme: Option<&[u8]>) -> (String, Option<u16>) {
    let text = String::from_utf8_lossy(authority).to_ascii_lowercase();
    let end = text.rfind(']').unwrap_or(0);
    let colon = text[end..].find(':').map_or(text.len(), |at| end + at);
    let port = text[colon..].strip_prefix(':').and_then(|port| port.parse().ok());
    let default = match scheme.map(<[u8]>::to_ascii_lowercase).as_deref() {
        Some(b"http") => Some(80),
        Some(b"https") => Some(443),
        _ => None,
    };
    let host = &text[..colon];
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = address.and_then(|address| address.parse::<std::net::Ipv6Addr>().ok());
    let mut host = address.map_or_else(|| host.to_owned(), |address| format!("[{address}]"));
    for octet in (b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-._~") {
        host = host.replace(&format!("%{octet:02x}"), &char::from(octet).to_string());
        let upper = octet.to_ascii_uppercase();
        host = host.replace(&format!("%{upper:02x}"), &char::from(octet).to_string());
    }
    (host, port.or(default))
}
