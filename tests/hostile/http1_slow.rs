//! HTTP/1.x clients that are slow, and those that send without end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::memory::{KIB, MIB, bounded, measured};
use crate::neighbour::Neighbour;
use crate::support::http1::Raw;
use crate::support::{LONG, eventually};
use crate::victim::{Victim, hello};

const SHORT: Duration = Duration::from_millis(300);

/// Writes octets at a fixed pace.
fn dribble(stream: &TcpStream, octets: &'static [u8], pace: Duration) -> thread::JoinHandle<()> {
    let mut stream = stream.try_clone().unwrap();
    thread::spawn(move || {
        for octet in octets.iter().cycle() {
            if stream.write_all(&[*octet]).is_err() {
                return;
            }
            thread::park_timeout(pace);
        }
    })
}

#[test]
fn header_sections_octet_by_octet_are_408_on_many_connections() {
    measured(|memory| {
        let victim = Victim::with(|config| config.http2.header_timeout = Some(SHORT), hello);
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let raws: Vec<_> = (0..50)
            .map(|_| {
                let mut raw = Raw::connect(victim.address());
                raw.send("GET / HTTP/1.1\r\nhost: test\r\nx: ");
                let writer = dribble(&raw.stream, b"y", Duration::from_millis(10));
                (raw, writer)
            })
            .collect();
        neighbour.is_served();
        for (mut raw, writer) in raws {
            let reply = raw.reply();
            assert!(reply.status == 408 && reply.closes(), "{}", reply.head);
            drop(raw);
            writer.join().unwrap();
        }
        measured.assert_peak(50 * 64 * KIB);
        neighbour.was_served();
        assert_eq!(victim.begun(), victim.handle.stats().requests as usize);
        victim.comes_to_rest();
    });
}

#[test]
fn an_endless_first_line_is_closed_without_a_response() {
    bounded(|| {
        let victim = Victim::with(|config| config.handshake_timeout = SHORT, hello);
        let mut raw = Raw::connect(victim.address());
        raw.send("GET /");
        let writer = dribble(&raw.stream, b"x", Duration::from_millis(20));
        raw.assert_closed();
        drop(raw);
        writer.join().unwrap();
    });
}

#[test]
fn a_body_octet_by_octet_has_the_deadline_of_its_handler() {
    bounded(|| {
        let victim = Victim::with(
            |config| config.body_timeout = Some(SHORT),
            |request, _| {
                request.read_to_end(&mut Vec::new())?;
                Ok(())
            },
        );
        let mut raw = Raw::connect(victim.address());
        raw.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n");
        let writer = dribble(&raw.stream, b"x", Duration::from_millis(10));
        let reply = raw.reply();
        assert!(reply.status == 408 && reply.closes(), "{}", reply.head);
        raw.assert_closed();
        drop(raw);
        writer.join().unwrap();
        victim.comes_to_rest();
    });
}

