//! Invalid requests: a live server resets their streams, no handler sees them, and the next request
//! on the same connection is served.

use std::sync::mpsc;

use h2_sync::server::{Request, Response};
use h2_sync::{ErrorCode, StreamId};

use crate::bad_fields::{self, Field, case};
use crate::memory::bounded;
use crate::support::wire::{self, END, END_HEADERS, END_STREAM, and, block, post};
use crate::support::{LONG, Peer};
use crate::victim::{BoxError, Victim, get, hello, request};

/// The number of cases per connection, which stays within the budget of resets.
const CASES: usize = 200;

/// A connection with a request whose handler waits for the rest of its body.
struct Shared {
    peer: Peer,
    held: StreamId,
}

fn handle(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    if request.path() == "/held" {
        let body = std::io::read_to_string(request)?;
        return Ok(response.send(body)?);
    }
    hello(request, response)
}

impl Shared {
    fn new(victim: &Victim) -> Self {
        let mut peer = victim.peer();
        let held = peer.open(&request("POST", "/held"), false);
        peer.send_data(held, "he", false);
        Shared { peer, held }
    }

    /// Completes the first request.
    fn end(mut self) {
        self.peer.send_data(self.held, "ld", true);
        assert_eq!(self.peer.response(self.held), (200, b"held".to_vec()));
    }
}

/// Each of these field blocks is a request that must be reset.
fn refused(blocks: impl IntoIterator<Item = Vec<u8>>) {
    let blocks: Vec<_> = blocks.into_iter().collect();
    bounded(move || {
        let victim = Victim::new(handle);
        let mut good = 0;
        for blocks in blocks.chunks(CASES) {
            let mut shared = Shared::new(&victim);
            for block in blocks {
                case(String::from_utf8_lossy(block));
                let stream_id = shared.peer.take_id();
                shared.peer.write(wire::headers(stream_id.get(), END, block));
                shared.peer.expect_reset(stream_id, ErrorCode::ProtocolError);
                assert_eq!(shared.peer.fetch(&get("/")), (200, b"hello".to_vec()));
                good += 1;
            }
            shared.end();
            good += 1;
        }
        victim.comes_to_rest();
        assert_eq!(victim.begun(), good);
    });
}

/// Each of these fields makes a request malformed.
fn refused_fields(fields: Vec<Field>) {
    refused(fields.into_iter().map(|field| and(wire::get(), &[field])));
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "test");
const PATH: (&str, &str) = (":path", "/");

/// GET `http://test/` with additional fields.
fn with(more: &[(&'static str, &'static str)]) -> Vec<u8> {
    block(&[&[METHOD, SCHEME, AUTHORITY, PATH], more].concat())
}

fn authority(value: &'static str) -> Vec<u8> {
    block(&[METHOD, SCHEME, (":authority", value), PATH])
}

#[test]
fn a_repeated_host_is_reset() {
    refused([
        with(&[("host", "test"), ("host", "test")]),
        with(&[("host", "test"), ("host", "other")]),
        block(&[METHOD, SCHEME, PATH, ("host", "test"), ("host", "other")]),
        block(&[METHOD, SCHEME, PATH, ("host", "test"), ("a", "b"), ("host", "test")]),
    ]);
}

#[test]
fn a_host_that_is_not_the_authority_is_reset() {
    refused([
        with(&[("host", "other")]),
        with(&[("host", "test:443")]),
        with(&[("host", "test:99999")]),
        with(&[("host", "test:port")]),
        with(&[("host", "test.")]),
        with(&[("host", "")]),
    ]);
}

#[test]
fn userinfo_in_authority_or_host_is_reset() {
    refused([
        authority("user@test"),
        authority("user:password@test"),
        authority("test@"),
        authority("@test"),
        block(&[METHOD, SCHEME, PATH, ("host", "user@test")]),
        block(&[METHOD, ("scheme", "https"), PATH, ("host", "user:password@test")]),
    ]);
}

#[test]
fn several_authorities_are_reset() {
    refused(["", "te st", "test/path", "test?query", "test#x", "a,b", "te\\st"].map(authority));
}

#[test]
fn a_name_in_upper_case_is_reset() {
    refused_fields(bad_fields::upper_case());
}

#[test]
fn a_name_with_a_colon_is_reset() {
    refused_fields(bad_fields::colons());
}

#[test]
fn a_name_with_cr_lf_nul_or_white_space_is_reset() {
    refused_fields(bad_fields::octets_in_names());
}

#[test]
fn a_value_with_cr_lf_or_nul_is_reset() {
    refused_fields(bad_fields::octets_in_values());
}

