//! One connection: halves, interim responses, PING, resets, the end.

use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Request, Response};
use h2_sync::{ErrorCode, ErrorKind, headers};

use crate::peer::{Peer, connection_and_peer};
use crate::support::{LONG, bounded, connected, get, octets, post};

fn echo(request: &mut Request, response: &mut Response) -> io::Result<()> {
    io::copy(request, response).map(drop)
}

fn is_of_the_connection(error: &h2_sync::Error) -> bool {
    matches!(error.kind(), ErrorKind::Closed | ErrorKind::Transport)
}

#[test]
fn a_request_gets_status_fields_and_body() {
    bounded(|| {
        let connection = connected(|request, response| {
            response.set_header("x-path", request.path())?;
            response.write_all(b"hello")
        });
        let mut half = connection.send(&get("/a")).unwrap();
        let response = half.response().unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-path"]),
            (200, &"/a".parse().unwrap())
        );
        assert_eq!(io::read_to_string(&mut half).unwrap(), "hello");
        assert_eq!(half.trailers().unwrap(), None);
    });
}

#[test]
fn the_halves_of_one_stream_can_be_used_by_two_threads() {
    bounded(|| {
        let connection = connected(echo);
        let (mut send, mut response) = connection.open(&post("/")).unwrap();
        let body = octets(8 << 20);
        let sent = body.clone();
        let writer = thread::spawn(move || {
            send.write_all(&sent).unwrap();
            send.finish().unwrap();
        });
        let mut back = Vec::new();
        response.read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        assert!(back == body);
    });
}

#[test]
fn a_conversation_goes_on_over_one_stream() {
    bounded(|| {
        let connection = connected(|request, response| {
            response.flush()?;
            let mut line = String::new();
            while request.read_line(&mut line)? > 0 {
                write!(response, "you said {line}")?;
                response.flush()?;
                line.clear();
            }
            Ok(())
        });
        let (mut send, mut response) = connection.open(&post("/")).unwrap();
        for word in ["one", "two", "three"] {
            writeln!(send, "{word}").unwrap();
            send.flush().unwrap();
            let mut line = String::new();
            response.read_line(&mut line).unwrap();
            assert_eq!(line, format!("you said {word}\n"));
        }
        send.finish().unwrap();
        assert_eq!(response.read(&mut [0; 10]).unwrap(), 0);
    });
}

#[test]
fn interim_responses_come_before_the_final_one() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "103", "link" => "</a>"), false);
        peer.answer(id, 204, "");
        let interim = half.informational().unwrap().unwrap();
        assert_eq!(
            (interim.status().as_u16(), &interim.headers()["link"]),
            (103, &"</a>".parse().unwrap())
        );
        assert!(half.informational().unwrap().is_none());
        assert_eq!(half.response().unwrap().status(), 204);
    });
}

#[test]
fn trailers_come_behind_the_body() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, "body", false);
        peer.send_headers(id, &headers!("x-sum" => "7"), true);
        assert_eq!(io::read_to_string(&mut half).unwrap(), "body");
        assert_eq!(half.trailers().unwrap().unwrap()["x-sum"], "7");
    });
}

#[test]
fn the_first_request_goes_out_with_the_preface() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let _half = connection.send(&get("/first")).unwrap();
        assert_eq!(peer.receive_headers().1.path(), Some("/first"));
    });
}

#[test]
fn dropping_a_response_unread_cancels_its_stream_alone() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let dropped = connection.send(&get("/dropped")).unwrap();
        let mut kept = connection.send(&get("/kept")).unwrap();
        let (first, _) = peer.receive_headers();
        let (second, _) = peer.receive_headers();
        drop(dropped);
        assert_eq!(peer.receive_reset(), (first, ErrorCode::Cancel));
        peer.answer(second, 200, "here");
        assert_eq!(io::read_to_string(&mut kept).unwrap(), "here");
    });
}

#[test]
fn dropping_the_unfinished_request_cancels_its_stream() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let (mut send, mut response) = connection.open(&post("/")).unwrap();
        send.write_all(b"half of it").unwrap();
        let (id, _) = peer.receive_headers();
        drop(send);
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert!(response.response().is_err());
    });
}

#[test]
fn unread_octets_do_not_exhaust_the_window_of_the_connection() {
    bounded(|| {
        let connection = connected(|_, response| response.write_all(&[7; 1 << 20]));
        // In total more than the window of the connection.
        for _ in 0..40 {
            let mut half = connection.send(&get("/")).unwrap();
            half.response().unwrap();
            half.next_chunk().unwrap();
        }
        let mut last = connection.send(&get("/")).unwrap();
        assert_eq!(io::copy(&mut last, &mut io::sink()).unwrap(), 1 << 20);
    });
}

