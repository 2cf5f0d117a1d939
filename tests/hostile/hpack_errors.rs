//! Field blocks that cannot be decoded. Each is a connection error COMPRESSION_ERROR (RFC 9113,
//! Section 4.3), at a live server and a live client, since the dynamic table can no longer be used.

use std::thread;

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::{Error, ErrorCode, ErrorKind};

use crate::bad_fields::case;
use crate::memory::bounded;
use crate::support::wire::{self, END, END_HEADERS, END_STREAM, and, indexed_literal, ok};
use crate::support::{Peer, listener};
use crate::victim::{Victim, get, hello};

/// Octets after `GET http://test/` or the status 200.
type Behind = &'static [u8];

fn client(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    change(&mut config);
    Client::with_config(config).unwrap()
}

/// Each of these must end the connection, both at the start of a block and after valid fields,
/// while other connections continue.
fn ends<const N: usize>(blocks: [Behind; N]) {
    bounded(move || {
        let victim = Victim::hello();
        let mut neighbour = victim.peer();
        for bad in blocks {
            case(bad);
            at_server(&victim, bad);
            at_server(&victim, &[&wire::get(), bad].concat());
            assert_eq!(neighbour.fetch(&get("/")), (200, b"hello".to_vec()));
            at_client(bad);
            at_client(&[&ok(), bad].concat());
        }
        // Only handlers of the neighbour's requests have run.
        assert_eq!(victim.begun(), N);
    });
}

/// Blocks that would be valid without the preceding fields.
fn ends_at_the_start<const N: usize>(blocks: [Behind; N]) {
    bounded(move || {
        let victim = Victim::hello();
        for bad in blocks {
            case(bad);
            at_server(&victim, &[bad, &wire::get()].concat());
            at_client(&[bad, &ok()].concat());
        }
        assert_eq!(victim.begun(), 0);
    });
}

fn at_server(victim: &Victim, block: &[u8]) {
    let mut peer = victim.peer();
    peer.write(wire::headers(1, END, block));
    peer.expect_goaway(ErrorCode::CompressionError);
}

fn at_client(block: &[u8]) {
    let client = client(|_| {});
    let error = answered(&client, |peer, stream_id| {
        peer.write(wire::headers(stream_id, END, block));
        peer.expect_goaway(ErrorCode::CompressionError);
    });
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Peer, Some(ErrorCode::CompressionError)));
    // The next request gets a new connection.
    let good = answered(&client, |peer, id| assert!(peer.write(wire::headers(id, END, ok()))));
    assert_eq!(good.unwrap(), "");
}

/// Returns the client's result if the server answers its request like this.
fn answered(client: &Client, answer: impl FnOnce(&mut Peer, u32)) -> Result<String, Error> {
    let (listener, url) = listener();
    thread::scope(|scope| {
        let asks = scope.spawn(move || client.get(&*url).send()?.text());
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        answer(&mut peer, stream_id.get());
        asks.join().unwrap()
    })
}

// RFC 7541, Section 5.2.

#[test]
fn huffman_padding_of_more_than_7_bits() {
    // "a" is 00011; then three bits of padding and eight more.
    ends([
        &[0x00, 0x01, b'a', 0x82, 0x1f, 0xff],
        &[0x00, 0x01, b'a', 0x81, 0xff],
        &[0x00, 0x82, 0x1f, 0xff, 0x01, b'v'],
        &[0x40, 0x82, 0x1f, 0xff, 0x01, b'v'],
        &[0x00, 0x01, b'a', 0x83, 0x1f, 0xff, 0xff],
    ]);
}

#[test]
fn huffman_padding_that_is_not_the_start_of_eos() {
    ends([&[0x00, 0x01, b'a', 0x81, 0x18], &[0x00, 0x81, 0x18, 0x01, b'v']]);
}

#[test]
fn eos_inside_of_a_string() {
    ends([
        &[0x00, 0x01, b'a', 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, b'v'],
        // "a", EOS, "a".
        &[0x00, 0x01, b'a', 0x85, 0x1f, 0xff, 0xff, 0xff, 0xe1],
    ]);
}

