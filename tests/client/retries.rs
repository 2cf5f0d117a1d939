//! Requests that are sent again, and those that are not.

use std::io;
use std::sync::mpsc;
use std::thread;

use h2_sync::client::{Body, Client, Config};
use h2_sync::frame::{Frame, StreamId};
use h2_sync::{ErrorCode, headers};

use crate::peer::{Peer, listener};
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
fn requests_that_goaway_leaves_out_are_sent_on_a_new_connection() {
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

/// A body of `len` octets that reports its end.
struct Tells {
    left: usize,
    at_end: mpsc::Sender<()>,
}

impl io::Read for Tells {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = buf.len().min(self.left);
        self.left -= read;
        if read == 0 {
            self.at_end.send(()).unwrap();
        }
        Ok(read)
    }
}

#[test]
fn a_short_reader_is_sent_again() {
    bounded(|| {
        assert_eq!(refused_once(Body::from_reader(io::Cursor::new("once"))), ["once", "once"]);
    });
}

#[test]
fn a_body_that_cannot_be_had_twice_is_not_sent_again() {
    bounded(|| {
        let (listener, url) = listener();
        let (read, has_read) = mpsc::channel();
        let sending = thread::spawn(move || {
            let body = Body::from_reader(Tells { left: 1 << 20, at_end: read });
            client().post(&*url).body(body).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        has_read.recv().unwrap();
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

/// Sends a request whose connection breaks once. Returns the error, or the number of retries.
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
    // Without a retry, no connection arrives.
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
fn broken_connection_fails_requests_that_may_have_been_processed() {
    bounded(|| {
        assert!(broken_once(config(), false).is_err());
    });
}

#[test]
fn request_that_may_have_been_processed_is_not_called_safe_to_repeat() {
    bounded(|| {
        let (listener, url) = listener();
        let asking = thread::spawn(move || {
            let client = client();
            client.get(&*url).send().unwrap();
            client.get(&*url).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        peer.receive_headers();
        // No connection can be made for the retry.
        drop(listener);
        drop(peer);
        let error = asking.join().unwrap();
        assert!(error.is_closed() && !error.is_retry_safe(), "{error}");
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

/// The method and body of each received request, over all connections: each but the last `fails`.
fn served(
    listener: &std::net::TcpListener,
    tries: usize,
    fails: impl Fn(&mut Peer, StreamId),
) -> Vec<String> {
    let mut bodies = Vec::new();
    let mut peer = Peer::accept(listener);
    for attempt in 1..=tries {
        let (id, _) = peer.receive_headers();
        let mut body = Vec::new();
        peer.until(|frame| {
            let Frame::Data(data) = frame else { return None };
            body.extend_from_slice(&data.data);
            data.end_stream.then_some(())
        });
        bodies.push(String::from_utf8(body).unwrap());
        if attempt < tries {
            fails(&mut peer, id);
        } else {
            peer.answer(id, 200, "");
        }
    }
    bodies
}

/// The outcome of a request with a body that is refused once.
fn refused_once(body: Body) -> Vec<String> {
    let (listener, url) = listener();
    let sending = thread::spawn(move || client().put(&*url).body(body).send().map(drop));
    let refuse = |peer: &mut Peer, id| peer.reset(id, ErrorCode::RefusedStream);
    let bodies = served(&listener, 2, refuse);
    sending.join().unwrap().unwrap();
    bodies
}

#[test]
fn a_file_begins_anew_where_it_stood() {
    bounded(|| {
        let path = std::env::temp_dir().join(format!("h2-sync-{}", std::process::id()));
        std::fs::write(&path, "not this: the file").unwrap();
        let mut file = std::fs::File::open(&path).unwrap();
        io::Seek::seek(&mut file, io::SeekFrom::Start(10)).unwrap();
        assert_eq!(refused_once(Body::from(file)), ["the file", "the file"]);
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn a_body_from_a_function_is_made_anew() {
    bounded(|| {
        let made = std::sync::atomic::AtomicUsize::new(0);
        let body = Body::from_fn(move || {
            let number = made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(io::Cursor::new(format!("body {number}")))
        });
        assert_eq!(refused_once(body), ["body 0", "body 1"]);
    });
}

#[test]
fn a_reader_that_has_not_been_read_goes_along() {
    bounded(|| {
        let (listener, url) = listener();
        let sending = thread::spawn(move || {
            let body = Body::from_reader(io::Cursor::new("once"));
            client().put(&*url).expect_continue().body(body).send().unwrap().facts().retries
        });
        let mut old = Peer::accept(&listener);
        old.receive_headers();
        old.goaway(StreamId::CONNECTION, ErrorCode::NoError);
        let mut new = Peer::accept(&listener);
        let (id, _) = new.receive_headers();
        new.send_headers(id, &headers!(":status" => "100"), false);
        new.receive_data(4);
        new.answer(id, 200, "");
        assert_eq!(sending.join().unwrap(), 1);
    });
}

/// Sends a request on a reused connection, which ends when the request arrives. Returns the status
/// and the number of retries.
fn lost_on_a_reused_connection(
    method: http::Method,
    config: Config,
    before_the_end: impl FnOnce(&mut Peer, StreamId),
) -> Result<u32, h2_sync::Error> {
    let (listener, url) = listener();
    let client = Client::with_config(config).unwrap();
    let (asking, there) = (client.clone(), url.clone());
    let first = thread::spawn(move || asking.get(there).send().unwrap().status());
    let mut peer = Peer::accept(&listener);
    let (id, _) = peer.receive_headers();
    peer.answer(id, 200, "");
    first.join().unwrap();
    let asking = client.clone();
    let second =
        thread::spawn(move || asking.request(method, url).send().map(|it| it.facts().retries));
    let (id, _) = peer.receive_headers();
    before_the_end(&mut peer, id);
    drop(peer);
    listener.set_nonblocking(true).unwrap();
    while !second.is_finished() {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            let mut peer = Peer::server(stream, Vec::new());
            let (id, _) = peer.receive_headers();
            peer.answer(id, 200, "");
            break;
        }
        thread::yield_now();
    }
    second.join().unwrap()
}

#[test]
fn safe_requests_are_sent_once_more_when_a_reused_connection_ends() {
    bounded(|| {
        use http::Method;
        let with_option = || {
            let mut config = config();
            config.retry_idempotent = true;
            config
        };
        let nothing = |_: &mut Peer, _| {};
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert_eq!(lost_on_a_reused_connection(method, config(), nothing).unwrap(), 1);
        }
        for method in [Method::PUT, Method::DELETE] {
            assert!(lost_on_a_reused_connection(method.clone(), config(), nothing).is_err());
            assert_eq!(lost_on_a_reused_connection(method, with_option(), nothing).unwrap(), 1);
        }
        assert!(lost_on_a_reused_connection(Method::POST, with_option(), nothing).is_err());
    });
}

#[test]
fn a_response_that_has_begun_is_not_asked_for_again() {
    bounded(|| {
        let interim = |peer: &mut Peer, id| {
            peer.send_headers(id, &headers!(":status" => "103"), false);
            // The answer to a later PING shows that the client has received it.
            peer.synchronize();
        };
        assert!(lost_on_a_reused_connection(http::Method::GET, config(), interim).is_err());
    });
}

#[test]
fn a_host_without_a_server_is_asked_again_and_says_that_nothing_was_sent() {
    bounded(|| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = client().post(format!("http://{closed}/")).body("a").send().unwrap_err();
        assert!(error.is_connect() && error.is_retry_safe(), "{error}");
    });
}