#[test]
fn a_value_with_white_space_at_an_end_is_reset() {
    refused_fields(bad_fields::white_space());
}

#[test]
fn a_pseudo_field_with_cr_lf_nul_or_white_space_is_reset() {
    let fields = [METHOD, SCHEME, AUTHORITY, PATH];
    let mut blocks = Vec::new();
    for at in 0..fields.len() {
        for bad in ["\r", "\n", "\0", " ", "\t", "\r\nother: field"] {
            let (name, value) = fields[at];
            for value in
                [format!("{value}{bad}x"), format!("{value}{bad}"), format!("{bad}{value}")]
            {
                let mut fields: Vec<_> =
                    fields.iter().map(|&(name, value)| (name, value.to_owned())).collect();
                fields[at] = (name, value);
                blocks.push(block(&fields));
            }
        }
    }
    refused(blocks);
}

#[test]
fn a_pseudo_field_in_upper_case_unknown_or_of_another_message_is_reset() {
    refused(
        [":Path", ":PATH", ":unknown", ":", ":path:", "::path", ":status", ":protocol"]
            .map(|name| with(&[(name, "200")])),
    );
}

#[test]
fn a_missing_or_repeated_pseudo_field_is_reset() {
    let all = [METHOD, SCHEME, AUTHORITY, PATH];
    let mut blocks = vec![
        block::<&str, &str>(&[]),
        block(&[SCHEME, AUTHORITY, PATH]),
        block(&[METHOD, AUTHORITY, PATH]),
        block(&[METHOD, SCHEME, AUTHORITY]),
    ];
    blocks.extend(all.map(|again| with(&[again])));
    refused(blocks);
}

#[test]
fn a_pseudo_field_after_a_regular_one_is_reset() {
    refused([
        block(&[METHOD, SCHEME, AUTHORITY, ("a", "b"), PATH]),
        block(&[("a", "b"), METHOD, SCHEME, AUTHORITY, PATH]),
    ]);
}

#[test]
fn a_path_that_does_not_begin_with_a_slash_is_reset() {
    let path = |value| block(&[METHOD, SCHEME, AUTHORITY, (":path", value)]);
    refused(["", "index", "*", "http://other/", "/a b", "/a#b"].map(path));
}

#[test]
fn an_invalid_method_or_scheme_is_reset() {
    let method = |value| block(&[(":method", value), SCHEME, AUTHORITY, PATH]);
    let scheme = |value| block(&[METHOD, (":scheme", value), AUTHORITY, PATH]);
    refused(
        ["", "G ET", "GET / HTTP/1.1", "GET:"]
            .map(method)
            .into_iter()
            .chain(["", "ht tp", "http://other/?", "1http"].map(scheme)),
    );
}

#[test]
fn connect_with_more_or_less_than_host_and_port_is_reset() {
    let connect = (":method", "CONNECT");
    refused([
        block(&[connect]),
        block(&[connect, AUTHORITY]),
        block(&[connect, (":authority", ":443")]),
        block(&[connect, (":authority", "user@test:443")]),
        block(&[connect, (":authority", "test:443"), PATH]),
        block(&[connect, (":authority", "test:443"), SCHEME]),
        // RFC 8441, Section 3: only if the server supports it.
        block(&[connect, (":protocol", "websocket"), SCHEME, (":authority", "test"), PATH]),
    ]);
}

#[test]
fn connection_specific_fields_are_reset() {
    refused_fields(bad_fields::connection_specific());
}

#[test]
fn te_with_trailers_is_accepted() {
    bounded(|| {
        let victim = Victim::hello();
        let fields = get("/").with("te", "trailers");
        assert_eq!(victim.peer().fetch(&fields), (200, b"hello".to_vec()));
    });
}

/// A server whose handlers report the result of reading the body, including trailers.
fn reading() -> (Victim, mpsc::Receiver<Result<String, BoxError>>) {
    let (say, said) = mpsc::channel();
    let say = std::sync::Mutex::new(say);
    let victim = Victim::new(move |request, response| {
        let body = std::io::read_to_string(&mut *request).map_err(BoxError::from);
        let body = body.and_then(|body| Ok((body, request.trailers()?).0));
        let answer = body.as_ref().is_ok_and(|body| body == "hello");
        say.lock().unwrap().send(body)?;
        response.set_status(if answer { 200 } else { 400 })?;
        hello(request, response)
    });
    (victim, said)
}

