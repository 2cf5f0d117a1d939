//! Requests that are cancelled from another thread, at each step.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use h2_sync::client::{
    Body, CancelHandle, Client, Connection, Proxies, Proxy, RequestBuilder, Response,
};
use h2_sync::frame::{Frame, Ping};
use h2_sync::{Error, ErrorCode, ErrorKind, Phase, headers, server};

use crate::frames::eventually;
use crate::peer::{Peer, connection_and_peer, listener};
use crate::support::{bounded, client, config, get, post, serve, serve_with};

/// Sends a request on a thread of its own, with `handle`.
fn sending(
    client: &Client,
    url: &str,
    handle: &CancelHandle,
    change: impl FnOnce(RequestBuilder<'_>) -> RequestBuilder<'_> + Send + 'static,
) -> JoinHandle<Result<Response, Error>> {
    let (client, url, handle) = (client.clone(), url.to_owned(), handle.clone());
    thread::spawn(move || change(client.post(url)).cancel_with(&handle).send())
}

#[track_caller]
fn assert_cancelled<T>(result: Result<T, Error>, phase: Phase) {
    let error = result.map(drop).expect_err("it was cancelled");
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Cancelled, Some(phase)), "{error}");
    assert!(error.is_cancelled() && !error.is_timeout() && !error.is_reset());
    assert!(error.to_string().contains("the request was cancelled"), "{error}");
}

/// Asserts that another request on the same connection is answered.
fn assert_goes_on(client: &Client, url: &str, peer: &mut Peer) {
    let (client, url) = (client.clone(), url.to_owned());
    let next = thread::spawn(move || client.get(url).send().unwrap().facts().is_reused());
    let (id, _) = peer.receive_headers();
    peer.answer(id, 200, "");
    assert!(next.join().unwrap());
}

#[test]
fn cancelled_before_it_is_sent_a_request_fails_at_once() {
    bounded(|| {
        let client = client();
        let mut request = client.get("http://192.0.2.1/");
        let handle = request.cancel_handle();
        handle.cancel();
        assert!(handle.is_cancelled());
        assert_cancelled(request.send(), Phase::Slot);
        assert!(client.connections().is_empty());
    });
}

#[test]
fn cancelled_while_a_connection_is_being_made_a_request_gives_up() {
    bounded(|| {
        // The listener accepts nothing, so the handshake with the proxy hangs.
        let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config();
        let proxy = format!("http://{}", hangs.local_addr().unwrap());
        config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
        let client = Client::with_config(config).unwrap();
        let handle = CancelHandle::new();
        let asking = sending(&client, "http://a.example/", &handle, |request| request);
        drop(hangs.accept().unwrap());
        handle.cancel();
        assert_cancelled(asking.join().unwrap(), Phase::Slot);
    });
}

#[test]
fn cancelled_while_it_stands_in_line_a_request_lets_the_next_one_go_first() {
    bounded(|| {
        let mut limits = server::Config::default();
        limits.http2.max_concurrent_streams = 1;
        let (begun, begins) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        let ended = Mutex::new(ended);
        let server = serve_with(limits, move |_, _| {
            begun.send(()).unwrap();
            ended.lock().unwrap().recv().map_err(io::Error::other)
        });
        let mut config = config();
        config.max_connections_per_origin = 1;
        let client = Client::with_config(config).unwrap();
        // Its response comes after the server's SETTINGS: from then on the client knows the limit.
        ends.send(()).unwrap();
        let greeting = sending(&client, &server.url, &CancelHandle::new(), |request| request);
        drop(greeting.join().unwrap().unwrap());
        begins.recv().unwrap();
        let first = sending(&client, &server.url, &CancelHandle::new(), |request| request);
        begins.recv().unwrap();
        let handle = CancelHandle::new();
        let waiting: Vec<_> =
            (0..3).map(|_| sending(&client, &server.url, &handle, |request| request)).collect();
        let last = sending(&client, &server.url, &CancelHandle::new(), |request| request);
        handle.cancel();
        for waiting in waiting {
            assert_cancelled(waiting.join().unwrap(), Phase::Slot);
        }
        ends.send(()).unwrap();
        ends.send(()).unwrap();
        for served in [first, last] {
            assert_eq!(served.join().unwrap().unwrap().status(), 200);
        }
        // Cancelled requests never reached the server.
        assert_eq!(begins.try_iter().count(), 1);
    });
}