#[test]
fn a_reset_of_the_servers_says_why() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.reset(id, ErrorCode::InternalError);
        let error = half.response().unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Reset, Some(ErrorCode::InternalError))
        );
        assert!(!error.is_retry_safe());
    });
}

#[test]
fn refused_streams_and_those_after_goaway_can_be_retried() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut refused = connection.send(&get("/")).unwrap();
        let mut left_out = connection.send(&get("/")).unwrap();
        let (first, _) = peer.receive_headers();
        peer.receive_headers();
        peer.reset(first, ErrorCode::RefusedStream);
        peer.goaway(first, ErrorCode::NoError);
        assert!(refused.response().unwrap_err().is_retry_safe());
        assert!(left_out.response().unwrap_err().is_retry_safe());
        assert!(!connection.can_open());
        assert!(connection.send(&get("/")).unwrap_err().is_closed());
    });
}

#[test]
fn requests_refused_by_goaway_report_its_code_and_text() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut left_out = connection.send(&get("/")).unwrap();
        peer.receive_headers();
        peer.send(h2_sync::frame::Goaway {
            last_stream_id: h2_sync::StreamId::CONNECTION,
            error_code: ErrorCode::EnhanceYourCalm,
            debug_data: "too many pings".into(),
        });
        let told = "GOAWAY with ENHANCE_YOUR_CALM, \"too many pings\"";
        let error = left_out.response().unwrap_err();
        assert!(error.is_reset() && error.to_string().contains(told), "{error}");
        // The connection takes no other request either.
        let error = connection.send(&get("/")).unwrap_err();
        assert!(error.is_closed() && error.to_string().contains(told), "{error}");
        assert_eq!(error.code(), Some(ErrorCode::EnhanceYourCalm));
    });
}

#[test]
fn a_response_that_breaks_a_rule_is_an_error_that_names_it() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200", "connection" => "close"), false);
        let error = half.response().unwrap_err();
        let told = "\"connection\" is not allowed in HTTP/2 (PROTOCOL_ERROR)";
        assert!(error.to_string().ends_with(told), "{error}");

        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200", "content-length" => "3"), false);
        peer.send_data(id, "content", true);
        let error = half.read_to_string(&mut String::new()).unwrap_err();
        let told = "DATA of 7 octets where content-length leaves 3 (PROTOCOL_ERROR)";
        assert!(error.to_string().ends_with(told), "{error}");
    });
}

#[test]
fn a_body_that_is_cut_short_never_looks_complete() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, "part", false);
        drop(peer);
        let mut text = String::new();
        let error = half.read_to_string(&mut text).unwrap_err();
        assert!(is_of_the_connection(&error.into()));
    });
}

#[test]
fn a_ping_measures_the_round_trip() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let answering = thread::spawn(move || {
            peer.answer_ping();
            peer
        });
        assert!(connection.ping(LONG).unwrap() < LONG);
        drop(answering.join().unwrap());
        assert!(is_of_the_connection(&connection.ping(LONG).unwrap_err()));
    });
}

#[test]
fn a_ping_without_an_answer_is_a_timeout_and_leaves_the_connection() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        assert!(connection.ping(Duration::from_millis(1)).unwrap_err().is_timeout());
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        assert_eq!(half.response().unwrap().status(), 200);
    });
}

#[test]
fn a_pong_is_heard_while_another_thread_leads() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        let waiting = thread::spawn(move || half.response().unwrap().status());
        let pinging = {
            let connection = connection.clone();
            thread::spawn(move || connection.ping(LONG).unwrap())
        };
        peer.answer_ping();
        pinging.join().unwrap();
        peer.answer(id, 200, "");
        assert_eq!(waiting.join().unwrap(), 200);
    });
}

#[test]
fn maintenance_answers_frames_of_the_server() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        peer.ping(b"are you?");
        let (stop, stopped) = mpsc::channel::<()>();
        let tending = thread::spawn(move || {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                connection.maintain();
            }
        });
        peer.until_pong(b"are you?");
        drop(stop);
        tending.join().unwrap();
    });
}

#[test]
fn close_wakes_waiting_calls() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut leading = connection.send(&get("/")).unwrap();
        let mut parked = connection.send(&get("/")).unwrap();
        let (shut, mut unread) = connection.open(&post("/")).unwrap();
        peer.receive_headers();
        let threads = [
            thread::spawn(move || leading.response().unwrap_err()),
            thread::spawn(move || parked.response().unwrap_err()),
            thread::spawn(move || {
                let mut shut = shut;
                // More than the windows allow.
                h2_sync::Error::from(shut.write_all(&octets(4 << 20)).unwrap_err())
            }),
        ];
        peer.receive_data(65_535);
        connection.close();
        for thread in threads {
            assert!(thread.join().unwrap().is_closed());
        }
        assert!(unread.response().unwrap_err().is_closed());
        assert!(connection.is_closed());
    });
}

