//! Bodies of requests that are taken and read by another thread.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use h2_sync::http::{HeaderMap, HeaderValue, Version};
use h2_sync::server::{Handle, Request, Response};
use h2_sync::{Error, ErrorCode, Headers};

use crate::client::Client;
use crate::http1::raw;
use crate::support::{LONG, bounded, post, serve};

/// The result of reading a body to its end.
type Outcome = Result<(usize, Option<HeaderMap>), Error>;

/// A server that answers `early`, while another thread reads the body and reports its end.
fn answers_early() -> (Handle, Receiver<Outcome>) {
    let (sender, outcomes) = unbounded();
    let server = serve(move |request, response| {
        let mut body = request.take_body().unwrap();
        let sender = sender.clone();
        thread::spawn(move || {
            let mut octets = 0;
            let outcome = loop {
                match body.next_chunk() {
                    Ok(Some(chunk)) => octets += chunk.len(),
                    Ok(None) => break body.trailers().map(|trailers| (octets, trailers)),
                    Err(error) => break Err(error),
                }
            };
            sender.send(outcome).unwrap();
        });
        Ok(response.send("early")?)
    });
    (server, outcomes)
}

fn outcome(outcomes: &Receiver<Outcome>) -> Outcome {
    outcomes.recv_timeout(LONG).expect("the body comes to its end")
}

#[test]
fn handler_answers_while_another_thread_reads() {
    fn echo(request: &mut Request, response: &mut Response) -> Result<(), Error> {
        let mut body = request.take_body().unwrap();
        let (sender, chunks) = mpsc::sync_channel(1);
        let reader = thread::spawn(move || {
            while let Some(chunk) = body.next_chunk()? {
                let _ = sender.send(chunk);
            }
            body.trailers()
        });
        for chunk in chunks {
            response.send(chunk)?;
        }
        response.set_trailers(reader.join().unwrap()?.unwrap_or_default());
        Ok(())
    }
    bounded(|| {
        for version in [Version::HTTP_2, Version::HTTP_11] {
            let body: Vec<u8> = (0..3_000_000).map(|n| n as u8).collect();
            let trailers = HeaderMap::from_iter([("sum".parse().unwrap(), HeaderValue::from(6))]);
            let request = Request::builder().method("POST").version(version);
            let request = request.header("te", "trailers").trailers(trailers.clone());
            let response = request.body(body.clone()).send_to(echo).unwrap();
            assert!(response.body() == &body, "{} octets", response.body().len());
            assert_eq!(response.trailers(), &trailers);
        }
    });
}

#[test]
fn body_is_read_on_after_the_response() {
    bounded(|| {
        let (server, outcomes) = answers_early();
        let mut client = Client::of(&server);
        let id = client.post("/");
        assert_eq!(client.reply(id).text(), "early");
        // More than the initial window of the stream.
        for _ in 0..20 {
            client.send(id, vec![0; 50_000], false);
        }
        client.send_trailers(id, Headers::new().with("sum", "6"));
        let (octets, trailers) = outcome(&outcomes).unwrap();
        assert_eq!((octets, &trailers.unwrap()["sum"]), (1_000_000, &HeaderValue::from(6)));

        let mut raw = raw(&server);
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        raw.send(head);
        assert_eq!(raw.reply().text(), "early");
        raw.send("3\r\none\r\n");
        raw.send("3\r\ntwo\r\n0\r\nsum: 6\r\n\r\n");
        let (octets, trailers) = outcome(&outcomes).unwrap();
        assert_eq!((octets, &trailers.unwrap()["sum"]), (6, &HeaderValue::from(6)));
        // The connection serves the next request.
        raw.send(format!("{head}0\r\n\r\n"));
        assert_eq!(raw.reply().text(), "early");
        assert_eq!(outcome(&outcomes).unwrap().0, 0);
    });
}

#[test]
fn client_that_gives_up_ends_the_reads() {
    bounded(|| {
        let (server, outcomes) = answers_early();
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.until(|client| client.so_far(id).text() == "early");
        client.send(id, "part", false);
        client.reset(id, ErrorCode::Cancel);
        assert!(outcome(&outcomes).unwrap_err().is_reset());

        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\npart");
        assert_eq!(raw.reply().text(), "early");
        drop(raw);
        outcome(&outcomes).unwrap_err();
    });
}

