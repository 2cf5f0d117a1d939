//! The end of a connection: its reason, its events, and its threads.

use std::io;
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use h2_sync::frame::{Data, Frame, Goaway, Ping};
use h2_sync::transport::duplex;
use h2_sync::{Act, Config, ErrorCode, ErrorKind, Evt, Reason, Role, Session, StreamId};

use crate::peer::{peer_of, session_and_peer};
use crate::support::*;

#[test]
fn the_last_event_comes_exactly_once_on_eof() {
    bounded(|| {
        let (session, peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        drop(peer);
        let (_, reason) = take_to_the_end(&session);
        assert!(matches!(reason, Reason::Peer { goaway: None, .. }), "{reason:?}");
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_an_error_of_the_peer() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        peer.send(Frame::from(Data {
            stream_id: id(1),
            data: Bytes::new(),
            end_stream: false,
            padding: None,
        }));
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert_eq!((error.kind(), error.code()), (ErrorKind::Peer, Some(ErrorCode::ProtocolError)));
        // The peer is notified.
        let code = peer.until(|frame| match frame {
            Frame::Goaway(goaway) => Some(goaway.error_code),
            _ => None,
        });
        assert_eq!(code, ErrorCode::ProtocolError);
        assert_eq!(peer.next(), None);
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_an_error_of_the_transport() {
    bounded(|| {
        let (near, _far) = duplex(1 << 20);
        let near = Hooked::new(near, || Err(io::ErrorKind::ConnectionReset.into()), nothing);
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert_eq!(error.kind(), ErrorKind::Transport);
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_goaway() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let debug_data = Bytes::from_static(b"bye");
        let (last_stream_id, error_code) = (StreamId::CONNECTION, ErrorCode::NoError);
        peer.send(Goaway { last_stream_id, error_code, debug_data });
        let (events, reason) = take_to_the_end(&session);
        assert!(matches!(events.last(), Some(Evt::Goaway { .. })), "{events:?}");
        let Reason::Peer { goaway, debug_data } = reason else { panic!("{reason:?}") };
        assert_eq!((goaway, &debug_data[..]), (Some(ErrorCode::NoError), &b"bye"[..]));
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_goaway_and_eof() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let stream = session.open(&get(), true).unwrap();
        peer.receive_headers();
        // The stream may continue, but does not.
        peer.goaway(stream, ErrorCode::NoError);
        drop(peer);
        let (_, reason) = take_to_the_end(&session);
        assert!(matches!(reason, Reason::Peer { goaway: Some(_), .. }), "{reason:?}");
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_close() {
    bounded(|| {
        let (session, _peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        session.close();
        let (_, reason) = take_to_the_end(&session);
        assert!(matches!(reason, Reason::Local), "{reason:?}");
        let error = session.put_act(Act::Ping).unwrap_err();
        assert_eq!(error.error().kind(), ErrorKind::Closed);
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_a_panic_of_the_reader() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let (go, may_panic) = mpsc::channel::<()>();
        let before_read = move || {
            let _ = may_panic.recv();
            panic!("a planned panic");
        };
        let near = Hooked::new(near, before_read, nothing);
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let mut peer = peer_of(far, Role::Client);
        drop(go);
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert_eq!(error.kind(), ErrorKind::Internal);
        // The peer is notified, and the transport is closed.
        peer.until(|frame| matches!(frame, Frame::Goaway(_)).then_some(()));
        assert_eq!(peer.next(), None);
    });
}

#[test]
fn the_last_event_comes_exactly_once_on_a_panic_of_the_writer() {
    bounded(|| {
        let (near, _far) = duplex(1 << 20);
        let near = Hooked::new(near, nothing, || panic!("a planned panic"));
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert_eq!(error.kind(), ErrorKind::Internal);
        // The reader is woken, although the peer is silent.
        session.close();
    });
}

#[test]
fn untaken_events_remain_available_after_the_end() {
    bounded(|| {
        let mut config = Config::default();
        config.max_concurrent_streams = 10_000;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        (0..5_000).for_each(|n| peer.send_headers(id(2 * n + 1), &get(), true));
        drop(peer);
        let (events, _) = take_to_the_end(&session);
        let requests = events.iter().filter(|evt| matches!(evt, Evt::RecvHeaders { .. })).count();
        assert_eq!(requests, 5_000);
    });
}

#[test]
fn input_before_the_peers_end_is_read_although_writes_fail() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let (tell, told) = mpsc::channel::<()>();
        let (may_read, wait) = mpsc::channel::<()>();
        // The write fails before anything was read.
        let before_read = move || {
            let _ = wait.recv();
            Ok(())
        };
        let before_write = move || {
            let _ = tell.send(());
            Err(io::ErrorKind::BrokenPipe.into())
        };
        let near = Hooked::new(near, before_read, before_write);
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let stream = session.open(&post(), false).unwrap();
        told.recv_timeout(LONG).unwrap();
        let (headers, is_end_stream) = (ok(), true);
        std::thread::spawn(move || {
            let mut octets = Vec::new();
            h2_sync::frame::Settings::default().encode(&mut octets);
            let mut block = Vec::new();
            h2_sync::hpack::Encoder::new().encode(&headers, &mut block);
            let response = h2_sync::frame::Headers {
                stream_id: stream,
                fragment: block.into(),
                end_stream: is_end_stream,
                end_headers: true,
                priority: None,
                padding: None,
            };
            response.encode(&mut octets);
            io::Write::write_all(&mut &far, &octets).unwrap();
            drop(far);
            drop(may_read);
        })
        .join()
        .unwrap();
        let (events, reason) = take_to_the_end(&session);
        assert!(events.iter().any(|evt| matches!(evt, Evt::RecvHeaders { .. })), "{events:?}");
        // The write failed because the peer had closed.
        assert!(matches!(reason, Reason::Peer { goaway: None, .. }), "{reason:?}");
    });
}

#[test]
fn a_silent_peer_is_detected_when_writes_fail() {
    bounded(|| {
        let (near, _far) = duplex(1 << 20);
        let near = Hooked::new(near, nothing, || Err(io::ErrorKind::BrokenPipe.into()));
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert_eq!(error.kind(), ErrorKind::Transport);
    });
}

#[test]
fn close_wakes_a_blocked_take_evt_put_act_timeout_read_and_write() {
    bounded(|| {
        let mut config = Config::default();
        config.max_send_buffer = 10_000;
        // The peer does not read, so the writer is blocked as well.
        let (near, _far) = duplex(10);
        let session = Session::with_config(near, Role::Client, config).unwrap();
        let (ready, is_ready) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let ready = ready.clone();
                let session = &session;
                scope.spawn(move || {
                    ready.send(()).unwrap();
                    while session.take_evt().is_ok() {}
                });
            }
            let putting = scope.spawn(|| {
                let mut ready = Some(&ready);
                loop {
                    let stream_identifier = session.open(&post(), false)?;
                    let act = Act::SendData {
                        stream_identifier,
                        data: vec![0; 9_000].into(),
                        is_end_stream: true,
                    };
                    if let Some(ready) = ready.take() {
                        ready.send(()).unwrap();
                    }
                    session.put_act_timeout(act, 100 * LONG)?;
                }
            });
            (0..3).for_each(|_| is_ready.recv_timeout(LONG).unwrap());
            session.close();
            let result: Result<(), h2_sync::Error> = putting.join().unwrap();
            let kind = result.unwrap_err().kind();
            assert!(matches!(kind, ErrorKind::Closed | ErrorKind::Full), "{kind:?}");
        });
    });
}

#[test]
fn close_from_many_threads_at_once_is_one_close() {
    bounded(|| {
        let (session, _peer) = session_and_peer(Role::Server, Config::default(), 1 << 20);
        std::thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(|| session.close())));
        });
        session.close();
        take_to_the_end(&session);
    });
}