#[test]
fn an_unread_response_is_bounded_and_its_connection_cut() {
    measured(|memory| {
        let victim = Victim::with(
            |config| config.http2.stall_timeout = Some(SHORT),
            |request, response| {
                // The neighbour gets a response without pieces.
                let pieces = if request.path() == "/large" { 1_000 } else { 0 };
                (0..pieces).try_for_each(|_| response.write_all(&[0; 64 << 10]))?;
                Ok(())
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let mut raw = Raw::connect(victim.address());
        raw.send("GET /large HTTP/1.1\r\nhost: test\r\n\r\n");
        eventually(|| victim.handle.stats().handlers_failed == 1);
        measured.assert_peak(MIB);
        drop(raw);
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

#[test]
fn a_response_read_octet_by_octet_is_a_stall() {
    bounded(|| {
        let victim = Victim::with(
            |config| config.http2.stall_timeout = Some(Duration::from_secs(1)),
            |_, response| {
                (0..1_000).try_for_each(|_| response.write_all(&[0; 64 << 10]))?;
                Ok(())
            },
        );
        let mut raw = Raw::connect(victim.address());
        raw.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        let mut octet = [0];
        // The sockets buffer some of it, but not all.
        while victim.handle.stats().handlers_failed == 0 {
            raw.stream.read_exact(&mut octet).unwrap();
            thread::park_timeout(Duration::from_millis(10));
        }
        drop(raw);
        victim.comes_to_rest();
    });
}

#[test]
fn head_without_end_is_431_and_its_memory_bounded() {
    measured(|memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let mut raw = Raw::connect(victim.address());
        raw.send("GET / HTTP/1.1\r\nhost: test\r\n");
        for _ in 0..1_000 {
            raw.send(format!("x: {}\r\n", "y".repeat(1_000)));
        }
        let reply = raw.reply();
        assert!(reply.status == 431 && reply.closes(), "{}", reply.head);
        measured.assert_peak(512 * KIB);
        neighbour.was_served();
    });
}

#[test]
fn header_bomb_of_many_small_fields_is_431() {
    bounded(|| {
        let victim = Victim::hello();
        let mut raw = Raw::connect(victim.address());
        raw.send(format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", "a:\r\n".repeat(10_000)));
        let reply = raw.reply();
        assert!(reply.status == 431 && reply.closes(), "{}", reply.head);
        assert_eq!(victim.begun(), 0);
    });
}

#[test]
fn target_without_end_is_414() {
    bounded(|| {
        let victim = Victim::hello();
        let mut raw = Raw::connect(victim.address());
        // On a connection that has already served HTTP/1.1, and on a new one.
        for honest in ["GET / HTTP/1.1\r\nhost: test\r\n\r\n", ""] {
            raw.send(honest);
            if !honest.is_empty() {
                assert_eq!(raw.reply().status, 200);
            }
            raw.send(format!("GET /{}", "x".repeat(100_000)));
            let reply = raw.reply();
            assert!(reply.status == 414 && reply.closes(), "{}", reply.head);
            raw = Raw::connect(victim.address());
        }
    });
}

#[test]
fn trailers_and_extensions_without_end_are_refused() {
    bounded(|| {
        let victim = Victim::new(|request, _| {
            request.read_to_end(&mut Vec::new())?;
            Ok(())
        });
        let head = "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
        for (more, status) in [
            (format!("5;{}", "x".repeat(100_000)), 400),
            (format!("0\r\n{}", "a: b\r\n".repeat(50_000)), 431),
        ] {
            let mut raw = Raw::connect(victim.address());
            raw.send(format!("{head}{more}"));
            let reply = raw.reply();
            assert!(reply.status == status && reply.closes(), "{}", reply.head);
        }
    });
}

#[test]
fn endless_chunks_of_one_octet_use_bounded_memory() {
    measured(|memory| {
        let victim = Victim::new(|request, response| {
            let mut read = 0;
            while let Some(chunk) = request.next_chunk()? {
                read += chunk.len();
            }
            write!(response, "{read}")?;
            Ok(())
        });
        let measured = memory.start();
        let mut raw = Raw::connect(victim.address());
        raw.send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
        for _ in 0..100 {
            raw.send("1\r\nx\r\n".repeat(1_000));
        }
        raw.send("0\r\n\r\n");
        assert_eq!(raw.reply().text(), "100000");
        measured.assert_peak(2 * MIB);
    });
}

#[test]
fn pipelined_requests_with_unread_responses_are_bounded() {
    measured(|memory| {
        let victim = Victim::with(
            |config| config.http2.stall_timeout = Some(SHORT),
            |_, response| {
                response.write_all(&[0; 10_000])?;
                Ok(())
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let mut raw = Raw::connect(victim.address());
        raw.stream.set_write_timeout(Some(LONG)).unwrap();
        let requests = "GET / HTTP/1.1\r\nhost: test\r\n\r\n".repeat(1_000);
        // Until the server closes.
        while raw.stream.write_all(requests.as_bytes()).is_ok() {}
        measured.assert_peak(MIB);
        drop(raw);
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

#[test]
fn connections_that_close_after_a_request_leave_nothing_behind() {
    bounded(|| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        for n in 0..500 {
            let mut raw = Raw::connect(victim.address());
            raw.send(&"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\n"[..n % 50]);
        }
        neighbour.was_served();
        victim.comes_to_rest();
    });
}