#[test]
fn a_string_longer_than_its_block() {
    ends([
        &[0x00, 0x01, b'a', 0x05, b'v'],
        &[0x00, 0x01, b'a'],
        &[0x40, 0x02, b'a'],
        &[0x00, 0x01, b'a', 0x85, 0x1f],
        &[0x10, 0x7f, 0xff, 0x7f, b'a'],
    ]);
}

// RFC 7541, Section 2.3.3.

#[test]
fn index_0() {
    ends([&[0x80]]);
}

#[test]
fn an_index_past_the_table() {
    ends([&[0xbe], &[0xff, 0x00], &[0xff, 0xff, 0x7f]]);
}

#[test]
fn the_index_of_a_name_past_the_table() {
    ends([
        &[0x7e, 0x01, b'v'],
        &[0x7f, 0x20, 0x01, b'v'],
        &[0x0f, 0x40, 0x01, b'v'],
        &[0x1f, 0x40, 0x01, b'v'],
    ]);
}

#[test]
fn the_index_of_an_entry_that_was_evicted() {
    bounded(|| {
        let victim = Victim::hello();
        let mut peer = victim.peer();
        let add = indexed_literal("a", "b");
        peer.write(wire::headers(1, END, [wire::get(), add].concat()));
        peer.write(wire::headers(3, END, [wire::get(), vec![0xbe]].concat()));
        assert_eq!(peer.response(3_u32.try_into().unwrap()), (200, b"hello".to_vec()));
        // A table of no octets, then of 4,096 again.
        let empty = vec![0x20, 0x3f, 0xe1, 0x1f];
        peer.write(wire::headers(5, END, [empty, wire::get(), vec![0xbe]].concat()));
        peer.expect_goaway(ErrorCode::CompressionError);
    });
}

// RFC 7541, Section 5.1.

