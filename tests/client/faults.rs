//! A misbehaving server.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use h2_sync::ErrorCode;
use h2_sync::client::Client;
use h2_sync::frame::{Frame, StreamId};

use crate::frames::numbers::Numbers;
use crate::peer::Peer;
use crate::support::{bounded, config};

const THREADS: u64 = 4;

/// The full run, by hand: `H2_SYNC_FAULTS=1000`.
fn rounds() -> u64 {
    std::env::var("H2_SYNC_FAULTS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// Answers some requests, and fails others in several ways.
fn misbehave(stream: TcpStream, mut numbers: Numbers) {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut broken = stream.try_clone().unwrap();
    let mut peer = Peer::server(stream, Vec::new());
    let mut last = StreamId::CONNECTION;
    loop {
        let Some(frame) = peer.next() else { return };
        let id = match frame {
            Frame::Headers(headers) => headers.stream_id,
            Frame::Ping(ping) if !ping.ack => {
                peer.send(h2_sync::frame::Ping { ack: true, payload: ping.payload });
                continue;
            }
            _ => continue,
        };
        match numbers.next(12) {
            0 => peer.reset(id, ErrorCode::RefusedStream),
            1 => peer.reset(id, ErrorCode::InternalError),
            // Sends GOAWAY without this request, then is silent until the client closes.
            2 => peer.goaway(last, ErrorCode::NoError),
            // Sends GOAWAY and answers.
            3 => {
                peer.goaway(id, ErrorCode::NoError);
                peer.answer(id, 200, "whole");
            }
            // Closes the connection.
            4 => return,
            // Never answers this request.
            5 => {}
            // Sends half of the answer.
            6 => {
                peer.send_headers(id, &h2_sync::headers!(":status" => "200"), false);
                peer.send_data(id, "half", false);
            }
            // Sends an invalid frame.
            7 => {
                drop(broken.write_all(&[0xff; 40]));
                return;
            }
            _ => peer.answer(id, 200, "whole"),
        }
        last = id;
    }
}

#[test]
fn every_request_ends_in_an_answer_or_in_an_error_and_nothing_is_left_behind() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let accepting = thread::spawn(move || {
            for (seed, stream) in (1..).zip(listener.incoming()) {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                // Its errors after the client has closed do not matter.
                thread::spawn(move || misbehave(stream.unwrap(), Numbers(seed)));
            }
        });
        let (mut answers, mut errors) = (0, 0);
        for _ in 0..rounds() {
            let mut config = config();
            config.timeout = Some(Duration::from_millis(60));
            let client = Client::with_config(config).unwrap();
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (client, url) = (client.clone(), url.clone());
                    thread::spawn(move || {
                        let ask = || client.get(&*url).send()?.text();
                        (0..4).map(|_| ask()).collect::<Vec<_>>()
                    })
                })
                .collect();
            for thread in threads {
                for result in thread.join().unwrap() {
                    match result {
                        Ok(text) => {
                            assert_eq!(text, "whole");
                            answers += 1;
                        }
                        Err(_) => errors += 1,
                    }
                }
            }
        }
        assert_eq!(answers + errors, rounds() * THREADS * 4);
        assert!(answers > 0 && errors > 0, "{answers} answers, {errors} errors");
        println!("{answers} answers, {errors} errors");
        stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')));
        accepting.join().unwrap();
    });
}