/// A request with a valid header section and an invalid rest: its stream must be reset, and the
/// handler must never see it as complete.
fn refused_behind<B: AsRef<[u8]> + Send + 'static>(
    cases: impl IntoIterator<Item = (Vec<(&'static str, &'static str)>, B)>,
    frames: impl Fn(u32, &[u8]) -> Vec<u8> + Send + 'static,
) {
    let cases: Vec<_> = cases.into_iter().collect();
    bounded(move || {
        let (victim, said) = reading();
        for cases in cases.chunks(CASES) {
            let mut peer = victim.peer();
            for (fields, behind) in cases {
                let behind = behind.as_ref();
                case((fields, String::from_utf8_lossy(behind)));
                let stream_id = peer.take_id();
                let id = stream_id.get();
                peer.write(wire::headers(id, END_HEADERS, and(post(), fields)));
                peer.write(frames(id, behind));
                peer.expect_reset(stream_id, ErrorCode::ProtocolError);
                let next = peer.open(&request("POST", "/"), false);
                peer.send_data(next, "hello", true);
                assert_eq!(peer.response(next), (200, b"hello".to_vec()));
            }
        }
        victim.comes_to_rest();
        // If it arrived at once, no handler has seen any of it; otherwise a handler has seen it
        // fail.
        let whole: Vec<_> = said.try_iter().flatten().collect();
        assert!(whole.iter().all(|body| body == "hello"), "{whole:?}");
        assert_eq!(whole.len(), cases.len());
    });
}

#[test]
fn trailers_with_a_bad_field_are_reset() {
    let cases = bad_fields::all().map(|field| (vec![], block(&[field])));
    refused_behind(cases, |id, block| {
        [wire::data(id, 0, "body"), wire::headers(id, END, block)].concat()
    });
}

#[test]
fn trailers_with_a_pseudo_field_are_reset() {
    let names = [":method", ":path", ":authority", ":status", ":unknown", ":"];
    refused_behind(names.map(|name| (vec![], block(&[(name, "200")]))), |id, block| {
        [wire::data(id, 0, "body"), wire::headers(id, END, block)].concat()
    });
}

#[test]
fn trailers_that_do_not_end_the_stream_are_reset() {
    refused_behind([(vec![], block(&[("a", "b")]))], |id, block| {
        [wire::data(id, 0, "body"), wire::headers(id, END_HEADERS, block)].concat()
    });
}

#[test]
fn a_body_that_is_not_its_content_length_is_reset() {
    let cases = [("5", ""), ("5", "four"), ("5", "sixsix"), ("0", "x"), ("4294967297", "x")];
    let cases = cases.map(|(length, body)| (vec![("content-length", length)], body));
    refused_behind(cases, |id, body| wire::data(id, END_STREAM, body));
}

#[test]
fn a_body_over_its_content_length_is_reset_before_its_end() {
    let cases = [("5", "sixsix"), ("0", "x")];
    let cases = cases.map(|(length, body)| (vec![("content-length", length)], body));
    refused_behind(cases, |id, body| wire::data(id, 0, body));
}

#[test]
fn a_body_that_trailers_end_short_of_its_content_length_is_reset() {
    refused_behind([(vec![("content-length", "5")], "four")], |id, body| {
        [wire::data(id, 0, body), wire::headers(id, END, block(&[("a", "b")]))].concat()
    });
}

#[test]
fn a_content_length_without_a_body_is_reset() {
    refused([and(post(), &[("content-length", "5")]), with(&[("content-length", "1")])]);
}

#[test]
fn content_lengths_that_differ_are_reset() {
    refused([
        with(&[("content-length", "0"), ("content-length", "1")]),
        with(&[("content-length", "0"), ("content-length", "0"), ("content-length", "5")]),
    ]);
}

#[test]
fn equal_content_lengths_are_accepted() {
    bounded(|| {
        let (victim, said) = reading();
        let mut peer = victim.peer();
        let lengths = [("content-length", "5"), ("content-length", "5")];
        let stream_id = peer.take_id();
        peer.write(wire::headers(stream_id.get(), END_HEADERS, and(post(), &lengths)));
        peer.send_data(stream_id, "hello", true);
        assert_eq!(peer.response(stream_id), (200, b"hello".to_vec()));
        assert_eq!(said.recv_timeout(LONG).unwrap().unwrap(), "hello");
    });
}

#[test]
fn a_content_length_that_is_not_a_number_is_reset() {
    refused(
        [
            "",
            "+0",
            "-0",
            "0x0",
            "0,0",
            "0, 0",
            "0 0",
            "zero",
            "0.0",
            "18446744073709551616",
            "\u{ff10}",
        ]
        .map(|value| with(&[("content-length", value)])),
    );
}
