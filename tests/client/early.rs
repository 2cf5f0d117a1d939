//! Responses before the end of the request, and `Expect: 100-continue`.

use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;

use h2_sync::client::{Body, Client};
use h2_sync::frame::Frame;
use h2_sync::{ErrorCode, ErrorKind, headers};

use crate::peer::{Peer, listener};
use crate::support::{bounded, client, config, octets, serve};

/// An endless body.
fn endless() -> Body {
    Body::from_reader(io::repeat(7))
}

#[test]
fn a_refusal_stops_the_upload() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_status(413)?;
            response.write_all(b"too much")
        });
        let client = client();
        let response = client.post(server.at("/")).body(endless()).send().unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(response.text().unwrap(), "too much");
        assert_eq!(client.connections()[0].open_streams(), 0);
    });
}

#[test]
fn a_response_is_read_while_the_window_of_the_request_stays_shut() {
    bounded(|| {
        let (listener, url) = listener();
        let sending =
            thread::spawn(move || client().post(&*url).body(endless()).send().unwrap().text());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(65_535);
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, "enough", true);
        assert_eq!(sending.join().unwrap().unwrap(), "enough");
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
    });
}

#[test]
fn a_response_counts_though_the_server_resets_the_rest_of_the_request() {
    bounded(|| {
        let (listener, url) = listener();
        let sending =
            thread::spawn(move || client().post(&*url).body(endless()).send().unwrap().text());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(65_535);
        // RFC 9113, Section 8.1: the client must not discard such a response.
        peer.answer(id, 200, "enough");
        peer.reset(id, ErrorCode::NoError);
        assert_eq!(sending.join().unwrap().unwrap(), "enough");
    });
}

#[test]
fn sender_sees_the_fields_that_end_a_response_after_they_were_taken() {
    bounded(|| {
        let (listener, url) = listener();
        let opening = thread::spawn(move || client().post(&*url).open().unwrap());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        let (send, mut response) = opening.join().unwrap();
        response.response().unwrap();
        assert_eq!(send.peer_ended_with(), None);
        peer.send_headers(id, &headers!("x-result" => "enough"), true);
        let trailers = response.trailers().unwrap();
        assert_eq!(trailers.as_ref().unwrap()["x-result"], "enough");
        assert_eq!(send.peer_ended_with(), trailers);
    });
}

#[test]
fn sender_that_waits_for_room_stops_when_the_response_ends() {
    bounded(|| {
        for data in ["", "enough"] {
            let (listener, url) = listener();
            let opening = thread::spawn(move || client().post(&*url).open().unwrap());
            let mut peer = Peer::accept(&listener);
            let (id, _) = peer.receive_headers();
            let (mut send, _response) = opening.join().unwrap();
            send.stop_when_peer_ends();
            let sending = thread::spawn(move || send.send(vec![7; 10 << 20]).unwrap_err());
            peer.receive_data(65_535);
            peer.send_headers(id, &headers!(":status" => "200"), data.is_empty());
            if !data.is_empty() {
                peer.send_data(id, data, true);
            }
            assert_eq!(sending.join().unwrap().kind(), ErrorKind::Closed);
        }
    });
}

#[test]
fn a_2xx_lets_the_request_go_on_while_the_response_is_read() {
    bounded(|| {
        let server = serve(|request, response| {
            response.flush()?;
            let len = io::copy(request, &mut io::sink())?;
            write!(response, "{len}")
        });
        let body = Body::from_reader(io::repeat(7).take(10 << 20));
        let response = client().post(server.at("/")).body(body).send().unwrap();
        assert_eq!(response.text().unwrap(), (10 << 20).to_string());
    });
}

#[test]
fn dropping_an_early_response_ends_the_upload() {
    bounded(|| {
        let (gone, is_gone) = mpsc::channel();
        let server = serve(move |request, response| {
            response.flush()?;
            let result = io::copy(request, &mut io::sink());
            gone.send(result.is_err()).unwrap();
            Ok(())
        });
        drop(client().post(server.at("/")).body(endless()).send().unwrap());
        assert!(is_gone.recv().unwrap());
    });
}

#[test]
fn a_body_waits_for_100_continue() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            client().post(&*url).body("body").expect_continue().send().unwrap().status()
        });
        let mut peer = Peer::accept(&listener);
        let (id, fields) = peer.receive_headers();
        assert_eq!(fields.get("expect"), Some("100-continue"));
        // Octets sent with the header section would arrive before the answer to this PING.
        peer.send_headers(id, &headers!(":status" => "100"), false);
        peer.receive_data(4);
        peer.answer(id, 200, "");
        assert_eq!(sending.join().unwrap(), 200);
    });
}

#[test]
fn a_body_that_is_not_wanted_is_not_sent() {
    bounded(|| {
        let server = serve(|_, response| response.set_status(417).map_err(Into::into));
        struct Untouched;
        impl Read for Untouched {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("the body is read");
            }
        }
        let request = client()
            .post(server.at("/"))
            .body(Body::from_reader(Untouched))
            .expect_continue()
            .send();
        assert_eq!(request.unwrap().status(), 417);
    });
}

#[test]
fn nothing_is_expected_where_there_is_no_body() {
    bounded(|| {
        let server = serve(|request, response| {
            write!(response, "{}", request.field("expect").unwrap_or("nothing"))
        });
        let response = client().get(server.at("/")).expect_continue().send().unwrap();
        assert_eq!(response.text().unwrap(), "nothing");
    });
}

#[test]
fn a_server_that_does_not_know_about_expect_gets_the_body_all_the_same() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            let mut config = crate::support::config();
            config.expect_timeout = std::time::Duration::from_millis(1);
            let client = h2_sync::client::Client::with_config(config).unwrap();
            client.post(&*url).body("body").expect_continue().send().unwrap().status()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(4);
        peer.answer(id, 200, "");
        assert_eq!(sending.join().unwrap(), 200);
    });
}

#[test]
fn received_response_is_read_before_the_request_continues() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.http2.initial_window_size = 64 << 10;
        let (written, is_written) = mpsc::channel();
        let sending = thread::spawn(move || {
            let client = Client::with_config(config).unwrap();
            let mut response = client.post(&*url).body(endless()).send().unwrap();
            is_written.recv().unwrap();
            response.trailers().unwrap()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(65_535);
        peer.send_headers(id, &headers!(":status" => "200"), false);
        for _ in 0..8 {
            peer.send_data(id, octets(8 << 10), false);
        }
        written.send(()).unwrap();
        // Both windows are shut now; reading opens this one.
        let opens = |frame: &Frame| matches!(frame, Frame::WindowUpdate(it) if it.stream_id == id);
        while !opens(&peer.next().unwrap()) {}
        peer.send_data(id, "", true);
        assert!(sending.join().unwrap().is_none());
    });
}
