//! Messages in both directions.

use std::thread;

use super::peer::{LONG, Tunnel, echo, in_each_version};
use crate::websocket::{CloseCode, Compression, Config, Message};

fn sizes() -> Vec<usize> {
    vec![0, 1, 125, 126, 2_048, 2_049, 65_535, 65_536, 1 << 20]
}

#[test]
fn messages_of_every_size_come_back() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        let server = echo(server);
        for size in sizes() {
            let octets = Message::from(vec![7; size]);
            client.send(octets.clone()).unwrap();
            assert_eq!(client.read().unwrap(), Some(octets));
            let text = Message::from("ü".repeat(size));
            client.send(text.clone()).unwrap();
            assert_eq!(client.read().unwrap(), Some(text));
        }
        client.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn compressed_messages_come_back_with_takeover_and_without() {
    in_each_version(|mut tunnel| {
        let compression = Compression {
            send_context_takeover: tunnel.is_http2(),
            receive_context_takeover: tunnel.is_http2(),
            ..Compression::default()
        };
        let config = Config { compression: Some(compression), ..Config::default() };
        let (mut client, server) = tunnel.both(&config);
        let server = echo(server);
        for size in sizes() {
            let text = Message::from("a word ".repeat(size / 7));
            client.send(text.clone()).unwrap();
            assert_eq!(client.read().unwrap(), Some(text));
        }
        client.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn many_messages_arrive_in_order_in_both_directions_at_once() {
    in_each_version(|mut tunnel| {
        let (client, server) = tunnel.both(&Config::default());
        let ends = [client, server].map(|socket| {
            let (mut reader, sender) = socket.split();
            let sends = thread::spawn(move || {
                for n in 0..5_000 {
                    sender.send(format!("message {n}")).unwrap();
                }
            });
            thread::spawn(move || {
                for n in 0..5_000 {
                    let message = reader.read_within(LONG).unwrap();
                    assert_eq!(message, Some(format!("message {n}").into()));
                }
                sends.join().unwrap();
                reader
            })
        });
        let [mut client, server] = ends.map(|end| end.join().unwrap());
        let server = thread::spawn(move || server.map(Result::unwrap).count());
        client.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(server.join().unwrap(), 0);
    });
}

#[test]
fn messages_of_many_threads_do_not_mix() {
    in_each_version(|mut tunnel| {
        let (client, mut server) = tunnel.both(&Config::default());
        let (reader, sender) = client.split();
        let threads: Vec<_> = (0..8u8)
            .map(|n| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for len in 0..200 {
                        sender.send(vec![n; len * 50]).unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 8];
        let mut left = 8 * 200;
        while left > 0 {
            let message = server.read_within(LONG).unwrap().unwrap().into_bytes();
            left -= 1;
            let Some(&n) = message.first() else { continue };
            assert!(message.iter().all(|octet| *octet == n));
            assert!(message.len() > next[usize::from(n)], "in the order of each thread");
            next[usize::from(n)] = message.len();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(reader);
    });
}

#[test]
fn the_peer_ends_an_iteration() {
    in_each_version(|mut tunnel| {
        let (client, mut server) = tunnel.both(&Config::default());
        let count = thread::spawn(move || client.map(Result::unwrap).count());
        server.send("one").unwrap();
        server.send(&b"two"[..]).unwrap();
        let said = server.close(CloseCode::NORMAL, "done").unwrap();
        assert_eq!(said.code, Some(CloseCode::NORMAL));
        assert_eq!(count.join().unwrap(), 2);
    });
}

#[test]
fn sender_can_send_while_the_reader_is_in_another_thread() {
    let mut tunnel = Tunnel::new(http::Version::HTTP_2);
    let (client, server) = tunnel.both(&Config::default());
    let sender = server.sender();
    let reads = thread::spawn(move || server.map(Result::unwrap).count());
    let (mut reader, _) = client.split();
    for n in 0..100 {
        sender.send(n.to_string()).unwrap();
        assert_eq!(reader.read_within(LONG).unwrap(), Some(n.to_string().into()));
    }
    reader.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(reads.join().unwrap(), 0);
}