#[test]
fn cancelled_while_it_is_sent_a_request_resets_its_stream() {
    bounded(|| {
        let (listener, url) = listener();
        let (client, handle) = (client(), CancelHandle::new());
        let asking = sending(&client, &url, &handle, |request| {
            request.body(Body::from_reader(io::repeat(7)))
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.receive_data(65_535);
        handle.cancel();
        assert_cancelled(asking.join().unwrap(), Phase::Request);
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert_goes_on(&client, &url, &mut peer);
    });
}

#[test]
fn cancelled_while_its_response_is_waited_for_a_request_resets_its_stream() {
    bounded(|| {
        let (listener, url) = listener();
        let (client, handle) = (client(), CancelHandle::new());
        let asking = sending(&client, &url, &handle, |request| request);
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        handle.cancel();
        assert_cancelled(asking.join().unwrap(), Phase::Response);
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert_goes_on(&client, &url, &mut peer);
    });
}

#[test]
fn cancelled_while_another_thread_reads_for_both_a_request_leaves_the_other_alone() {
    bounded(|| {
        let (listener, url) = listener();
        let (client, handle) = (client(), CancelHandle::new());
        let other = sending(&client, &url, &CancelHandle::new(), |request| request);
        let mut peer = Peer::accept(&listener);
        let (one, _) = peer.receive_headers();
        let asking = sending(&client, &url, &handle, |request| request);
        let (id, _) = peer.receive_headers();
        handle.cancel();
        assert_cancelled(asking.join().unwrap(), Phase::Response);
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        peer.answer(one, 200, "");
        assert_eq!(other.join().unwrap().unwrap().status(), 200);
    });
}

#[test]
fn cancelled_while_its_body_is_read_a_response_resets_its_stream() {
    bounded(|| {
        let (listener, url) = listener();
        let (client, handle) = (client(), CancelHandle::new());
        let asking = sending(&client, &url, &handle, |request| request);
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        peer.send_data(id, "hello", false);
        let mut body = asking.join().unwrap().unwrap().into_body();
        body.read_exact(&mut [0; 5]).unwrap();
        let reading = thread::spawn(move || (body.read(&mut [0]).map_err(Error::from), body));
        handle.cancel();
        let (read, mut body) = reading.join().unwrap();
        assert_cancelled(read, Phase::Body);
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert_cancelled(body.trailers(), Phase::Body);
        assert_goes_on(&client, &url, &mut peer);
    });
}

#[test]
fn received_body_is_not_read_after_cancelling() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(&[7; 100_000]));
        let client = client();
        let mut request = client.get(server.at("/"));
        let handle = request.cancel_handle();
        let mut body = request.send().unwrap().into_body();
        body.read_exact(&mut [0; 50_000]).unwrap();
        handle.cancel();
        assert_cancelled(body.read(&mut [0]).map_err(Error::from), Phase::Body);
    });
}

#[test]
fn one_handle_cancels_all_its_requests_and_no_others() {
    bounded(|| {
        let (begun, begins) = mpsc::channel();
        let server = serve(move |request, _| {
            begun.send(()).unwrap();
            // Until the client cancels it.
            if request.path() == "/waits" {
                while !request.is_cancelled() {
                    thread::yield_now();
                }
            }
            Ok(())
        });
        let (client, handle) = (client(), CancelHandle::new());
        let waits = server.at("/waits");
        let asking: Vec<_> =
            (0..8).map(|_| sending(&client, &waits, &handle, |request| request)).collect();
        (0..8).for_each(|_| begins.recv().unwrap());
        handle.clone().cancel();
        for asking in asking {
            assert_cancelled(asking.join().unwrap(), Phase::Response);
        }
        assert_eq!(client.get(server.at("/")).send().unwrap().status(), 200);
        eventually(|| client.connections()[0].open_streams() == 0);
        let late = client.get(server.at("/")).cancel_with(&handle).send();
        assert_cancelled(late, Phase::Slot);
    });
}