#[test]
fn an_integer_that_overflows() {
    ends([
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        // 2^32 and 2^64, to which a small index may be added.
        &[0xff, 0x80, 0x80, 0x80, 0x80, 0x10],
        &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
        // In the length of a name and of a value.
        &[0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0x00, 0x01, b'a', 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0x00, 0x01, b'a', 0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
    ]);
}

#[test]
fn an_integer_of_zeros_without_end() {
    ends([&[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]]);
}

#[test]
fn an_integer_truncated_by_its_block() {
    ends([&[0xff], &[0xff, 0x80], &[0x40, 0x7f], &[0x00, 0x01, b'a', 0x7f, 0x80]]);
}

// RFC 7541, Sections 4.2 and 6.3.

#[test]
fn a_table_size_update_over_the_limit() {
    // 4,097, and 2^32 - 1.
    ends_at_the_start([&[0x3f, 0xe2, 0x1f], &[0x3f, 0xe0, 0xff, 0xff, 0xff, 0x0f]]);
}

#[test]
fn a_table_size_update_that_overflows() {
    ends_at_the_start([&[0x3f, 0xff, 0xff, 0xff, 0xff, 0x7f]]);
}

#[test]
fn a_table_size_update_in_the_wrong_place() {
    bounded(|| {
        let victim = Victim::hello();
        for update in [&[0x20][..], &[0x3f, 0xe1, 0x1f]] {
            case(update);
            at_server(&victim, &[&wire::get(), update].concat());
            at_server(&victim, &[&[0x82], update, &wire::get()[1..]].concat());
            at_client(&[&ok(), update].concat());
            at_client(&[&ok(), update, &indexed_literal("a", "b")].concat());
        }
        assert_eq!(victim.begun(), 0);
    });
}

#[test]
fn more_table_size_updates_than_two() {
    ends_at_the_start([&[0x20, 0x20, 0x20], &[0x20, 0x3f, 0xe1, 0x1f, 0x20]]);
}

/// The limit of the table in octets.
const SMALL: u32 = 1_024;
const UPDATE: Behind = &[0x3f, 0xe1, 0x07];
const ONE_TOO_MANY: Behind = &[0x3f, 0xe2, 0x07];

#[test]
fn a_table_size_update_that_is_missing_after_a_decrease_at_the_server() {
    bounded(|| {
        let victim = Victim::with(|config| config.http2.header_table_size = SMALL, hello);
        let connect = || {
            let mut peer = victim.peer();
            // The acknowledgement of the server's SETTINGS precedes the first PING.
            peer.synchronize();
            peer.synchronize();
            peer
        };
        let mut peer = connect();
        peer.write(wire::headers(1, END, wire::get()));
        peer.expect_goaway(ErrorCode::CompressionError);
        let mut peer = connect();
        peer.write(wire::headers(1, END, [ONE_TOO_MANY, &wire::get()].concat()));
        peer.expect_goaway(ErrorCode::CompressionError);
        assert_eq!(victim.begun(), 0);

        let mut peer = connect();
        peer.write(wire::headers(1, END, [UPDATE, &wire::get()].concat()));
        assert_eq!(peer.response(1_u32.try_into().unwrap()).0, 200);
    });
}

#[test]
fn no_table_size_update_is_required_before_the_decrease_is_acknowledged() {
    bounded(|| {
        let victim = Victim::with(|config| config.http2.header_table_size = SMALL, hello);
        let mut peer = Peer::connect_silent(victim.address());
        peer.acknowledges = false;
        peer.write(h2_sync::frame::PREFACE);
        peer.write(wire::settings(&[]));
        peer.write(wire::headers(1, END, wire::get()));
        assert_eq!(peer.response(1_u32.try_into().unwrap()).0, 200);
        peer.write(wire::settings_ack());
        peer.write(wire::headers(3, END, wire::get()));
        peer.expect_goaway(ErrorCode::CompressionError);
    });
}

#[test]
fn a_table_size_update_that_is_missing_after_a_decrease_at_the_client() {
    bounded(|| {
        // When it answers, the peer has acknowledged the client's SETTINGS.
        for (block, is_good) in [
            (ok(), false),
            ([ONE_TOO_MANY, &ok()].concat(), false),
            ([UPDATE, &ok()].concat(), true),
        ] {
            let client = client(|config| config.http2.header_table_size = SMALL);
            let result = answered(&client, |peer, stream_id| {
                peer.write(wire::headers(stream_id, END, &block));
                if !is_good {
                    peer.expect_goaway(ErrorCode::CompressionError);
                }
            });
            let code = result.as_ref().err().and_then(Error::code);
            assert_eq!(code, (!is_good).then_some(ErrorCode::CompressionError), "{result:?}");
        }
    });
}

// RFC 9113, Section 4.3: for blocks in all kinds of messages.

/// Index 0.
const BAD: Behind = &[0x80];

#[test]
fn in_trailers() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            std::io::read_to_string(request)?;
            Ok(response.send("complete")?)
        });
        let mut peer = victim.peer();
        peer.write(wire::headers(1, END_HEADERS, wire::post()));
        peer.write(wire::data(1, 0, "body"));
        peer.write(wire::headers(1, END, BAD));
        peer.expect_goaway(ErrorCode::CompressionError);
        assert_eq!(peer.seen.data, 0);

        let error = answered(&client(|_| {}), |peer, id| {
            peer.write(wire::headers(id, END_HEADERS, ok()));
            peer.write(wire::data(id, 0, "body"));
            peer.write(wire::headers(id, END, BAD));
            peer.expect_goaway(ErrorCode::CompressionError);
        });
        assert_eq!(error.unwrap_err().code(), Some(ErrorCode::CompressionError));
    });
}

#[test]
fn in_an_interim_response() {
    bounded(|| {
        let error = answered(&client(|_| {}), |peer, id| {
            peer.write(wire::headers(id, END_HEADERS, and(wire::status("103"), &[("a", "b")])));
            let bad = [&wire::status("103"), BAD].concat();
            peer.write(wire::headers(id, END_HEADERS, bad));
            peer.expect_goaway(ErrorCode::CompressionError);
        });
        assert_eq!(error.unwrap_err().code(), Some(ErrorCode::CompressionError));
    });
}