#[test]
fn failure_of_the_handler_ends_the_reads() {
    bounded(|| {
        let (sender, outcomes) = unbounded();
        let server = serve(move |request, response| {
            let mut body = request.take_body().unwrap();
            let sender = sender.clone();
            thread::spawn(move || {
                sender.send(body.read_to_end(&mut Vec::new())).unwrap();
            });
            response.write_all(b"part")?;
            response.flush()?;
            Err("failed".into())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        assert!(client.reply(id).reset.is_some());
        outcomes.recv_timeout(LONG).unwrap().unwrap_err();

        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
        outcomes.recv_timeout(LONG).unwrap().unwrap_err();
        raw.rest();
    });
}

#[test]
fn body_that_is_dropped_unread_does_not_delay_the_response() {
    bounded(|| {
        let server = serve(|request, response| {
            drop(request.take_body());
            Ok(response.send("done")?)
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.send(id, vec![0; 5_000], false);
        client.until(|client| client.so_far(id).text() == "done");
        client.send(id, vec![0; 5_000], true);
        assert!(client.reply(id).is_complete);

        let mut raw = raw(&server);
        for _ in 0..2 {
            raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody");
            assert_eq!(raw.reply().text(), "done");
        }
    });
}

#[test]
fn first_read_asks_a_client_that_waits_to_continue() {
    bounded(|| {
        let server = serve(|request, response| {
            let mut body = request.take_body().unwrap();
            let reader = thread::spawn(move || {
                let mut text = String::new();
                body.read_to_string(&mut text).map(|_| text)
            });
            let text = reader.join().unwrap()?;
            Ok(response.send(text)?)
        });
        let mut client = Client::of(&server);
        let id = client.open(&post("/").with("expect", "100-continue"), false);
        client.until(|client| !client.so_far(id).interim.is_empty());
        client.send(id, "hi", true);
        let reply = client.reply(id);
        assert_eq!((reply.interim[0].status(), reply.text()), (Some(100), "hi"));

        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n");
        assert_eq!(raw.reply().status, 100);
        raw.send("hi");
        assert_eq!(raw.reply().text(), "hi");
    });
}

#[test]
fn refusal_is_not_followed_by_a_request_to_continue() {
    bounded(|| {
        let (go, gate) = unbounded::<()>();
        let (sender, outcomes) = unbounded();
        let server = serve(move |request, response| {
            let mut body = request.take_body().unwrap();
            let (gate, sender) = (gate.clone(), sender.clone());
            thread::spawn(move || {
                gate.recv().unwrap();
                sender.send(body.read_to_end(&mut Vec::new())).unwrap();
            });
            Ok(response.set_status(403)?)
        });
        let mut client = Client::of(&server);
        let id = client.open(&post("/").with("expect", "100-continue"), false);
        client.until(|client| client.so_far(id).status() == Some(403));
        go.send(()).unwrap();
        // RFC 9110, Section 10.1.1: such a client may end the request, without its content.
        client.send(id, "", true);
        assert_eq!(outcomes.recv_timeout(LONG).unwrap().unwrap(), 0);
        assert!(client.reply(id).interim.is_empty());

        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n");
        let reply = raw.reply();
        assert!(reply.status == 403 && reply.closes(), "{}", reply.head);
        go.send(()).unwrap();
        raw.end();
        outcomes.recv_timeout(LONG).unwrap().unwrap_err();
        raw.assert_closed();
    });
}

#[test]
fn request_whose_body_was_taken_has_none() {
    fn handler(request: &mut Request, response: &mut Response) -> Result<(), Error> {
        let mut body = request.take_body().unwrap();
        assert!(request.take_body().is_none());
        assert!(!request.has_body());
        assert!(request.next_chunk()?.is_none());
        assert!(request.trailers()?.is_none());
        // Neither sends a part of a response before it fails.
        assert!(response.split(request).unwrap_err().to_string().contains("taken"));
        assert!(response.upgrade(request, "echo").is_err());
        let mut text = String::new();
        body.read_to_string(&mut text)?;
        response.set_status(201)?;
        response.send(text)
    }
    bounded(|| {
        for version in [Version::HTTP_2, Version::HTTP_11] {
            for body in ["", "body"] {
                let request = Request::builder().method("POST").version(version);
                let request = match version {
                    Version::HTTP_11 => request.header("upgrade", "echo"),
                    _ => request,
                };
                let response = request.body(body).send_to(handler).unwrap();
                assert_eq!((response.status().as_u16(), response.text()), (201, body));
            }
        }
    });
}
