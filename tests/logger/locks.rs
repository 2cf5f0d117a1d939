//! A logger may use what the lines are about: no lock is held when it is called.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use h2_sync::client::{Client, Config, Versions};
use h2_sync::server::Server;
use h2_sync::{Act, Evt, Session, headers, transport};

use crate::capture::{for_each_line, install};
use crate::support::{bounded, get};

/// Requests that are answered while the logger is busy with their connection.
const REQUESTS: usize = 20;

#[test]
fn logger_that_uses_a_session_does_not_stop_it() {
    install();
    bounded(|| {
        let (near, far) = transport::duplex(64 << 10);
        let client = Arc::new(h2_sync::new_connection(near, true, false).unwrap());
        let server = Arc::new(h2_sync::new_connection(far, false, false).unwrap());
        let uses = Arc::new(AtomicUsize::new(0));
        for session in [&client, &server] {
            let (session, uses) = (Arc::downgrade(session), Arc::clone(&uses));
            for_each_line(move || {
                let Some(session) = session.upgrade() else { return };
                session.stats();
                // Not more than the peer's budget allows.
                if uses.fetch_add(1, Ordering::Relaxed) < 50 {
                    let _ = session.put_act(Act::Ping);
                }
            });
        }
        for _ in 0..REQUESTS {
            let asked = client.open(&get("/"), true).unwrap();
            answer_next(&server);
            let is_answer = |evt: &Evt| matches!(evt, Evt::RecvHeaders { stream_identifier, .. } if *stream_identifier == asked);
            while !is_answer(&client.take_evt().unwrap()) {}
        }
        assert!(uses.load(Ordering::Relaxed) > REQUESTS, "the logger was not called");
    });
}

fn answer_next(server: &Session) {
    loop {
        if let Evt::RecvHeaders { stream_identifier, .. } = server.take_evt().unwrap() {
            let headers = headers!(":status" => "200");
            let act = Act::SendHeaders { stream_identifier, headers, is_end_stream: true };
            return server.put_act(act).unwrap();
        }
    }
}

#[test]
fn logger_that_uses_client_and_server_does_not_stop_them() {
    install();
    bounded(|| {
        // The logger writes to a response that is not over.
        let open = Arc::new(Mutex::new(None));
        let theirs = Arc::clone(&open);
        let server = Server::bind("127.0.0.1:0").unwrap().serve(move |request, response| {
            if request.path() == "/open" {
                *theirs.lock().unwrap() = Some(response.split(request)?.1);
                return Ok(());
            }
            response.write_all(b"hello")
        });
        let server = Arc::new(server.unwrap());
        let mut config = Config::default();
        config.versions = Versions::Http2;
        let client = Client::with_config(config).unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let endless = client.get(format!("{url}/open")).send().unwrap();
        let uses = Arc::new(AtomicUsize::new(0));
        let (theirs, counted, half) = (client.clone(), Arc::clone(&uses), Arc::clone(&open));
        let handle = Arc::downgrade(&server);
        for_each_line(move || {
            for connection in theirs.connections() {
                let _ = connection.stats();
            }
            if let Some(handle) = handle.upgrade() {
                handle.stats();
            }
            if let Some(half) = half.try_lock().ok().as_mut().and_then(|half| half.as_mut()) {
                let _ = half.try_send(&b"."[..]);
            }
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for _ in 0..REQUESTS {
            assert_eq!(client.get(&url).send().unwrap().text().unwrap(), "hello");
        }
        assert!(uses.load(Ordering::Relaxed) > REQUESTS, "the logger was not called");
        drop(endless);
        *open.lock().unwrap() = None;
    });
}
