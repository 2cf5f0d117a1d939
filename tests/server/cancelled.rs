//! How handlers and halves learn that the client has abandoned the response.

use std::io::Write;
use std::time::Duration;

use crossbeam_channel::{bounded as channel, unbounded};
use h2_sync::server::Request;
use h2_sync::{Error, ErrorCode};

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{BoxError, LONG, bounded, get, post, serve};

/// How a handler watches its client.
type Watch = fn(&Request) -> bool;

/// Polls repeatedly, as a handler with a long task would.
fn poll(request: &Request) -> bool {
    let mut looks = 0;
    while !request.is_cancelled() && looks < 20_000 {
        std::thread::sleep(Duration::from_millis(1));
        looks += 1;
    }
    request.is_cancelled()
}

fn wait(request: &Request) -> bool {
    request.wait_cancelled(LONG)
}

/// Waits on another thread.
fn wait_elsewhere(request: &Request) -> bool {
    let caller = request.caller();
    let other = std::thread::spawn(move || caller.wait_cancelled(LONG));
    other.join().unwrap() && request.caller().is_cancelled()
}

/// Serves requests whose handlers only watch for the cancellation, cancels them with `end`, and
/// expects all handlers to notice.
fn all_notice(watch: Watch, count: usize, end: fn(&mut Client, &[h2_sync::StreamId])) {
    bounded(move || {
        let (begun, has_begun) = unbounded();
        let (noticed, has_noticed) = unbounded();
        let server = serve(move |request, _| {
            begun.send(())?;
            Ok(noticed.send(watch(request))?)
        });
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..count).map(|_| client.get("/")).collect();
        for _ in 0..count {
            has_begun.recv_timeout(LONG).unwrap();
        }
        end(&mut client, &ids);
        for _ in 0..count {
            assert_eq!(has_noticed.recv_timeout(LONG), Ok(true));
        }
    });
}

fn reset_all(client: &mut Client, ids: &[h2_sync::StreamId]) {
    ids.iter().for_each(|&id| client.reset(id, ErrorCode::Cancel));
}

fn close(client: &mut Client, _: &[h2_sync::StreamId]) {
    client.session.close();
}

#[test]
fn reset_stream_is_cancelled() {
    all_notice(poll, 1, reset_all);
    all_notice(wait, 1, reset_all);
    all_notice(wait_elsewhere, 1, reset_all);
}

#[test]
fn each_of_many_handlers_of_a_connection_notices_its_reset() {
    all_notice(poll, 30, reset_all);
    all_notice(wait, 30, reset_all);
}

#[test]
fn all_requests_of_a_closed_connection_are_cancelled() {
    all_notice(poll, 30, close);
    all_notice(wait, 30, close);
}

#[test]
fn request_with_a_patient_client_is_not_cancelled() {
    bounded(|| {
        let server = serve(|request, response| {
            assert!(!request.is_cancelled());
            assert!(!request.wait_cancelled(Duration::from_millis(5)));
            std::io::copy(request, response)?;
            assert!(!request.is_cancelled());
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.send(id, "body", true);
        assert_eq!(client.reply(id).text(), "body");
    });
}

#[test]
fn body_that_arrives_during_the_wait_is_read_afterwards() {
    bounded(|| {
        let (begun, has_begun) = channel(1);
        let server = serve(move |request, response| {
            begun.send(())?;
            assert!(!request.wait_cancelled(Duration::from_millis(50)));
            std::io::copy(request, response)?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        has_begun.recv_timeout(LONG).unwrap();
        client.send(id, "while it waits", true);
        assert_eq!(client.reply(id).text(), "while it waits");
    });
}

#[test]
fn silently_vanished_client_cancels_its_requests() {
    bounded(|| {
        let (told, tells) = channel(1);
        let server = serve(move |request, _| Ok(told.send(request.wait_cancelled(LONG))?));
        let mut peer = Peer::of(&server);
        peer.open(&get("/"), true);
        peer.shut();
        assert_eq!(tells.recv_timeout(LONG), Ok(true));
    });
}

/// Flushes repeatedly, with nothing to send, until that fails.
fn flush_until_it_fails(send: &mut dyn Write) -> Result<Error, BoxError> {
    for _ in 0..20_000 {
        if let Err(error) = send.flush() {
            return Ok(error.into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("flush never fails".into())
}

#[test]
fn flush_with_nothing_to_send_reports_the_reset() {
    for method in [get("/"), post("/"), get("/").with("x", "1")] {
        bounded(move || {
            let (begun, has_begun) = channel(1);
            let (told, tells) = channel(1);
            let server = serve(move |_, response| {
                response.flush()?;
                begun.send(())?;
                told.send(flush_until_it_fails(response)?)?;
                Ok(())
            });
            let client = Client::of(&server);
            let id = client.open(&method, true);
            has_begun.recv_timeout(LONG).unwrap();
            client.reset(id, ErrorCode::Cancel);
            assert!(tells.recv_timeout(LONG).unwrap().is_reset());
        });
    }
}

#[test]
fn flush_of_a_response_without_body_reports_the_reset() {
    bounded(|| {
        let (begun, has_begun) = channel(1);
        let (told, tells) = channel(1);
        let server = serve(move |_, response| {
            response.set_status(204)?;
            response.flush()?;
            begun.send(())?;
            told.send(flush_until_it_fails(response)?)?;
            Ok(())
        });
        let client = Client::of(&server);
        let id = client.get("/");
        has_begun.recv_timeout(LONG).unwrap();
        client.reset(id, ErrorCode::Cancel);
        assert!(tells.recv_timeout(LONG).unwrap().is_reset());
    });
}

#[test]
fn both_halves_notice_the_reset() {
    bounded(|| {
        let (give, take) = channel(1);
        let server = serve(move |request, response| Ok(give.send(response.split(request)?)?));
        let client = Client::of(&server);
        let id = client.post("/");
        let (recv, mut send) = take.recv_timeout(LONG).unwrap();
        assert!(!recv.is_cancelled() && !send.is_cancelled() && !send.is_closed());
        send.flush().unwrap();
        let waits = std::thread::spawn(move || recv.wait_cancelled(LONG));
        assert!(!send.wait_cancelled(Duration::from_millis(5)));
        client.reset(id, ErrorCode::Cancel);
        assert!(send.wait_cancelled(LONG));
        assert!(waits.join().unwrap());
        assert!(send.is_cancelled() && send.is_closed());
        assert!(Error::from(send.flush().unwrap_err()).is_reset());
    });
}

#[test]
fn half_that_is_finished_is_closed_and_flushes() {
    bounded(|| {
        let (give, take) = channel(1);
        let server = serve(move |request, response| Ok(give.send(response.split(request)?)?));
        let mut client = Client::of(&server);
        let id = client.get("/");
        let (_recv, mut send) = take.recv_timeout(LONG).unwrap();
        send.finish().unwrap();
        assert!(send.is_closed());
        assert_eq!(client.reply(id).status(), Some(200));
        send.flush().unwrap();
    });
}
