//! Section 8.2: which fields a message may have.

use h2_sync::proto::CommandError;
use h2_sync::{Act, ErrorCode, headers};

use crate::live::{Live, client, client_with, id, request, server};
use crate::wire::*;

type Field = (Vec<u8>, Vec<u8>);

fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Field {
    (name.as_ref().to_vec(), value.as_ref().to_vec())
}

/// Section 8.2.1: names with each octet that they must not have, in the middle and at both ends.
fn bad_names() -> Vec<Field> {
    let octets = (0x00..=0x20).chain(0x41..=0x5a).chain(0x7f..=0xff).chain([b':']);
    let mut fields: Vec<_> = octets.map(|octet| field([b'a', octet, b'b'], "v")).collect();
    for name in ["", "Upper", "loweR", " a", "a ", "\ta", "a\n", "a:", "a(b", "a,b", "a\"b", "a/b"]
    {
        fields.push(field(name, "v"));
    }
    fields
}

/// Section 8.2.1: values with NUL, LF or CR anywhere, or with white space at an end.
fn bad_values() -> Vec<Field> {
    let mut fields = Vec::new();
    for octet in [0x00, 0x0a, 0x0d] {
        for value in [vec![octet], vec![b'a', octet, b'b'], vec![octet, b'a'], vec![b'a', octet]] {
            fields.push(field("name", value));
        }
    }
    for value in [" ", "\t", " a", "a ", "\ta", "a\t", "\r\n a", "a\r\nb: c"] {
        fields.push(field("name", value));
    }
    fields
}

/// Section 8.2.2: fields of one connection of HTTP/1.1, and `te` that says more than "trailers".
fn connection_fields() -> Vec<Field> {
    vec![
        field("connection", "close"),
        field("connection", ""),
        field("keep-alive", "timeout=5"),
        field("proxy-connection", "keep-alive"),
        field("transfer-encoding", "chunked"),
        field("upgrade", "websocket"),
        field("te", "gzip"),
        field("te", "trailers, gzip"),
        field("te", ""),
    ]
}

fn all() -> impl Iterator<Item = Field> {
    bad_names().into_iter().chain(bad_values()).chain(connection_fields())
}

/// Sections 8.2.1 and 8.2.2: each makes a request malformed, and the next one is served.
#[test]
fn a_request_with_a_bad_field_is_malformed() {
    server(|live: &mut Live| {
        for bad in all() {
            live.case(format!("{bad:x?}"));
            let stream = live.next_id();
            live.send(headers(stream, END, and(get(), &[bad])));
            live.assert_malformed(stream);
        }
    });
}

/// Sections 8.2.1 and 8.2.2: and a response.
#[test]
fn a_response_with_a_bad_field_is_malformed() {
    client(|live| {
        for bad in all() {
            live.case(format!("{bad:x?}"));
            let stream = live.open(true);
            live.send(headers(stream, END, and(ok(), &[bad])));
            live.assert_malformed(stream);
        }
    });
}

/// Sections 8.2.1 and 8.2.2: an interim one as well.
#[test]
fn an_interim_response_with_a_bad_field_is_malformed() {
    client(|live| {
        for bad in bad_values().into_iter().chain(connection_fields()) {
            live.case(format!("{bad:x?}"));
            let stream = live.open(true);
            live.send(headers(stream, END_HEADERS, and(status("103"), &[bad])));
            live.assert_malformed(stream);
        }
    });
}

/// Sections 8.2.1 and 8.2.2: and trailers.
#[test]
fn trailers_with_a_bad_field_are_malformed() {
    server(|live| {
        for bad in all() {
            live.case(format!("{bad:x?}"));
            let stream = live.next_id();
            live.request(stream);
            live.send(headers(stream, END, block(&[bad])));
            live.assert_reset(stream, ErrorCode::ProtocolError);
        }
    });
    client(|live| {
        for bad in bad_values().into_iter().chain(connection_fields()) {
            live.case(format!("{bad:x?}"));
            let stream = live.open(true);
            live.send(headers(stream, END_HEADERS, ok()));
            live.send(headers(stream, END, block(&[bad])));
            live.assert_reset(stream, ErrorCode::ProtocolError);
        }
    });
}

