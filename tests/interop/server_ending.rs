//! Responses without an end, and servers that shut down.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use h2_sync::client::Versions;
use h2_sync::{Act, Evt, headers, new_connection};

use crate::peer::{self, Guard};
use crate::server_examples::start;
use crate::websocket::client;

#[test]
fn events_come_one_by_one() {
    let Some(curl) = peer::find("curl") else { return };
    let Some(server) = start("sse", &[]) else { return };
    let mut command = Command::new(curl);
    command.args(["--silent", "--no-buffer", "--http2-prior-knowledge"]).arg(server.url("/ticks"));
    let mut curl = Guard(command.stdout(Stdio::piped()).spawn().unwrap());
    // The response does not end: a server that held back its first octets would fail here.
    let mut lines = BufReader::new(curl.0.stdout.take().unwrap()).lines();
    for tick in 1..=3 {
        let line = lines.find(|line| line.as_ref().unwrap().starts_with("data: "));
        assert_eq!(line.unwrap().unwrap(), format!("data: {tick}"));
    }
}

#[test]
fn last_event_of_a_client_that_cannot_be_is_passed_over() {
    let Some(server) = start("sse", &[]) else { return };
    let client = client(Versions::Http2);
    for (last, next) in [("7", "id: 8"), (&*u64::MAX.to_string(), "id: 1")] {
        let request = client.get(server.url("/ticks")).timeout(None);
        let events = request.header("last-event-id", last).send().unwrap().into_body();
        assert_eq!(events.lines().next().unwrap().unwrap(), next);
    }
}

#[test]
fn request_cannot_occupy_a_thread_for_good() {
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let client = client(Versions::Http2);
    let time = Duration::from_secs(60);
    let sleep = client.get(server.url(&format!("/sleep/{}", u64::MAX))).timeout(time);
    assert_eq!(sleep.send().unwrap().status(), 404);
    let sink = client.post(server.url("/sink/0.000001")).body("octets").timeout(time);
    assert_eq!(sink.send().unwrap().status(), 404);
}

#[test]
fn a_server_that_is_terminated_finishes_what_it_has_begun() {
    if peer::find("kill").is_none() {
        return;
    }
    let Some(server) = start("graceful", &[]) else { return };
    let session =
        new_connection(TcpStream::connect(server.address()).unwrap(), true, false).unwrap();
    let request = headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "test", ":path" => "/slow",
    );
    let stream = session.open(&request, true).unwrap();
    // The answer to a PING after the request shows that the server has received it.
    session.put_act(Act::Ping).unwrap();
    while !matches!(session.take_evt().unwrap(), Evt::Pong { .. }) {}
    server.terminate();

    let mut body = Vec::new();
    let mut has_goaway = false;
    loop {
        match session.take_evt().unwrap() {
            Evt::RecvData { data, stream_identifier, .. } if stream_identifier == stream => {
                body.extend_from_slice(&data);
            }
            Evt::Goaway { .. } => has_goaway = true,
            Evt::Closed { .. } => break,
            _ => {}
        }
    }
    assert!(has_goaway);
    assert_eq!(body, b"hello world\n");
    let words = server.last_words();
    assert!(words.ends_with("served 1 requests; aborted 0 requests, 0 connections\n"), "{words}");
}
