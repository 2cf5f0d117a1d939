//! Invalid responses: a live client resets their streams, its caller gets an error and never a
//! response that looks complete, and other requests on the connection continue.

use std::thread;

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::{Error, ErrorCode, ErrorKind};
use http::Method;

use crate::bad_fields::{self, Field, case};
use crate::memory::bounded;
use crate::support::wire::{self, END, END_HEADERS, END_STREAM, and, block, ok, status};
use crate::support::{Peer, listener};

/// The number of cases per connection, which stays within the budget of resets.
const CASES: usize = 200;

fn client() -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    Client::with_config(config).unwrap()
}

fn ask(client: &Client, method: Method, url: &str) -> Result<Vec<u8>, Error> {
    let mut response = client.request(method, url).send()?;
    let mut body = Vec::new();
    std::io::Read::read_to_end(&mut response, &mut body)?;
    response.trailers()?;
    Ok(body)
}

/// Each of these is a response that must be reset, as the octets of frames for a stream.
fn refused_of<A>(method: Method, answers: impl IntoIterator<Item = A>)
where
    A: Fn(u32) -> Vec<u8> + Send + 'static,
{
    let answers: Vec<_> = answers.into_iter().collect();
    bounded(move || {
        answers.chunks(CASES).for_each(|answers| refused_on_one(&method, answers));
    });
}

/// The same cases over one connection.
fn refused_on_one(method: &Method, answers: &[impl Fn(u32) -> Vec<u8>]) {
    let (listener, url) = listener();
    let client = client();
    thread::scope(|scope| {
        let asks = |method: &Method| {
            let (client, method, url) = (client.clone(), method.clone(), url.clone());
            scope.spawn(move || ask(&client, method, &url))
        };
        let held = asks(&Method::GET);
        let mut peer = Peer::accept(&listener);
        let (held_id, _) = peer.receive_headers();
        for answer in answers {
            let bad = asks(method);
            let (stream_id, _) = peer.receive_headers();
            let octets = answer(stream_id.get());
            case(String::from_utf8_lossy(&octets));
            peer.write(octets);
            peer.expect_reset(stream_id, ErrorCode::ProtocolError);
            let error = bad.join().unwrap().unwrap_err();
            assert!(error.is_reset(), "{error:?}");
            assert_eq!(error.code(), Some(ErrorCode::ProtocolError), "{error:?}");
            // On the same connection, since no other is accepted.
            let good = asks(&Method::GET);
            let (stream_id, _) = peer.receive_headers();
            peer.answer(stream_id, 200, "good");
            assert_eq!(good.join().unwrap().unwrap(), b"good");
        }
        peer.answer(held_id, 200, "held");
        assert_eq!(held.join().unwrap().unwrap(), b"held");
    });
}

fn refused<A>(answers: impl IntoIterator<Item = A>)
where
    A: Fn(u32) -> Vec<u8> + Send + 'static,
{
    refused_of(Method::GET, answers);
}

/// Responses that consist of a field block.
fn refused_blocks(blocks: impl IntoIterator<Item = Vec<u8>>) {
    refused(blocks.into_iter().map(|block| move |id| wire::headers(id, END, &block)));
}