/// Sections 8.2.1 and 8.2.2: and a promised request.
#[test]
fn a_promise_with_a_bad_field_is_malformed() {
    client_with(
        |config| config.enable_push = true,
        |live| {
            let parent = live.open(true);
            for (bad, promised) in all().zip((2..).step_by(2)) {
                live.case(format!("{bad:x?}"));
                live.send(push_promise(parent, promised, and(get(), &[bad])));
                live.assert_malformed(promised);
            }
        },
    );
}

/// Section 8.2.1: the values of pseudo-header fields are held to the same rules.
#[test]
fn a_pseudo_header_field_with_a_bad_value_is_malformed() {
    server(|live| {
        for (name, value) in
            [(":path", "/a\r\nb"), (":path", "/a "), (":path", "/\0"), (":authority", "te\nst")]
        {
            live.case(format!("{name}: {value:?}"));
            let stream = live.next_id();
            let mut fields = vec![(":method", "GET"), (":scheme", "http")];
            fields.push((name, value));
            if name != ":path" {
                fields.push((":path", "/"));
            }
            live.send(headers(stream, END, block(&fields)));
            live.assert_malformed(stream);
        }
    });
}

/// Section 8.2.1: white space inside of a value, and octets beyond ASCII, are fine.
#[test]
fn other_values_are_taken_as_they_are() {
    server(|live| {
        for value in [&b""[..], b"a b", b"a\tb", b"\x80\xff", b":", b"\"a, b\""] {
            live.case(format!("{value:?}"));
            let stream = live.next_id();
            live.send(headers(stream, END, and(get(), &[("name", value)])));
            assert_eq!(live.accept(stream).get_bytes("name"), Some(value));
            live.answer(stream);
        }
    });
}

/// Section 8.2.1: all characters of a token in lower case make a name.
#[test]
fn names_may_have_all_characters_of_a_token() {
    server(|live| {
        let name = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
        live.send(headers(1, END, and(get(), &[(name, "v")])));
        assert_eq!(live.accept(1).get(name), Some("v"));
        live.answer(1);
    });
}

/// Section 8.2.2: `te: trailers` is allowed.
#[test]
fn te_may_say_trailers() {
    server(|live| {
        live.send(headers(1, END, and(get(), &[("te", "trailers")])));
        assert_eq!(live.accept(1).get("te"), Some("trailers"));
        live.answer(1);
    });
}

/// Sections 8.2.1 and 8.2.2: a live side does not send what it would not take.
#[test]
fn a_live_side_sends_no_bad_field() {
    client(|live| {
        for (name, value) in all() {
            live.case(format!("{name:x?}: {value:x?}"));
            let headers = request("GET").with(&name, &value);
            let error = live.session.open(&headers, true).unwrap_err();
            assert!(matches!(error.as_command_error(), Some(CommandError::Malformed(_))));
        }
        live.assert_goes_on();
    });
    server(|live| {
        live.whole_request(1);
        for (name, value) in all() {
            live.case(format!("{name:x?}: {value:x?}"));
            let headers = headers!(":status" => "200").with(&name, &value);
            let (stream_identifier, is_end_stream) = (id(1), true);
            let act = Act::SendHeaders { stream_identifier, headers, is_end_stream };
            assert!(matches!(live.refused(act), CommandError::Malformed(_)));
        }
        live.answer(1);
    });
}

/// Section 8.2.3: a cookie may come in crumbs, which stay in their order.
#[test]
fn cookies_may_come_in_crumbs() {
    server(|live| {
        let crumbs = [("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")];
        live.send(headers(1, END, and(get(), &crumbs)));
        let fields = live.accept(1);
        let crumbs: Vec<_> = fields.get_all("cookie").collect();
        assert_eq!(crumbs, [b"a=b", b"c=d", b"e=f"]);
        live.answer(1);
    });
}
