//! Section 5.3: priorities. The scheme of RFC 7540 is deprecated: its signals are read and have no
//! effect. What came instead is in `rfc_9218.rs`.

use h2_sync::frame::Frame;
use h2_sync::{ErrorCode, headers};

use crate::live::{both, client, server};
use crate::wire::*;

/// A dependency with the exclusive bit.
const EXCLUSIVE: u32 = 0x8000_0000;

/// Section 5.3.2: the fields of a dependency in HEADERS are read past.
#[test]
fn a_dependency_in_headers_has_no_effect() {
    server(|live| {
        for (depends_on, flags) in [(0, 0), (1, 0), (99, 0), (EXCLUSIVE, 0), (0, PADDED)] {
            let stream = live.next_id();
            let payload = [dependency(depends_on), get()].concat();
            let payload = if flags == PADDED {
                padded([dependency(depends_on), get()].concat(), 3)
            } else {
                payload
            };
            live.send(headers(stream, END | WITH_PRIORITY | flags, payload));
            assert_eq!(live.accept(stream).method(), Some("GET"));
            live.answer(stream);
        }
    });
}

/// Section 5.3.2: a response with a dependency is as good as one without.
#[test]
fn a_dependency_in_a_response_has_no_effect() {
    client(|live| {
        let stream = live.open(true);
        let payload = [dependency(EXCLUSIVE), ok()].concat();
        live.send(headers(stream, END | WITH_PRIORITY, payload));
        assert_eq!(live.accept(stream).status(), Some(200));
        live.assert_goes_on();
    });
}

/// Section 5.3.2: a live side sends no dependencies, since peers ignore them.
#[test]
fn a_live_client_sends_no_dependency() {
    client(|live| {
        live.open(true);
        assert!(!live.peer.transcript.iter().any(|line| line.contains("PRIORITY ")));
        assert!(!live.peer.transcript.iter().any(|line| line.contains("depends_on")));
    });
}

/// Section 5.3.2: PRIORITY changes nothing about which stream is served: a stream that would come
/// last by RFC 7540 is answered as the others are.
#[test]
fn priority_changes_nothing_about_a_response() {
    server(|live| {
        live.whole_request(1);
        live.whole_request(3);
        live.send(frame(PRIORITY, 0, 3, [0x80, 0, 0, 1, 0]));
        live.assert_ping();
        live.respond(3, &headers!(":status" => "200"), false);
        live.put_data(3, "three", true);
        live.assert_headers(3, false);
        live.assert_data(3, 5, true);
        live.answer(1);
    });
}

/// Section 5.3.1 (RFC 7540, Section 5.3.1): a stream cannot depend on itself.
#[test]
fn a_stream_cannot_depend_on_itself() {
    server(|live| {
        live.request(1);
        live.send(priority(1, 1));
        live.assert_reset(1, ErrorCode::ProtocolError);
        let stream = live.next_id();
        live.send(headers(stream, END | WITH_PRIORITY, [dependency(stream), get()].concat()));
        live.assert_malformed(stream);
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END | WITH_PRIORITY, [dependency(stream), ok()].concat()));
        live.assert_malformed(stream);
    });
}

/// Section 5.3.2: PRIORITY may come for any stream, so also for many that do not exist.
#[test]
fn priority_of_streams_that_do_not_exist_is_ignored() {
    both(|live| {
        for stream in (1..200).step_by(2) {
            live.send(priority(stream, 0));
        }
        if live.is_client() {
            live.assert_goes_on();
        } else {
            live.assert_ping();
            // They did not use up the identifiers.
            live.whole_request(1);
            live.answer(1);
        }
    });
}

/// Section 5.3.1 with RFC 9218, Section 2.1: a live side says from the start that it does not use the
/// old priorities.
#[test]
fn the_old_priorities_are_declined_in_the_first_settings() {
    let is_declined = |frame: &Frame| {
        matches!(frame, Frame::Settings(settings)
        if settings.entries.contains(&h2_sync::frame::Setting::NoRfc7540Priorities(true)))
    };
    for role in [h2_sync::Role::Server, h2_sync::Role::Client] {
        crate::live::twice(
            role,
            |_| {},
            |live| {
                if live.is_client() {
                    live.peer.read_exact(24);
                }
                let first = live.frame();
                assert!(is_declined(&first), "{first}");
            },
        );
    }
}
