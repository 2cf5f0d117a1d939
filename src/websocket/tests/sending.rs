//! Sending without waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::peer::{LONG, in_each_version};
use crate::websocket::{Config, Message, TrySendError};

#[test]
fn messages_arrive_that_are_sent_without_waiting() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        for size in [0, 5, 5_000, 100_000, 5] {
            let message = Message::from(vec![1; size]);
            loop {
                match server.try_send(message.clone()) {
                    Ok(()) => break,
                    Err(TrySendError::Full(back)) => assert_eq!(back, message),
                    Err(TrySendError::Closed(error)) => panic!("{error}"),
                }
                thread::yield_now();
            }
            assert_eq!(client.read_within(LONG).unwrap(), Some(message));
        }
    });
}

#[test]
fn peer_that_does_not_read_is_full_and_not_waited_for() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        let message = Message::from(vec![1; 100_000]);
        let sent = (0..1_000).take_while(|_| server.try_send(message.clone()).is_ok()).count();
        assert!((1..1_000).contains(&sent), "{sent}");
        let Err(TrySendError::Full(back)) = server.try_send(message.clone()) else { panic!() };
        assert_eq!(back, message);
        for _ in 0..sent {
            assert_eq!(client.read_within(LONG).unwrap(), Some(message.clone()));
        }
    });
}

#[test]
fn messages_go_out_behind_a_sender_that_is_at_work() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        let sender = server.sender();
        let large = Message::from(vec![1; super::peer::MUCH]);
        let sends = {
            let large = large.clone();
            thread::spawn(move || sender.send(large))
        };
        while !server.is_writing() {
            thread::yield_now();
        }
        server.try_send("small").unwrap();
        let full = (0..100_000).find(|_| server.try_send("small").is_err());
        assert!(full.is_some(), "what waits is bounded");
        assert_eq!(client.read_within(LONG).unwrap(), Some(large));
        for _ in 0..=full.unwrap() {
            assert_eq!(client.read_within(LONG).unwrap(), Some("small".into()));
        }
        sends.join().unwrap().unwrap();
    });
}

#[test]
fn one_thread_feeds_many() {
    in_each_version(|mut tunnel| {
        let (client, server) = tunnel.both(&Config::default());
        let sender = server.sender();
        let reads = thread::spawn(move || client.take(1_000).map(Result::unwrap).count());
        for _ in 0..1_000 {
            while sender.try_send("tick").is_err() {
                thread::yield_now();
            }
        }
        assert_eq!(reads.join().unwrap(), 1_000);
    });
}

#[test]
fn large_messages_of_two_threads_and_a_ping_go_out() {
    in_each_version(|mut tunnel| {
        let (mut client, server) = tunnel.both(&Config::default());
        let large = Message::from(vec![1; super::peer::MUCH]);
        let send = |large: &Message| {
            let (sender, large) = (server.sender(), large.clone());
            thread::spawn(move || sender.send(large))
        };
        let first = send(&large);
        while !server.is_writing() {
            thread::yield_now();
        }
        server.ping("between the two").unwrap();
        let second = send(&large);
        for _ in 0..2 {
            assert_eq!(client.read_within(LONG).unwrap(), Some(large.clone()));
        }
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
}

#[test]
fn sender_is_not_kept_by_those_that_send_without_waiting() {
    in_each_version(|mut tunnel| {
        let (client, server) = tunnel.both(&Config::default());
        let reads = thread::spawn(move || client.map(Result::unwrap).count());
        let is_over = Arc::new(AtomicBool::new(false));
        let feeds = [(); 2].map(|()| {
            let (sender, is_over) = (server.sender(), Arc::clone(&is_over));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    if sender.try_send(vec![0; 1_000]).is_err() {
                        thread::yield_now();
                    }
                }
            })
        });
        let (is_sent, sent) = mpsc::channel();
        let sender = server.sender();
        thread::spawn(move || {
            let results: Vec<_> = (0..20).map(|_| sender.send(vec![0; 100_000])).collect();
            is_sent.send(results).unwrap();
        });
        let results = sent.recv_timeout(LONG);
        is_over.store(true, Ordering::Relaxed);
        assert!(results.unwrap().iter().all(Result::is_ok));
        feeds.into_iter().for_each(|feed| feed.join().unwrap());
        drop(server);
        assert!(reads.join().unwrap() >= 20);
    });
}
