//! Section 8.1: how messages are made of frames, and what makes them malformed.

use h2_sync::proto::{CommandError, HeadersKind};
use h2_sync::{Act, ErrorCode, Evt, headers};

use crate::live::{Live, client, id, request, server};
use crate::wire::*;

fn trailers() -> Vec<u8> {
    block(&[("a", "trailer")])
}

/// Section 8.1: a request is HEADERS, DATA, and trailers.
#[test]
fn a_request_may_have_content_and_trailers() {
    server(|live| {
        live.request(1);
        live.send(data(1, 0, b"content"));
        live.send(headers(1, END, trailers()));
        assert_eq!(live.accept(1).get("a"), Some("trailer"));
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 8.1: so is a response, at either end.
#[test]
fn a_response_may_have_content_and_trailers() {
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(data(stream, 0, b"content"));
        live.send(headers(stream, END, trailers()));
        live.accept(stream);
        assert_eq!(live.accept(stream).get("a"), Some("trailer"));
        live.assert_goes_on();
    });
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, "content", false);
        live.assert_headers(1, false);
        live.assert_data(1, 7, false);
        live.respond(1, &headers!("a" => "trailer"), true);
        assert_eq!(live.assert_headers(1, true).get("a"), Some("trailer"));
        live.assert_goes_on();
    });
}

/// Section 8.1: HEADERS after the first that do not end the stream make the message malformed.
#[test]
fn trailers_that_do_not_end_the_stream_are_malformed() {
    server(|live| {
        live.request(1);
        live.send(headers(1, END_HEADERS, trailers()));
        live.assert_reset(1, ErrorCode::ProtocolError);
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(headers(stream, END_HEADERS, trailers()));
        live.assert_reset(stream, ErrorCode::ProtocolError);
    });
}

/// Section 8.1: trailers have no pseudo-header fields.
#[test]
fn trailers_with_pseudo_header_fields_are_malformed() {
    for pseudo in [":method", ":path", ":status", ":authority", ":unknown"] {
        server(|live| {
            live.case(pseudo);
            live.request(1);
            live.send(headers(1, END, block(&[(pseudo, "200")])));
            live.assert_reset(1, ErrorCode::ProtocolError);
        });
        client(|live| {
            live.case(pseudo);
            let stream = live.open(true);
            live.send(headers(stream, END_HEADERS, ok()));
            live.send(headers(stream, END, block(&[(pseudo, "200")])));
            live.assert_reset(stream, ErrorCode::ProtocolError);
        });
    }
}

/// Section 8.1: nothing of the request comes after its trailers.
#[test]
fn data_after_trailers_resets_the_stream() {
    server(|live| {
        live.request(1);
        live.send(headers(1, END, trailers()));
        live.send(data(1, END_STREAM, b"more"));
        live.assert_reset(1, ErrorCode::StreamClosed);
    });
}

/// Section 8.1: interim responses come before the final one, any of them but 101.
#[test]
fn interim_responses_come_before_the_final_one() {
    client(|live| {
        let stream = live.open(true);
        for interim in ["100", "103", "199"] {
            live.send(headers(stream, END_HEADERS, status(interim)));
        }
        live.send(headers(stream, END, ok()));
        for (code, expected) in [
            (100, HeadersKind::Informational),
            (103, HeadersKind::Informational),
            (199, HeadersKind::Informational),
            (200, HeadersKind::Response),
        ] {
            let (headers, kind) = live.event(|evt| match evt {
                Evt::RecvHeaders { headers, kind, .. } => Some((headers.clone(), *kind)),
                _ => None,
            });
            assert_eq!((headers.status(), kind), (Some(code), expected));
        }
        live.assert_goes_on();
    });
    server(|live| {
        live.request(1);
        live.respond(1, &headers!(":status" => "100"), false);
        assert_eq!(live.assert_headers(1, false).status(), Some(100));
        live.answer(1);
    });
}

/// Section 8.1: an interim response does not end the stream.
#[test]
fn an_interim_response_that_ends_the_stream_is_malformed() {
    client(|live| {
        for interim in ["100", "103"] {
            let stream = live.open(true);
            live.send(headers(stream, END, status(interim)));
            live.assert_malformed(stream);
        }
    });
    server(|live| {
        live.whole_request(1);
        let (stream_identifier, is_end_stream) = (id(1), true);
        let headers = headers!(":status" => "103");
        let error = live.refused(Act::SendHeaders { stream_identifier, headers, is_end_stream });
        assert!(matches!(error, CommandError::Malformed(_)));
        live.answer(1);
    });
}

/// Section 8.1: an interim response has no place after the final one.
#[test]
fn an_interim_response_after_the_final_one_is_malformed() {
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(headers(stream, END_HEADERS, status("103")));
        live.assert_reset(stream, ErrorCode::ProtocolError);
    });
}

/// Sections 8.1 and 10.5: interim responses without end are too many.
#[test]
fn too_many_interim_responses_reset_the_stream() {
    client(|live| {
        let stream = live.open(true);
        for _ in 0..17 {
            live.send(headers(stream, END_HEADERS, status("103")));
        }
        live.assert_reset(stream, ErrorCode::EnhanceYourCalm);
    });
}

/// Section 8.1: interim responses have no content.
#[test]
fn data_after_an_interim_response_is_malformed() {
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, status("103")));
        live.send(data(stream, 0, b"x"));
        live.assert_reset(stream, ErrorCode::ProtocolError);
    });
}

