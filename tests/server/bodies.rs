//! Large bodies in both directions, and flow control between client and handler.

use std::io::{Read, Write};

use bytes::Bytes;
use h2_sync::{Act, ErrorCode, StreamId};

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{bounded, config, gate, get, post, serve, serve_with};

const LARGE: usize = 64 << 20;

/// The window that each stream starts with, at a server and in a Session.
const WINDOW: usize = 256 << 10;

/// Octets that depend on their offsets.
fn pattern(len: usize) -> Bytes {
    (0..len).map(|at| (at / 251 + at) as u8).collect::<Vec<_>>().into()
}

/// Sends a body as there is room, and takes events meanwhile.
fn upload(client: &mut Client, ids: &[StreamId], len: usize) {
    let piece = Bytes::from(vec![7; 64 << 10]);
    let mut left: Vec<_> = ids.iter().map(|&id| (id, len)).collect();
    while !left.is_empty() {
        let before = left.clone();
        left.retain_mut(|(id, left)| {
            let data = piece.slice(..piece.len().min(*left));
            let len = data.len();
            let act = Act::SendData { stream_identifier: *id, data, is_end_stream: len == *left };
            match client.session.put_act(act) {
                Ok(()) => *left -= len,
                Err(error) => assert!(error.is_full(), "{error}"),
            }
            *left > 0
        });
        if left == before {
            // Something makes room.
            let evt = client.session.take_evt_timeout(crate::support::LONG).unwrap();
            client.note(evt);
        }
    }
}

#[test]
fn a_body_of_64_mib_comes_down_whole() {
    bounded(|| {
        let body = pattern(LARGE);
        let sent = body.clone();
        let server = serve(move |request, response| {
            match request.path() {
                "/send" => response.send(sent.clone())?,
                _ => response.write_all(&sent)?,
            }
            Ok(())
        });
        let mut client = Client::of(&server);
        for path in ["/send", "/write"] {
            let reply = client.fetch(path);
            assert!(reply.is_complete && reply.body == body, "{path}: {}", reply.body.len());
        }
    });
}

#[test]
fn a_body_of_64_mib_goes_up_whole() {
    bounded(|| {
        let server = serve(|request, response| {
            let (mut count, mut sum) = (0, 0_u64);
            while let Some(chunk) = request.next_chunk()? {
                count += chunk.len();
                sum += chunk.iter().map(|&octet| u64::from(octet)).sum::<u64>();
            }
            Ok(write!(response, "{count} {sum}")?)
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        upload(&mut client, &[id], LARGE);
        assert_eq!(client.reply(id).text(), format!("{LARGE} {}", 7 * LARGE));
    });
}

#[test]
fn eight_uploads_at_once_finish_beside_one_that_is_not_read() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/never" {
                at.wait("never");
                return Ok(());
            }
            // Each handler reads at its own pace.
            let mut piece = vec![0; request.query().unwrap().parse::<usize>()? << 10];
            let mut count = 0;
            loop {
                match request.read(&mut piece)? {
                    0 => break,
                    len => count += len,
                }
                std::thread::yield_now();
            }
            Ok(write!(response, "{count}")?)
        });
        let mut client = Client::of(&server);
        let never = client.post("/never");
        // As much as its window allows.
        client.send(never, vec![0; WINDOW], false);
        bolt.comes();
        let ids: Vec<_> = (1..=8).map(|n| client.post(&format!("/?{}", n * n))).collect();
        upload(&mut client, &ids, LARGE / 8);
        for id in ids {
            assert_eq!(client.reply(id).text(), (LARGE / 8).to_string());
        }
        bolt.open();
        assert_eq!(client.reply(never).status(), Some(200));
    });
}

#[test]
fn an_unread_body_takes_no_more_memory_than_its_window() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        bolt.comes();
        client.send(id, vec![0; WINDOW], false);
        client.send(id, vec![0; 64 << 10], false);
        client.ping();
        client.ping();
        assert_eq!(client.session.stats().send_buffered, 64 << 10);
        bolt.open();
    });
}