#[test]
fn in_continuation_and_across_frames() {
    bounded(|| {
        let victim = Victim::hello();
        for (first, second) in [(&[][..], BAD), (BAD, &[]), (&[0xff], &[0xff, 0x7f])] {
            let mut peer = victim.peer();
            peer.write(wire::headers(1, END_STREAM, first));
            peer.write(wire::continuation(1, END_HEADERS, second));
            peer.expect_goaway(ErrorCode::CompressionError);
        }
        assert_eq!(victim.begun(), 0);
    });
}

/// The table must stay in sync, so these blocks are decoded as well.
#[test]
fn on_streams_that_are_refused_or_were_reset() {
    bounded(|| {
        let victim = Victim::with(
            |config| config.http2.max_concurrent_streams = 1,
            |request, _| {
                std::io::read_to_string(request)?;
                Ok(())
            },
        );
        // Reset by the peer.
        let mut peer = victim.peer();
        peer.write(wire::headers(1, END_HEADERS, wire::post()));
        peer.write(wire::rst_stream(1, 0x8));
        peer.write(wire::headers(1, END, BAD));
        peer.expect_goaway(ErrorCode::CompressionError);
        // Reset by the server.
        let mut peer = victim.peer();
        peer.write(wire::headers(1, END_HEADERS, and(wire::post(), &[("Bad", "")])));
        peer.expect_reset(1_u32.try_into().unwrap(), ErrorCode::ProtocolError);
        peer.write(wire::headers(1, END, BAD));
        peer.expect_goaway(ErrorCode::CompressionError);
        // A stream over the limit.
        let mut peer = victim.peer();
        peer.write(wire::headers(1, END_HEADERS, wire::post()));
        peer.write(wire::headers(3, END, wire::get()));
        peer.expect_reset(3_u32.try_into().unwrap(), ErrorCode::RefusedStream);
        peer.write(wire::headers(5, END, BAD));
        peer.expect_goaway(ErrorCode::CompressionError);
    });
}

// RFC 7541, Section 6.2.3: never-indexed fields stay so, over every hop.

/// A never-indexed literal: `secret: value`.
fn never_indexed() -> Vec<u8> {
    b"\x10\x06secret\x05value".to_vec()
}

/// A handler forwards the fields it received: the mark is on the field, on the `http` value, and on
/// the wire again.
#[test]
fn the_mark_of_a_field_that_is_never_indexed_survives_at_the_server() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let marks =
                request.fields().iter().map(|field| (field.name == b"secret", field.sensitive));
            assert!(marks.clone().all(|(is_it, mark)| is_it == mark));
            assert_eq!(marks.filter(|(is_it, _)| *is_it).count(), 1);
            let value = request.headers()["secret"].clone();
            assert!(value.is_sensitive());
            response.set_header("secret", value)?;
            Ok(())
        });
        let mut peer = victim.peer();
        for id in [1, 3] {
            peer.write(wire::headers(id, END, [wire::get(), never_indexed()].concat()));
            let (_, fields) = peer.receive_headers();
            assert_eq!(fields.get(":status"), Some("200"));
            for field in &fields {
                assert_eq!(field.sensitive, field.name == b"secret", "{field:?}");
            }
        }
    });
}

#[test]
fn the_mark_of_a_field_that_is_never_indexed_survives_at_the_client() {
    bounded(|| {
        let (listener, url) = listener();
        let asks = thread::spawn(move || {
            let client = client(|_| {});
            let value = client.get(&*url).send().unwrap().headers()["secret"].clone();
            assert!(value.is_sensitive());
            client.get(&*url).header("secret", value).send().map(drop)
        });
        let mut peer = Peer::accept(&listener);
        let (first, _) = peer.receive_headers();
        peer.write(wire::headers(first.get(), END, [ok(), never_indexed()].concat()));
        let (second, fields) = peer.receive_headers();
        for field in &fields {
            assert_eq!(field.sensitive, field.name == b"secret", "{field:?}");
        }
        peer.answer(second, 200, "");
        asks.join().unwrap().unwrap();
    });
}