#[test]
fn dropping_the_session_inside_its_own_event_loop_does_not_hang() {
    bounded(|| {
        let (session, _peer) = session_and_peer(Role::Server, Config::default(), 1 << 20);
        let receiver = session.events().clone();
        let mut session = Some(session);
        let mut last = None;
        for evt in receiver {
            drop(session.take());
            last = Some(evt);
        }
        assert!(matches!(last, Some(Evt::Closed { .. })), "{last:?}");
    });
}

#[test]
fn dropping_the_session_in_its_own_reader_thread_does_not_hang() {
    bounded(|| drop_in_a_thread_of_its_own(true));
}

#[test]
fn dropping_the_session_in_its_own_writer_thread_does_not_hang() {
    bounded(|| drop_in_a_thread_of_its_own(false));
}

/// The transport's own code holds the last handle of the Session, and drops it.
fn drop_in_a_thread_of_its_own(reader: bool) {
    let (near, far) = duplex(1 << 20);
    let (give, given) = mpsc::channel::<Session>();
    let given = Mutex::new(given);
    let (dropped, is_dropped) = mpsc::channel();
    let mut once = Some(move || {
        drop(given.lock().unwrap().recv().unwrap());
        let _ = dropped.send(());
    });
    let hook = move || {
        if let Some(drop_it) = once.take() {
            drop_it();
        }
        Ok(())
    };
    let session = if reader {
        Session::with_config(Hooked::new(near, hook, nothing), Role::Client, Config::default())
    } else {
        Session::with_config(Hooked::new(near, nothing, hook), Role::Client, Config::default())
    };
    give.send(session.unwrap()).unwrap();
    is_dropped.recv_timeout(LONG).unwrap();
    // The threads are not joined, and end by themselves.
    far.set_read_timeout(Some(LONG)).unwrap();
    io::Read::read_to_end(&mut &far, &mut Vec::new()).unwrap();
}