#[test]
fn a_request_that_is_not_read_gets_its_answer_and_then_no_error() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_status(403)?;
            Ok(response.write_all(b"no")?)
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.send(id, vec![0; 100], false);
        client.until(|client| client.so_far(id).is_complete);
        assert_eq!((client.so_far(id).status(), client.so_far(id).text()), (Some(403), "no"));
        client.until(|client| client.so_far(id).reset.is_some());
        assert_eq!(client.so_far(id).reset, Some(ErrorCode::NoError));
    });
}

#[test]
fn a_client_that_has_filled_its_window_unread_can_still_finish_its_request() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, response| {
            at.wait("handler");
            Ok(response.write_all(b"not read")?)
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        bolt.comes();
        client.send(id, vec![0; WINDOW + 1], true);
        client.ping();
        bolt.open();
        let reply = client.reply(id);
        assert_eq!((reply.text(), reply.reset), ("not read", None));
        // The stream has ended on both sides: the rest of the body was sent.
        client.ping();
        assert_eq!(client.session.stats().streams_open, 0);
    });
}

#[test]
fn continue_comes_when_the_body_is_first_read() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/read" {
                at.wait("handler");
                std::io::copy(request, response)?;
            }
            Ok(())
        });
        let mut client = Client::of(&server);
        let expecting = |path| post(path).with("expect", "100-continue");
        let id = client.open(&expecting("/read"), false);
        bolt.comes();
        client.ping();
        assert!(client.so_far(id).interim.is_empty(), "no handler has read the body yet");
        bolt.let_one();
        client.until(|client| !client.so_far(id).interim.is_empty());
        client.send(id, "hello", true);
        let reply = client.reply(id);
        assert_eq!(reply.interim[0].status(), Some(100));
        assert_eq!(reply.text(), "hello");

        let reply = client.exchange(&expecting("/not-read"), b"hello");
        assert!(reply.interim.is_empty());
    });
}

#[test]
fn continue_is_not_said_where_the_body_has_come_by_then() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            at.wait("handler");
            std::io::copy(request, response)?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.open(&post("/").with("expect", "100-continue"), false);
        client.send(id, "hello", true);
        bolt.comes();
        client.ping();
        bolt.open();
        assert!(client.reply(id).interim.is_empty());
    });
}

#[test]
fn a_write_waits_for_the_clients_window() {
    bounded(|| {
        let (sender, written) = crossbeam_channel::unbounded();
        let server = serve(move |_, response| {
            for _ in 0..100 {
                response.write_all(&[0; 64 << 10])?;
                sender.send(64 << 10).unwrap();
            }
            Ok(())
        });
        // The first is not read, so its window stays shut; the second continues.
        let mut client = Client::with(&server, {
            let mut config = h2_sync::Config::default();
            config.auto_release = false;
            config
        });
        let first = client.get("/");
        client.until(|client| client.so_far(first).body.len() == WINDOW);
        let settles = |count: &mut usize| {
            *count += written.try_iter().sum::<usize>();
            *count
        };
        let mut count = 0;
        client.ping();
        // The window, the octets queued in the connection, and those that the handler holds.
        assert!(settles(&mut count) <= WINDOW + (2 << 20) + (64 << 10));
        client
            .session
            .put_act(Act::Reset { stream_identifier: first, error_code: ErrorCode::Cancel })
            .unwrap();
        assert_eq!(client.fetch_status("/"), Some(200));
    });
}

#[test]
fn a_client_that_never_reads_does_not_keep_others_waiting() {
    bounded(|| {
        let server =
            serve_with(config(|config| config.http2.stall_timeout = None), |request, response| {
                match request.path() {
                    "/large" => response.write_all(&[0; 8 << 20])?,
                    _ => response.write_all(b"hello")?,
                }
                Ok(())
            });
        let huge = h2_sync::frame::MAX_WINDOW;
        let window = h2_sync::frame::Setting::InitialWindowSize(huge);
        let mut deaf = Peer::with(&server, vec![window]);
        deaf.send(h2_sync::frame::WindowUpdate {
            stream_id: h2_sync::StreamId::CONNECTION,
            increment: huge - 65_535,
        });
        for _ in 0..4 {
            deaf.open(&get("/large"), true);
        }
        for _ in 0..20 {
            assert_eq!(Client::of(&server).fetch("/").text(), "hello");
        }
    });
}
