//! Endless responses that one thread feeds after their handlers have returned.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use crossbeam_channel::unbounded;
use h2_sync::frame::Setting;
use h2_sync::server::{Config, Handle, SendHalf, TrySendError};
use h2_sync::{ErrorCode, StreamId};

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{LONG, bounded, config, eventually, get, serve_with};

type Subscribers = Arc<Mutex<Vec<SendHalf>>>;

/// A server whose handlers hand their `SendHalf` on and return.
fn hub(config: Config) -> (Handle, Subscribers) {
    let subscribers = Subscribers::default();
    let list = Arc::clone(&subscribers);
    let server = serve_with(config, move |request, response| {
        if request.path() == "/events" {
            let (_, send) = response.split(request)?;
            list.lock().unwrap().push(send);
        }
        Ok(())
    });
    (server, subscribers)
}

#[test]
fn handler_that_has_handed_its_half_on_holds_no_permit() {
    bounded(|| {
        let (server, subscribers) = hub(config(|config| config.max_handlers = 1));
        let mut clients: Vec<_> = (0..6).map(|_| Client::of(&server)).collect();
        let mut ids = Vec::new();
        for client in &mut clients {
            ids.push((0..100).map(|_| client.get("/events")).collect::<Vec<_>>());
        }
        eventually(|| subscribers.lock().unwrap().len() == 600);
        eventually(|| server.stats().handlers_running == 0);
        // Other requests are served.
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));
        let event = Bytes::from_static(b"data: 1\n\n");
        for send in subscribers.lock().unwrap().iter_mut() {
            send.try_send(event.clone()).unwrap();
        }
        for (client, ids) in clients.iter_mut().zip(ids) {
            ids.into_iter().for_each(|id| client.until_body(id, &event));
        }
    });
}

#[test]
fn events_for_a_subscriber_that_does_not_read_are_returned_and_delay_no_other() {
    bounded(|| {
        let (server, subscribers) = hub(config(|config| {
            config.http2.max_stream_send_buffer = 4 << 10;
        }));
        // Its window is shut.
        let mut stalled = Peer::with(&server, vec![Setting::InitialWindowSize(0)]);
        stalled.open(&get("/events"), true);
        eventually(|| subscribers.lock().unwrap().len() == 1);
        let mut reads = Client::of(&server);
        let id = reads.get("/events");
        eventually(|| subscribers.lock().unwrap().len() == 2);

        let mut list = std::mem::take(&mut *subscribers.lock().unwrap());
        let (mut expected, mut given_back) = (Vec::new(), 0);
        for n in 0..200 {
            let event = Bytes::from(format!("data: {n:0100}\n\n"));
            match list[0].try_send(event.clone()) {
                Ok(()) => assert_eq!(given_back, 0, "there is no room"),
                Err(TrySendError::Full(back)) => {
                    assert_eq!(back, event);
                    given_back += 1;
                }
                Err(error) => panic!("{error}"),
            }
            expected.extend_from_slice(&event);
            list[1].try_send(event).unwrap();
            reads.until_body(id, &expected);
        }
        // 4 KiB are 37 of them.
        assert_eq!(given_back, 200 - 37);
        assert!(list.iter().all(|send| !send.is_closed()));
    });
}

#[test]
fn room_comes_back_when_the_peer_reads_on() {
    bounded(|| {
        let (server, subscribers) = hub(config(|config| {
            config.http2.max_stream_send_buffer = 1 << 10;
        }));
        let mut peer = Peer::with(&server, vec![Setting::InitialWindowSize(0)]);
        let stream_id = peer.open(&get("/events"), true);
        eventually(|| subscribers.lock().unwrap().len() == 1);
        let mut list = subscribers.lock().unwrap();
        let event = Bytes::from_static(&[b'.'; 600]);
        list[0].try_send(event.clone()).unwrap();
        assert!(list[0].try_send(event.clone()).unwrap_err().is_full());
        peer.send(h2_sync::frame::WindowUpdate { stream_id, increment: 600 });
        eventually(|| list[0].try_send(event.clone()).is_ok());
    });
}

#[test]
fn earlier_writes_are_sent_first_and_whole() {
    bounded(|| {
        let (server, subscribers) = hub(Config::default());
        let mut client = Client::of(&server);
        let id = client.get("/events");
        eventually(|| subscribers.lock().unwrap().len() == 1);
        let mut send = subscribers.lock().unwrap().pop().unwrap();
        std::io::Write::write_all(&mut send, b"written ").unwrap();
        send.try_send("sent").unwrap();
        send.finish().unwrap();
        assert_eq!(client.reply(id).text(), "written sent");
        let error = send.try_send("late").unwrap_err();
        assert!(matches!(&error, TrySendError::Closed(_)), "{error:?}");
    });
}

/// How a subscriber leaves.
type Leave = fn(&mut Client, StreamId);

#[test]
fn subscriber_that_leaves_is_closed() {
    let ways: [Leave; 2] =
        [|client, id| client.reset(id, ErrorCode::Cancel), |client, _| client.session.close()];
    for leave in ways {
        bounded(move || {
            let (server, subscribers) = hub(Config::default());
            let mut client = Client::of(&server);
            let id = client.get("/events");
            eventually(|| subscribers.lock().unwrap().len() == 1);
            let mut send = subscribers.lock().unwrap().pop().unwrap();
            assert!(!send.is_closed());
            leave(&mut client, id);
            eventually(|| send.is_closed());
            let error = send.try_send("data").unwrap_err();
            assert!(matches!(&error, TrySendError::Closed(_)), "{error:?}");
        });
    }
}

#[test]
fn transport_that_takes_nothing_does_not_hold_the_feeder_up() {
    bounded(|| {
        let (server, subscribers) = hub(config(|config| {
            config.http2.max_stream_send_buffer = 1 << 20;
        }));
        // An unlimited window, and a client that does not read its socket.
        let window = Setting::InitialWindowSize(h2_sync::frame::MAX_WINDOW);
        let mut peer = Peer::with(&server, vec![window]);
        let increment = h2_sync::frame::MAX_WINDOW - 65_535;
        peer.send(h2_sync::frame::WindowUpdate { stream_id: StreamId::CONNECTION, increment });
        peer.open(&get("/events"), true);
        eventually(|| subscribers.lock().unwrap().len() == 1);
        let mut send = subscribers.lock().unwrap().pop().unwrap();
        // More than any socket buffers, on a thread of its own, whose end the test awaits.
        let (full, is_full) = unbounded();
        std::thread::spawn(move || {
            let event = Bytes::from(vec![b'.'; 256 << 10]);
            while send.try_send(event.clone()).is_ok() {}
            full.send(send).unwrap();
        });
        let send = is_full.recv_timeout(LONG).unwrap();
        assert!(!send.is_closed());
    });
}