#[test]
fn a_graceful_shutdown_finishes_open_streams() {
    bounded(|| {
        let (client, server) = two_sessions(Config::default(), Config::default());
        let stream = client.open(&post(), false).unwrap();
        take_until(&server, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        let server = Arc::new(server);
        let shutting = {
            let server = Arc::clone(&server);
            std::thread::spawn(move || server.shutdown(LONG))
        };
        // The client is notified, and continues with open streams.
        take_until(&client, |evt| matches!(evt, Evt::Goaway { .. }).then_some(()));
        let act =
            |data, is_end_stream| Act::SendData { stream_identifier: stream, data, is_end_stream };
        client.put_act(act("the rest".into(), true)).unwrap();
        take_until(&server, |evt| matches!(evt, Evt::RecvData { .. }).then_some(()));
        let headers = ok();
        let head = Act::SendHeaders { stream_identifier: stream, headers, is_end_stream: false };
        server.put_act(head).unwrap();
        server.put_act(act("all of it".into(), true)).unwrap();
        let (events, _) = take_to_the_end(&client);
        let is_end = |evt: &Evt| matches!(evt, Evt::RecvData { is_end_stream: true, .. });
        assert!(events.iter().any(is_end), "{events:?}");
        assert_eq!(shutting.join().unwrap(), 0, "no stream was cut");
    });
}

#[test]
fn a_graceful_shutdown_aborts_streams_at_its_timeout() {
    bounded(|| {
        let (client, server) = two_sessions(Config::default(), Config::default());
        client.open(&post(), false).unwrap();
        take_until(&server, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        assert_eq!(server.shutdown(std::time::Duration::ZERO), 1);
        take_to_the_end(&client);
    });
}

#[test]
fn transport_that_cannot_be_woken_ends_on_its_own() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let mut near = Hooked::new(near, nothing, nothing);
        near.closer_works = false;
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        let mut peer = peer_of(far, Role::Client);
        session.close();
        drop(session);
        peer.until(|frame| matches!(frame, Frame::Goaway(_)).then_some(()));
        // Its reader waits for input, then ends without further reads.
        let mut octets = Vec::new();
        Ping { ack: false, payload: [0; 8] }.encode(&mut octets);
        while peer.write(&octets) {}
    });
}