fn refused_fields(fields: Vec<Field>) {
    refused_blocks(fields.into_iter().map(|field| and(ok(), &[field])));
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
fn connection_specific_fields_are_reset() {
    refused_fields(bad_fields::connection_specific());
}

#[test]
fn an_interim_response_with_a_bad_field_is_reset() {
    let fields = bad_fields::octets_in_values().into_iter().chain(bad_fields::white_space());
    let blocks = fields.chain(bad_fields::connection_specific());
    refused(blocks.map(|field| {
        move |id| wire::headers(id, END_HEADERS, and(status("103"), std::slice::from_ref(&field)))
    }));
}

#[test]
fn a_status_that_is_not_three_digits_is_reset() {
    let values =
        ["", "2", "20", "2000", "0200", "099", "000", "2x0", "+20", "200 OK", "200\r\na: b"];
    refused_blocks(values.map(status));
}

#[test]
fn a_status_of_101_is_reset() {
    refused([|id| wire::headers(id, END_HEADERS, status("101"))]);
}

#[test]
fn missing_repeated_unknown_or_misplaced_pseudo_fields_are_reset() {
    let status = (":status", "200");
    refused_blocks([
        block::<&str, &str>(&[]),
        block(&[("a", "b")]),
        block(&[status, status]),
        block(&[("a", "b"), status]),
        block(&[status, (":unknown", "x")]),
        block(&[status, (":path", "/")]),
        block(&[(":Status", "200")]),
    ]);
}

#[test]
fn data_before_the_response_is_reset() {
    refused([
        |id| wire::data(id, 0, "body"),
        |id| wire::data(id, END_STREAM, "body"),
        |id| [wire::headers(id, END_HEADERS, status("103")), wire::data(id, 0, "body")].concat(),
    ]);
}

#[test]
fn an_interim_response_that_ends_the_stream_is_reset() {
    refused([|id| wire::headers(id, END, status("100"))]);
}

/// A response with a valid header section and these trailers.
fn trailers(block: Vec<u8>) -> impl Fn(u32) -> Vec<u8> {
    move |id| {
        let start = [wire::headers(id, END_HEADERS, ok()), wire::data(id, 0, "body")].concat();
        [start, wire::headers(id, END, &block)].concat()
    }
}

#[test]
fn trailers_with_a_bad_field_are_reset() {
    refused(bad_fields::all().map(|field| trailers(block(&[field]))));
}

#[test]
fn trailers_with_a_pseudo_field_are_reset() {
    let names = [":status", ":path", ":unknown", ":"];
    refused(names.map(|name| trailers(block(&[(name, "200")]))));
}

#[test]
fn trailers_that_do_not_end_the_stream_are_reset() {
    refused([|id| {
        let start = [wire::headers(id, END_HEADERS, ok()), wire::data(id, 0, "body")].concat();
        [start, wire::headers(id, END_HEADERS, block(&[("a", "b")]))].concat()
    }]);
}

/// A response with these fields, and DATA with this body that ends the stream.
fn with_body(fields: Vec<u8>, body: &'static str) -> impl Fn(u32) -> Vec<u8> {
    move |id| [wire::headers(id, END_HEADERS, &fields), wire::data(id, END_STREAM, body)].concat()
}

#[test]
fn a_body_that_is_not_its_content_length_is_reset() {
    let cases = [("5", ""), ("5", "four"), ("5", "sixsix"), ("0", "x")];
    refused(cases.map(|(length, body)| with_body(and(ok(), &[("content-length", length)]), body)));
}

#[test]
fn a_content_length_without_a_body_is_reset() {
    refused_blocks([and(ok(), &[("content-length", "5")])]);
}

#[test]
fn invalid_content_lengths_are_reset() {
    let lengths = ["", "+4", "0x4", "4,4", "4, 4", "4 4", "four", "18446744073709551616"];
    let mut answers: Vec<_> =
        lengths.map(|length| with_body(and(ok(), &[("content-length", length)]), "four")).into();
    let twice = [("content-length", "4"), ("content-length", "5")];
    answers.push(with_body(and(ok(), &twice), "four"));
    refused(answers);
}

#[test]
fn a_body_on_204_and_304_is_reset() {
    refused(["204", "304"].map(|code| with_body(status(code), "x")));
}

#[test]
fn a_body_in_response_to_head_is_reset() {
    refused_of(
        Method::HEAD,
        [with_body(ok(), "x"), with_body(and(ok(), &[("content-length", "1")]), "x")],
    );
}

#[test]
fn responses_without_a_body_may_name_its_length() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        for (method, code) in [(Method::HEAD, "200"), (Method::GET, "304")] {
            let asks = {
                let (client, url) = (client.clone(), url.clone());
                thread::spawn(move || ask(&client, method, &url))
            };
            let mut peer = Peer::accept(&listener);
            let (stream_id, _) = peer.receive_headers();
            let fields = and(status(code), &[("content-length", "5")]);
            peer.write(wire::headers(stream_id.get(), END, fields));
            assert_eq!(asks.join().unwrap().unwrap(), b"");
            // The next request uses a new connection.
            client.connections().iter().for_each(h2_sync::client::Connection::close);
        }
    });
}

/// The error must name the fault, to distinguish it from a cancellation.
#[test]
fn the_error_of_the_caller_names_the_stream_and_the_rule() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let asks = thread::spawn(move || ask(&client, Method::GET, &url));
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.write(wire::headers(stream_id.get(), END, status("20")));
        let error = asks.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Reset);
        let text = error.to_string();
        assert!(text.contains("violated the protocol") && text.contains(":status"), "{text}");
        assert!(!error.is_retry_safe());
    });
}
