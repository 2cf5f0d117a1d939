//! Section 3: how a connection starts.

use h2_sync::frame::{Frame, PREFACE, Ping};
use h2_sync::{ErrorCode, Reason, Role};

use crate::live::{Live, server, twice};
use crate::wire::*;

/// Every kind of frame but SETTINGS, as good as it can be.
fn other_first_frames() -> Vec<Vec<u8>> {
    let mut frames = vec![
        data(1, END_STREAM, b"x"),
        headers(1, END, get()),
        priority(1, 0),
        rst_stream(1, 8),
        push_promise(1, 2, get()),
        ping(b"too soon"),
        goaway(0, 0),
        window_update(0, 1),
        continuation(1, END_HEADERS, get()),
        priority_update(1, "u=1"),
    ];
    frames.extend([0x0a, 0x0c, UNKNOWN, 0xff].map(|kind| frame(kind, 0, 0, [0; 9])));
    frames
}

/// Takes the server's SETTINGS, which are on their way whatever the client has said.
#[track_caller]
fn skip_settings(live: &mut Live) {
    let first = live.frame();
    assert!(matches!(&first, Frame::Settings(frame) if !frame.ack), "{first}");
}

/// Section 3.1: there is no way from HTTP/1.1 Upgrade on a connection that is to be HTTP/2; a
/// request of HTTP/1.1 is no preface.
#[test]
fn a_request_of_http_1_is_no_preface() {
    for request in ["GET / HTTP/1.1\r\nhost: test\r\n\r\n", "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        twice(
            Role::Server,
            |_| {},
            |live| {
                live.send(request);
                skip_settings(live);
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 3.3: a client that knows that the server speaks HTTP/2 starts with the preface, in
/// cleartext as well.
#[test]
fn a_client_with_prior_knowledge_is_served_in_cleartext() {
    server(|live| live.assert_goes_on());
}

/// Section 3.4: the server's connection preface is SETTINGS, its first frame; the client's is
/// acknowledged after it.
#[test]
fn the_first_frame_of_a_server_is_settings_and_the_acknowledgement_comes_after() {
    twice(
        Role::Server,
        |_| {},
        |live| {
            live.send(PREFACE);
            live.send(settings(&[]));
            skip_settings(live);
            live.assert_settings_ack();
            live.send(settings_ack());
            live.assert_goes_on();
        },
    );
}

/// Section 3.4: a client starts with 24 fixed octets and SETTINGS.
#[test]
fn a_client_starts_with_the_preface_and_settings() {
    twice(
        Role::Client,
        |_| {},
        |live| {
            assert_eq!(live.peer.read_exact(24)[..], *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            skip_settings(live);
        },
    );
}

/// Section 3.4: a client may send frames without waiting for the server's SETTINGS.
#[test]
fn a_client_may_send_requests_right_behind_its_preface() {
    twice(
        Role::Server,
        |_| {},
        |live| {
            live.send(PREFACE);
            live.send(settings(&[]));
            live.send(headers(1, END, get()));
            skip_settings(live);
            live.assert_settings_ack();
            live.accept(1);
            live.answer(1);
        },
    );
}

/// Section 3.4: a live client does not wait for the server's SETTINGS either.
#[test]
fn a_live_client_sends_its_first_request_before_it_has_heard_anything() {
    twice(
        Role::Client,
        |_| {},
        |live| {
            live.peer.read_exact(24);
            skip_settings(live);
            live.open(true);
        },
    );
}

/// Section 3.4: an invalid preface is a connection error PROTOCOL_ERROR.
#[test]
fn each_wrong_octet_of_the_preface_ends_the_connection() {
    for place in 0..PREFACE.len() {
        twice(
            Role::Server,
            |_| {},
            |live| {
                live.case(format!("octet {place}"));
                let mut preface = *PREFACE;
                preface[place] ^= 0x20;
                live.send(preface);
                live.send(settings(&[]));
                skip_settings(live);
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 3.4: the client's preface is not left out.
#[test]
fn settings_without_a_preface_end_the_connection() {
    twice(
        Role::Server,
        |_| {},
        |live| {
            live.send(settings(&[]));
            skip_settings(live);
            live.assert_goaway(ErrorCode::ProtocolError);
        },
    );
}

/// Section 3.4: octets of another protocol are no preface.
#[test]
fn a_tls_hello_is_no_preface() {
    twice(
        Role::Server,
        |_| {},
        |live| {
            live.send([0x16, 0x03, 0x01, 0x00, 0xf8, 0x01, 0x00, 0x00, 0xf4]);
            skip_settings(live);
            live.assert_goaway(ErrorCode::ProtocolError);
        },
    );
}

/// Section 3.4: a connection whose preface breaks off is closed.
#[test]
fn a_preface_that_breaks_off_closes_the_connection() {
    for len in [0, 1, 23] {
        twice(
            Role::Server,
            |_| {},
            |live| {
                live.send(&PREFACE[..len]);
                live.peer.shut();
                skip_settings(live);
                while live.peer.next().is_some() {}
                assert!(matches!(live.end(), Reason::Peer { goaway: None, .. }));
            },
        );
    }
}

/// Section 3.4: the first frame of the client is SETTINGS.
#[test]
fn any_other_first_frame_of_a_client_ends_the_connection() {
    for frame in other_first_frames() {
        twice(
            Role::Server,
            |_| {},
            |live| {
                live.case(format!("{frame:x?}"));
                live.send(PREFACE);
                live.send(&frame);
                skip_settings(live);
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 3.4: the first frame of the server is SETTINGS.
#[test]
fn any_other_first_frame_of_a_server_ends_the_connection() {
    for frame in other_first_frames() {
        twice(
            Role::Client,
            |_| {},
            |live| {
                live.case(format!("{frame:x?}"));
                live.peer.read_exact(24);
                live.send(&frame);
                skip_settings(live);
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 3.4: the SETTINGS that start a connection are not an acknowledgement.
#[test]
fn an_acknowledgement_is_no_first_frame() {
    for role in [Role::Server, Role::Client] {
        twice(
            role,
            |_| {},
            |live| {
                match role {
                    Role::Server => live.send(PREFACE),
                    Role::Client => drop(live.peer.read_exact(24)),
                }
                live.send(settings_ack());
                skip_settings(live);
                live.assert_goaway(ErrorCode::ProtocolError);
            },
        );
    }
}

/// Section 3.4: a response of HTTP/1.1 is no connection preface of a server.
#[test]
fn a_response_of_http_1_ends_the_connection_of_a_client() {
    twice(
        Role::Client,
        |_| {},
        |live| {
            live.peer.read_exact(24);
            live.send("HTTP/1.1 400 Bad Request\r\n\r\n");
            skip_settings(live);
            live.assert_goaway(ErrorCode::ProtocolError);
        },
    );
}

/// Section 3.4: frames that follow the client's SETTINGS need no acknowledgement of it first.
#[test]
fn ping_right_behind_the_preface_is_answered() {
    twice(
        Role::Server,
        |_| {},
        |live| {
            live.send(PREFACE);
            live.send(settings(&[]));
            live.send(ping(b"12345678"));
            skip_settings(live);
            live.assert_settings_ack();
            assert_eq!(live.frame(), Ping { ack: true, payload: *b"12345678" }.into());
        },
    );
}
