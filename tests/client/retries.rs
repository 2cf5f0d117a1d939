//! What is sent again, and what is not.

use std::io;
use std::thread;

use h2_sync::client::{Body, Client, Config};
use h2_sync::frame::StreamId;
use h2_sync::ErrorCode;

use crate::peer::{listener, Peer};
use crate::support::{bounded, client, config};

#[test]
fn a_refused_request_is_sent_again() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            let response = client().post(&*url).body("body").send().unwrap();
            (response.facts().retries, response.text().unwrap())
        });
        let mut peer = Peer::accept(&listener);
        for _ in 0..2 {
            let (id, _) = peer.receive_headers();
            peer.reset(id, ErrorCode::RefusedStream);
        }
        let (id, _) = peer.receive_headers();
        peer.receive_data(4);
        peer.answer(id, 200, "at last");
        assert_eq!(sending.join().unwrap(), (2, "at last".to_owned()));
    });
}

#[test]
fn what_goaway_leaves_out_is_sent_on_a_new_connection() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || client().get(&*url).send().unwrap().facts().retries);
        let mut old = Peer::accept(&listener);
        old.receive_headers();
        old.goaway(StreamId::CONNECTION, ErrorCode::NoError);
        let mut new = Peer::accept(&listener);
        let (id, _) = new.receive_headers();
        new.answer(id, 200, "");
        assert_eq!(sending.join().unwrap(), 1);
    });
}

#[test]
fn retries_are_bounded() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            let mut config = config();
            config.max_retries = 2;
            Client::with_config(config).unwrap().get(&*url).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        for _ in 0..3 {
            let (id, _) = peer.receive_headers();
            peer.reset(id, ErrorCode::RefusedStream);
        }
        assert_eq!(sending.join().unwrap().code(), Some(ErrorCode::RefusedStream));
    });
}

#[test]
fn a_body_that_cannot_be_had_twice_is_not_sent_again() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            let body = Body::from_reader(io::Cursor::new("once"));
            client().post(&*url).body(body).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(4);
        peer.reset(id, ErrorCode::RefusedStream);
        let error = sending.join().unwrap();
        assert!(error.is_retry_safe(), "{error}");
    });
}

#[test]
fn any_other_reset_is_not_retried() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || client().get(&*url).send().unwrap_err());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.reset(id, ErrorCode::InternalError);
        assert_eq!(sending.join().unwrap().code(), Some(ErrorCode::InternalError));
    });
}

/// The error, or the retries, of a request whose connection breaks once.
fn broken_once(config: Config, post: bool) -> Result<u32, h2_sync::Error> {
    let (listener, url) = listener();
    let sending = thread::spawn(move || {
        let client = Client::with_config(config).unwrap();
        let request = if post { client.post(&*url).body("a") } else { client.get(&*url) };
        request.send().map(|response| response.facts().retries)
    });
    let mut peer = Peer::accept(&listener);
    peer.receive_headers();
    drop(peer);
    // If it is not sent again, nobody comes.
    listener.set_nonblocking(true).unwrap();
    loop {
        if sending.is_finished() {
            return sending.join().unwrap();
        }
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                let mut peer = Peer::server(stream, Vec::new());
                let (id, _) = peer.receive_headers();
                peer.answer(id, 200, "");
                return sending.join().unwrap();
            }
            Err(_) => thread::yield_now(),
        }
    }
}

#[test]
fn a_connection_that_breaks_fails_what_the_server_may_have_processed() {
    bounded(|| {
        assert!(broken_once(config(), false).is_err());
    });
}

#[test]
fn idempotent_requests_are_sent_again_if_the_caller_says_so() {
    bounded(|| {
        let mut config = config();
        config.retry_idempotent = true;
        assert_eq!(broken_once(config.clone(), false).unwrap(), 1);
        assert!(broken_once(config, true).is_err());
    });
}
