//! Readiness, and the end of a server without lost requests.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Aborted, Handle, Request, Response};

use crate::client::Client;
use crate::http1::raw;
use crate::support::{BoxError, LONG, bounded, eventually, gate, serve};

/// Answers `/ready` as balancers ask for it.
fn ready(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    let is_ready = request.is_server_ready();
    assert_eq!(is_ready, request.caller().is_server_ready());
    Ok(response.set_status(if is_ready { 200 } else { 503 })?)
}

fn drain(server: &Arc<Handle>, notice: Duration) -> thread::JoinHandle<Aborted> {
    let server = Arc::clone(server);
    thread::spawn(move || server.drain(notice, LONG))
}

#[test]
fn server_in_its_notice_is_not_ready_and_serves_as_before() {
    bounded(|| {
        let server = Arc::new(serve(ready));
        let (mut old, mut client) = (raw(&server), Client::of(&server));
        assert_eq!(old.get("/ready").status, 200);
        assert_eq!(client.fetch("/ready").status(), Some(200));
        let drains = drain(&server, 10 * LONG);
        eventually(|| !server.is_ready());
        for _ in 0..2 {
            let reply = old.get("/ready");
            assert!(reply.status == 503 && !reply.closes(), "{}", reply.head);
            assert_eq!(client.fetch("/ready").status(), Some(503));
            // Also on a new connection.
            assert_eq!(raw(&server).get("/ready").status, 503);
        }
        assert!(client.goaways.is_empty());
        // A second call ends the notice.
        assert_eq!(server.shutdown(LONG), Aborted::default());
        assert_eq!(drains.join().unwrap(), Aborted::default());
        client.until_closed();
        old.assert_closed();
    });
}

#[test]
fn drain_without_requests_ends_after_its_notice() {
    bounded(|| {
        let server = serve(ready);
        assert_eq!(server.drain(Duration::from_millis(1), LONG), Aborted::default());
        assert!(!server.is_ready());
    });
}

#[test]
fn application_sets_the_readiness_until_the_end_begins() {
    bounded(|| {
        let server = serve(ready);
        assert!(server.is_ready());
        server.set_ready(false);
        assert_eq!(raw(&server).get("/ready").status, 503);
        server.set_ready(true);
        assert_eq!(raw(&server).get("/ready").status, 200);
        server.shutdown(LONG);
        server.set_ready(true);
        assert!(!server.is_ready());
    });
}

#[test]
fn request_behind_a_response_that_did_not_announce_the_end_is_answered() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = Arc::new(serve(move |request, response| {
            if request.path() == "/slow" {
                response.write_all(b"head and ")?;
                response.flush()?;
                at.wait("handler");
            }
            Ok(response.write_all(b"body")?)
        }));
        let mut raw = raw(&server);
        raw.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
        bolt.comes();
        let drains = drain(&server, Duration::ZERO);
        eventually(|| !server.is_ready());
        // The client has seen a response that keeps the connection, and sends the next request.
        raw.send("GET /next HTTP/1.1\r\nhost: a\r\n\r\n");
        bolt.open();
        let reply = raw.reply();
        assert!(reply.text() == "head and body" && !reply.closes(), "{}", reply.head);
        let reply = raw.reply();
        assert!(reply.text() == "body" && reply.closes(), "{}", reply.head);
        raw.assert_closed();
        assert_eq!(drains.join().unwrap(), Aborted::default());
    });
}

#[test]
fn idle_connection_of_http1_does_not_count_as_aborted() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(b"hello")?));
        let mut idle: Vec<_> = (0..5).map(|_| raw(&server)).collect();
        for raw in &mut idle {
            assert_eq!(raw.get("/").text(), "hello");
        }
        assert_eq!(server.shutdown(LONG), Aborted::default());
        idle.iter_mut().for_each(|raw| raw.assert_closed());
    });
}