/// Section 8.1: a server may answer before it has got all, and say with NO_ERROR that it needs no
/// more; the answer is good.
#[test]
fn a_response_may_be_complete_before_the_request() {
    server(|live| {
        live.request(1);
        live.answer(1);
        live.act(Act::Reset { stream_identifier: id(1), error_code: ErrorCode::NoError });
        live.expect_reset(1, ErrorCode::NoError);
        live.send(data(1, END_STREAM, b"late"));
        live.assert_goes_on();
    });
    client(|live| {
        let stream = live.open(false);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(data(stream, END_STREAM, b"answer"));
        live.send(rst_stream(stream, 0));
        live.accept(stream);
        assert_eq!(live.content(stream), b"answer");
        assert_eq!(live.reset(stream), (ErrorCode::NoError, false));
        live.assert_goes_on();
    });
}

/// Section 8.1.1: a `content-length` that is the length of the content is fine.
#[test]
fn content_of_its_length_is_taken() {
    server(|live| {
        for (length, pieces) in
            [("0", vec![""]), ("5", vec!["12345"]), ("5", vec!["12", "", "345"])]
        {
            let stream = live.next_id();
            live.send(headers(stream, END_HEADERS, and(post(), &[("content-length", length)])));
            for piece in pieces {
                live.send(data(stream, PADDED, padded(piece, 9)));
            }
            live.send(data(stream, END_STREAM, []));
            live.content(stream);
            live.answer(stream);
        }
        let stream = live.next_id();
        live.send(headers(stream, END, and(post(), &[("content-length", "0")])));
        live.accept(stream);
        live.answer(stream);
        live.assert_goes_on();
    });
}

/// Exchanges of which the content is not as long as it says: length, content, and whether trailers
/// end it.
const WRONG: [(&str, &str, bool); 6] = [
    ("5", "1234", false),
    ("5", "123456", false),
    ("5", "", false),
    ("0", "1", false),
    ("5", "1234", true),
    ("18446744073709551615", "1", false),
];

fn send_content(live: &mut Live, stream: u32, content: &str, by_trailers: bool) {
    if by_trailers {
        live.send(data(stream, 0, content));
        live.send(headers(stream, END, trailers()));
    } else {
        live.send(data(stream, END_STREAM, content));
    }
}

/// Section 8.1.1: any other content makes the message malformed.
#[test]
fn content_of_another_length_is_malformed() {
    server(|live| {
        for (length, content, by_trailers) in WRONG {
            live.case(format!("{length}: {content}"));
            let stream = live.next_id();
            live.send(headers(stream, END_HEADERS, and(post(), &[("content-length", length)])));
            send_content(live, stream, content, by_trailers);
            live.assert_reset(stream, ErrorCode::ProtocolError);
        }
    });
    client(|live| {
        for (length, content, by_trailers) in WRONG {
            live.case(format!("{length}: {content}"));
            let stream = live.open(true);
            live.send(headers(stream, END_HEADERS, and(ok(), &[("content-length", length)])));
            send_content(live, stream, content, by_trailers);
            live.assert_reset(stream, ErrorCode::ProtocolError);
        }
    });
}

/// Section 8.1.1: also where there is no content at all.
#[test]
fn no_content_where_there_should_be_is_malformed() {
    server(|live| {
        live.send(headers(1, END, and(post(), &[("content-length", "1")])));
        live.assert_malformed(1);
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END, and(ok(), &[("content-length", "1")])));
        live.assert_malformed(stream);
    });
}

/// Section 8.1.1 with RFC 9110, Section 8.6: a `content-length` that is no number, or two.
#[test]
fn a_content_length_that_is_no_number_is_malformed() {
    server(|live| {
        for length in ["", "x", "-1", "+5", "5 5", "5,5", "5, 5", "0x5", "18446744073709551616"] {
            live.case(length);
            let stream = live.next_id();
            live.send(headers(stream, END_HEADERS, and(post(), &[("content-length", length)])));
            live.assert_malformed(stream);
        }
        let stream = live.next_id();
        let two = and(post(), &[("content-length", "5"), ("content-length", "6")]);
        live.send(headers(stream, END_HEADERS, two));
        live.assert_malformed(stream);
    });
}

/// Section 8.1.1: answers to HEAD, 204 and 304 have no content, whatever length they name.
#[test]
fn responses_without_content_may_name_a_length() {
    client(|live| {
        for (method, code) in [("HEAD", "200"), ("GET", "304")] {
            let stream = live.open_with(&request(method), true);
            let fields = and(status(code), &[("content-length", "5")]);
            live.send(headers(stream, END_HEADERS, fields));
            live.send(data(stream, END_STREAM, []));
            live.accept(stream);
            assert_eq!(live.content(stream), b"");
        }
        live.assert_goes_on();
    });
}

/// Section 8.1.1: and with content they are malformed.
#[test]
fn content_in_a_message_without_content_is_malformed() {
    client(|live| {
        for (method, code) in [("HEAD", "200"), ("GET", "204"), ("GET", "304")] {
            live.case(format!("{method} {code}"));
            let stream = live.open_with(&request(method), true);
            live.send(headers(stream, END_HEADERS, status(code)));
            live.send(data(stream, END_STREAM, b"x"));
            live.assert_reset(stream, ErrorCode::ProtocolError);
        }
    });
}

/// Section 8.1.1: a live side sends content of the length that it has named.
#[test]
fn a_live_side_sends_no_content_of_another_length() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200", "content-length" => "3"), false);
        live.assert_headers(1, false);
        for (data, is_end_stream) in [("1234", false), ("12", true), ("", true)] {
            let (stream_identifier, data) = (id(1), data.into());
            let error = live.refused(Act::SendData { stream_identifier, data, is_end_stream });
            assert!(matches!(error, CommandError::ContentLength(_)));
        }
        live.put_data(1, "123", true);
        live.assert_data(1, 3, true);
        live.assert_goes_on();
    });
}