#[test]
fn dropping_the_last_handle_goes_away_and_leaves_time_to_finish() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut half = connection.send(&get("/")).unwrap();
        drop(connection);
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "all of it");
        assert_eq!(io::read_to_string(&mut half).unwrap(), "all of it");
        drop(half);
        assert!(peer.until_goes_away());
    });
}

#[test]
fn requests_over_the_servers_limit_wait_for_their_turn() {
    bounded(|| {
        let (near, far) = h2_sync::transport::duplex(1 << 20);
        let setting = h2_sync::frame::Setting::MaxConcurrentStreams(1);
        let mut peer = Peer::server(far, vec![setting]);
        let connection = h2_sync::client::Connection::start(near, Default::default()).unwrap();
        connection.send(&get("/first")).unwrap().set_read_timeout(Some(LONG));
        let (first, _) = peer.receive_headers();
        // The answer to a PING after SETTINGS shows that the client has received them.
        let pinging = connection.clone();
        let pinging = thread::spawn(move || pinging.ping(LONG));
        peer.answer_ping();
        pinging.join().unwrap().unwrap();
        assert_eq!(connection.free_streams(), 1);
        let mut one = connection.send(&get("/one")).unwrap();
        let mut other = connection.send(&get("/other")).unwrap();
        assert_eq!(connection.free_streams(), 0);
        for half in [&mut one, &mut other] {
            let (id, _) = peer.receive_headers();
            assert!(id > first);
            peer.answer(id, 200, "");
            assert_eq!(half.response().unwrap().status(), 200);
        }
    });
}

#[test]
fn request_that_finds_the_connection_ended_or_going_away_was_not_sent() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let mut served = connection.send(&get("/")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.goaway(id, ErrorCode::NoError);
        peer.answer(id, 200, "");
        assert_eq!(served.response().unwrap().status(), 200);
        let late = connection.send(&get("/")).unwrap_err();
        assert!(late.is_closed() && late.is_retry_safe(), "{late}");
        connection.close();
        let late = connection.open(&post("/")).unwrap_err();
        assert!(late.is_closed() && late.is_retry_safe(), "{late}");
        assert!(late.to_string().contains("nothing of the request was sent"), "{late}");
        // A request without a valid target belongs to neither kind.
        let wrong = http::Request::get("http://a/").header("connection", "close").body(()).unwrap();
        assert!(!connection.send(&wrong).unwrap_err().is_retry_safe());
    });
}

#[test]
fn request_that_waited_for_a_slot_when_the_connection_ended_was_not_sent() {
    bounded(|| {
        let (near, far) = h2_sync::transport::duplex(1 << 20);
        let setting = h2_sync::frame::Setting::MaxConcurrentStreams(1);
        let mut peer = Peer::server(far, vec![setting]);
        let connection = h2_sync::client::Connection::start(near, Default::default()).unwrap();
        let mut first = connection.send(&get("/first")).unwrap();
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        first.response().unwrap();
        drop(first);
        let mut sent = connection.send(&get("/sent")).unwrap();
        let mut waits = connection.send(&get("/waits")).unwrap();
        peer.receive_headers();
        drop(peer);
        let sent = sent.response().unwrap_err();
        assert!(sent.is_closed() && !sent.is_retry_safe(), "{sent}");
        let waited = waits.response().unwrap_err();
        assert!(waited.is_closed() && waited.is_retry_safe(), "{waited}");
    });
}

#[test]
fn request_behind_a_transport_that_takes_nothing_was_not_sent() {
    bounded(|| {
        let (near, far) = h2_sync::transport::duplex(1_000);
        let connection = h2_sync::client::Connection::start(near, Default::default()).unwrap();
        let large = http::Request::get("http://a/").header("x", "x".repeat(10_000));
        let mut begun = connection.send(&large.body(()).unwrap()).unwrap();
        let (mut upload, mut behind) = connection.open(&post("/")).unwrap();
        drop(far);
        assert!(!begun.response().unwrap_err().is_retry_safe());
        let error = behind.response().unwrap_err();
        assert!(error.is_retry_safe(), "{error}");
        let error = h2_sync::Error::from(upload.write_all(&octets(1 << 20)).unwrap_err());
        assert!(error.is_retry_safe(), "{error}");
    });
}