#[test]
fn a_handle_that_is_not_used_changes_nothing() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let (client, handle) = (client(), CancelHandle::new());
        for _ in 0..3 {
            let response = client.get(server.at("/")).cancel_with(&handle).send().unwrap();
            assert_eq!(response.text().unwrap(), "hello");
        }
        handle.cancel();
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "hello");
    });
}

#[test]
fn requests_of_the_http_crate_have_the_handle_among_their_extensions() {
    bounded(|| {
        let (listener, url) = listener();
        let (client, handle) = (client(), CancelHandle::new());
        let request = || http::Request::get(&*url).extension(handle.clone());
        let (run, opened) = (request().body("").unwrap(), request().body(()).unwrap());
        let running = thread::spawn({
            let client = client.clone();
            move || client.run(run)
        });
        let mut peer = Peer::accept(&listener);
        let (one, _) = peer.receive_headers();
        let (_send, mut response) = client.open(opened).unwrap();
        let (other, _) = peer.receive_headers();
        let reading = thread::spawn(move || response.response());
        handle.cancel();
        assert_cancelled(running.join().unwrap(), Phase::Response);
        assert!(reading.join().unwrap().unwrap_err().is_cancelled());
        let mut reset = [peer.receive_reset(), peer.receive_reset()];
        reset.sort_by_key(|(id, _)| *id);
        assert_eq!(reset, [(one, ErrorCode::Cancel), (other, ErrorCode::Cancel)]);
        assert!(
            client.open(http::Request::get(&*url).extension(handle).body(()).unwrap()).is_err()
        );
    });
}

#[test]
fn a_half_that_is_reset_by_one_thread_wakes_the_thread_that_waits_for_the_other() {
    bounded(|| {
        let (connection, mut peer) = connection_and_peer();
        let (mut send, mut response) = connection.open(&post("/")).unwrap();
        let reading = thread::spawn(move || response.response());
        let (id, _) = peer.receive_headers();
        send.reset(ErrorCode::Cancel);
        assert!(reading.join().unwrap().is_err());
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
    });
}

#[test]
fn a_read_that_cannot_be_limited_ends_with_the_answer_to_a_ping() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let pair = (near.try_clone().unwrap(), near);
        let connection = Connection::start(pair, h2_sync::Config::default()).unwrap();
        let handle = CancelHandle::new();
        let mut request = get("/");
        request.extensions_mut().insert(handle.clone());
        let mut response = connection.send(&request).unwrap();
        let reading = thread::spawn(move || response.response());
        let mut peer = Peer::accept(&listener);
        peer.receive_headers();
        handle.cancel();
        peer.receive_reset();
        let payload = peer.until(|frame| match frame {
            Frame::Ping(ping) if !ping.ack => Some(ping.payload),
            _ => None,
        });
        peer.send(Ping { ack: true, payload });
        assert!(reading.join().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn request_that_is_opened_can_be_cancelled_and_has_its_time() {
    bounded(|| {
        let mut limits = server::Config::default();
        limits.http2.max_concurrent_streams = 1;
        let server = serve_with(limits, |request, _| {
            if request.path() == "/wait" {
                request.wait_cancelled(Duration::from_secs(60));
            }
            Ok(())
        });
        let mut settings = config();
        settings.max_connections_per_origin = 1;
        let client = Client::with_config(settings).unwrap();
        // The client knows the limit from here on.
        client.get(server.at("/")).send().unwrap();

        let mut request = client.post(server.at("/wait"));
        let handle = request.cancel_handle();
        let (_send, mut response) = request.open().unwrap();
        let late = client.post(server.at("/")).timeout(Duration::from_millis(50)).open();
        assert!(late.unwrap_err().is_timeout());
        let other = thread::spawn(move || handle.cancel());
        assert!(response.response().unwrap_err().is_cancelled());
        other.join().unwrap();
    });
}
