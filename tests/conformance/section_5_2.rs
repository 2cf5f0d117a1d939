//! Section 5.2: flow control in general. Windows to their edges are in `section_6_9.rs`.

use h2_sync::frame::Frame;
use h2_sync::headers;

use crate::live::{client, server, server_with};
use crate::wire::*;

/// Section 5.2.1: only DATA is subject to flow control; other frames pass a shut window.
#[test]
fn only_data_waits_for_the_window() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, "content", true);
        live.assert_headers(1, false);
        live.whole_request(3);
        live.respond(3, &headers!(":status" => "204"), true);
        live.assert_headers(3, true);
        live.assert_ping();
        live.send(window_update(1, 7));
        live.assert_data(1, 7, true);
    });
}

/// Section 5.2.1: all windows start with 65,535 octets: a live side sends no more before it has
/// been granted more.
#[test]
fn a_body_stops_at_the_initial_window() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, vec![b'x'; 65_536], true);
        live.assert_headers(1, false);
        for len in [16_384, 16_384, 16_384, 16_383] {
            live.assert_data(1, len, false);
        }
        live.assert_ping();
        // More for the stream is of no use while the connection has none.
        live.send(window_update(1, 1));
        live.assert_ping();
        live.send(window_update(0, 1));
        live.assert_data(1, 1, true);
    });
}

/// Section 5.2.1: flow control is of one hop and has a direction: what one side grants the other
/// takes, whatever it grants itself.
#[test]
fn a_request_body_stops_at_the_servers_window() {
    client(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 3)]);
        let stream = live.open(false);
        live.put_data(stream, "content", true);
        live.assert_data(stream, 3, false);
        live.assert_ping();
        live.send(window_update(stream, 4));
        live.assert_data(stream, 4, true);
    });
}

/// Section 5.2.2: a receiver reads on and handles frames that matter for flow control, whatever
/// becomes of the data that it has got.
#[test]
fn unread_data_does_not_delay_other_streams() {
    server_with(
        |config| config.initial_window_size = 100,
        |live| {
            live.request(1);
            live.send(data(1, 0, [0; 100]));
            live.assert_goes_on();
        },
    );
}

/// Sections 5.2.1 and 6.9: what the application takes is granted anew.
#[test]
fn data_that_is_taken_is_granted_again() {
    server_with(
        |config| (config.initial_window_size, config.window_budget) = (100, 0),
        |live| {
            live.request(1);
            live.send(data(1, 0, [0; 100]));
            let mut taken = 0;
            while taken < 100 {
                taken += live.event(|evt| match evt {
                    h2_sync::Evt::RecvData { data, .. } => Some(data.len()),
                    _ => None,
                });
            }
            let mut granted = 0;
            while granted < 100 {
                let frame = live.peer.next();
                let Some(Frame::WindowUpdate(update)) = &frame else { panic!("{frame:?}") };
                if update.stream_id == 1 {
                    granted += update.increment;
                }
            }
            assert_eq!(granted, 100);
            live.send(data(1, END_STREAM, [0; 100]));
            assert_eq!(live.content(1).len(), 100);
            live.answer(1);
        },
    );
}
