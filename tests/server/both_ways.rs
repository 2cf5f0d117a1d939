//! Handlers that read and write in turn with the client, and split streams.

use std::io::{Read, Write};
use std::thread;

use h2_sync::server::{RecvHalf, SendHalf};
use h2_sync::{ErrorCode, ErrorKind};

use crate::client::Client;
use crate::support::{LONG, bounded, eventually, gate, serve};

#[test]
fn handler_and_client_take_turns() {
    bounded(|| {
        let server = serve(|request, response| {
            while let Some(chunk) = request.next_chunk()? {
                response.write_all(&chunk.to_ascii_uppercase())?;
                response.flush()?;
            }
            Ok(response.write_all(b"!")?)
        });
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..4).map(|_| client.post("/")).collect();
        let mut body = Vec::new();
        for turn in 0..50 {
            let word = format!("turn {turn} ");
            body.extend(word.to_ascii_uppercase().into_bytes());
            for &id in &ids {
                client.send(id, word.clone(), false);
            }
            for &id in &ids {
                client.until_body(id, &body);
            }
        }
        body.push(b'!');
        for id in ids {
            client.send(id, "", true);
            assert_eq!(client.reply(id).body, body);
        }
    });
}

#[test]
fn two_halves_go_on_in_two_threads_when_the_handler_has_returned() {
    bounded(|| {
        let (sender, threads) = crossbeam_channel::unbounded();
        let server = serve(move |request, response| {
            response.set_header("x", "1")?;
            let (mut recv, mut send) = response.split(request)?;
            let (words, heard) = std::sync::mpsc::channel();
            sender.send(thread::spawn(move || {
                let mut word = [0; 4];
                while recv.read_exact(&mut word).is_ok() {
                    words.send(word).unwrap();
                }
            }))?;
            sender.send(thread::spawn(move || {
                for word in heard {
                    send.write_all(&word).unwrap();
                    send.flush().unwrap();
                }
                send.finish().unwrap();
            }))?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.until(|client| client.so_far(id).status().is_some());
        eventually(|| server.stats().handlers_running == 0);
        let mut body = Vec::new();
        for word in ["ping", "pong", "last"] {
            client.send(id, word, false);
            body.extend(word.as_bytes());
            client.until_body(id, &body);
        }
        client.send(id, "", true);
        let reply = client.reply(id);
        assert_eq!((reply.is_complete, reply.head.get("x")), (true, Some("1")));
        for thread in threads.try_iter() {
            thread.join().unwrap();
        }
    });
}

/// The halves of a stream whose handler has returned.
fn halves() -> (h2_sync::server::Handle, Client, h2_sync::StreamId, RecvHalf, SendHalf) {
    let (sender, halves) = crossbeam_channel::unbounded();
    let server = serve(move |request, response| {
        sender.send(response.split(request)?)?;
        Ok(())
    });
    let mut client = Client::of(&server);
    let id = client.post("/");
    client.until(|client| client.so_far(id).status().is_some());
    let (recv, send) = halves.recv_timeout(LONG).unwrap();
    (server, client, id, recv, send)
}

#[test]
fn after_a_split_request_and_response_have_no_body_left() {
    bounded(|| {
        let server = serve(|request, response| {
            let (mut recv, mut send) = response.split(request)?;
            assert_eq!(request.read(&mut [0; 10])?, 0);
            assert!(response.write_all(b"x").and_then(|()| response.flush()).is_err());
            assert!(response.split(request).is_err());
            std::io::copy(&mut recv, &mut send)?;
            Ok(send.finish()?)
        });
        let reply = Client::of(&server).exchange(&crate::support::post("/"), b"hello");
        assert_eq!(reply.text(), "hello");
    });
}

#[test]
fn a_half_that_is_dropped_unfinished_resets_the_stream() {
    bounded(|| {
        let (_server, mut client, id, recv, mut send) = halves();
        send.write_all(b"half of it").unwrap();
        drop(send);
        drop(recv);
        assert_eq!(client.reply(id).reset, Some(ErrorCode::Cancel));
    });
}

#[test]
fn a_half_that_is_dropped_unread_asks_the_client_to_stop_when_the_response_is_complete() {
    bounded(|| {
        let (_server, mut client, id, recv, mut send) = halves();
        send.finish().unwrap();
        client.until(|client| client.so_far(id).is_complete);
        drop(recv);
        client.until(|client| client.so_far(id).reset == Some(ErrorCode::NoError));
    });
}

#[test]
fn halves_end_with_trailers_or_with_a_code() {
    bounded(|| {
        let (_server, mut client, id, _recv, mut send) = halves();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("status", http::HeaderValue::from_static("0"));
        send.write_all(b"hello").unwrap();
        send.send_trailers(&trailers).unwrap();
        let reply = client.reply(id);
        assert_eq!(reply.text(), "hello");
        assert_eq!(reply.trailers.unwrap().get("status"), Some("0"));

        let (_server, mut client, id, _recv, mut send) = halves();
        send.reset(ErrorCode::EnhanceYourCalm);
        assert_eq!(client.reply(id).reset, Some(ErrorCode::EnhanceYourCalm));
    });
}

#[test]
fn halves_notice_the_end_of_the_connection() {
    bounded(|| {
        let (server, client, _, mut recv, mut send) = halves();
        let reads = thread::spawn(move || recv.next_chunk().unwrap_err().kind());
        drop(client);
        assert_eq!(reads.join().unwrap(), ErrorKind::Closed);
        send.write_all(b"too late").unwrap();
        assert!(send.finish().is_err());
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn write_cut_by_its_timeout_is_not_resumed() {
    bounded(|| {
        let (_server, mut client, id, recv, mut send) = halves();
        // The client reads none of it: its events are not taken, and its window is 1 MiB.
        send.set_write_timeout(Some(std::time::Duration::from_millis(5)));
        let piece = vec![0; 64 << 10];
        let error = (0..1000).find_map(|_| send.write_all(&piece).err()).unwrap();
        assert!(h2_sync::Error::from(error).is_timeout());
        assert!(send.write_all(&piece).and_then(|()| send.flush()).is_err());
        assert!(send.finish().is_err());
        drop((recv, send));
        let reply = client.reply(id);
        assert_eq!((reply.reset, reply.is_complete), (Some(ErrorCode::Cancel), false));
    });
}

#[test]
fn handlers_that_wait_for_one_another_on_one_connection_meet() {
    bounded(|| {
        let (at, bolt) = gate();
        let (sender, receiver) = crossbeam_channel::bounded::<Vec<u8>>(0);
        let server = serve(move |request, response| {
            at.wait(request.path());
            match request.path() {
                "/gives" => sender.send(request.query().unwrap().into())?,
                _ => response.write_all(&receiver.recv()?)?,
            }
            Ok(())
        });
        let mut client = Client::of(&server);
        let takes = client.get("/takes");
        let gives = client.get("/gives?hello");
        bolt.comes();
        bolt.comes();
        bolt.open();
        assert_eq!(client.reply(takes).text(), "hello");
        assert_eq!(client.reply(gives).status(), Some(200));
    });
}
