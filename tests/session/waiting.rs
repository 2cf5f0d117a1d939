//! Operations that wait, and operations that must not.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::frame::{Frame, Settings};
use h2_sync::proto::Budget;
use h2_sync::transport::duplex;
use h2_sync::{Act, Config, ErrorCode, ErrorKind, Evt, Role, Session, StreamId};

use crate::peer::{peer_of, session_and_peer};
use crate::support::*;

fn data(n: usize) -> Bytes {
    vec![7; n].into()
}

fn send_data(n: u32, data: Bytes, is_end_stream: bool) -> Act {
    Act::SendData { stream_identifier: id(n), data, is_end_stream }
}

fn send_headers(n: u32, is_end_stream: bool) -> Act {
    Act::SendHeaders { stream_identifier: id(n), headers: ok(), is_end_stream }
}

#[test]
fn the_reader_never_waits_for_the_application() {
    bounded(|| {
        let mut config = Config::default();
        config.max_concurrent_streams = 10_000;
        config.initial_window_size = 64 << 10;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        // The peer may only use the connection's window after it has read the WINDOW_UPDATE.
        peer.synchronize();
        // Far more than the channel holds, with DATA in every tenth request.
        for n in 0..5_000 {
            peer.send_headers(id(2 * n + 1), &post(), false);
            if n % 10 == 0 {
                peer.send_data(id(2 * n + 1), data(16 << 10), false);
            }
        }
        // No event has been taken, but PING, SETTINGS and WINDOW_UPDATE are handled.
        peer.synchronize();
        session.put_act(send_headers(1, false)).unwrap();
        session.put_act(send_data(1, data(100_000), false)).unwrap();
        peer.receive_data(65_535);
        peer.grant(id(1), 100_000);
        peer.grant(StreamId::CONNECTION, 100_000);
        peer.receive_data(100_000 - 65_535);
        peer.send(Settings::default());
        peer.until(|frame| match frame {
            Frame::Settings(settings) => settings.ack.then_some(()),
            _ => None,
        });
        // All events are available when they are taken later.
        let (mut streams, mut octets) = (HashSet::new(), 0);
        while streams.len() < 5_000 || octets < 500 * (16 << 10) {
            match take(&session) {
                Evt::RecvHeaders { stream_identifier, .. } => {
                    assert!(streams.insert(stream_identifier));
                }
                Evt::RecvData { data, .. } => octets += data.len(),
                _ => {}
            }
        }
        assert_eq!((streams.len(), octets), (5_000, 500 * (16 << 10)));
    });
}

#[test]
fn put_act_does_not_block_and_returns_the_action_when_full() {
    bounded(|| {
        let mut config = Config::default();
        config.max_stream_send_buffer = 256 << 10;
        let (session, mut peer) = session_and_peer(Role::Server, config, 100);
        peer.send_headers(id(1), &get(), true);
        peer.grant(id(1), 1 << 24);
        peer.grant(StreamId::CONNECTION, 1 << 24);
        take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        session.put_act(send_headers(1, false)).unwrap();
        // The peer does not read, so the writer blocks sooner or later.
        let mut taken = 0;
        let act = send_data(1, data(60_000), false);
        let error = loop {
            match session.put_act(act.clone()) {
                Ok(()) => taken += 60_000,
                Err(error) => break error,
            }
            assert!(taken < 10 << 20, "there is no bound");
        };
        assert!(error.is_full());
        assert_eq!(error.into_act(), act);
        // Once the peer reads, there is room again, and nothing was lost.
        peer.receive_data(taken);
        take_until(&session, |evt| matches!(evt, Evt::SendRoom { .. }).then_some(()));
        session.put_act(act).unwrap();
        peer.receive_data(60_000);
    });
}

#[test]
fn put_act_timeout_waits_for_room() {
    bounded(|| {
        let mut config = Config::default();
        config.max_stream_send_buffer = 100_000;
        let (session, mut peer) = session_and_peer(Role::Server, config, 100);
        peer.send_headers(id(1), &get(), true);
        peer.grant(id(1), 1 << 24);
        peer.grant(StreamId::CONNECTION, 1 << 24);
        take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        session.put_act(send_headers(1, false)).unwrap();
        let reading = std::thread::spawn(move || peer.receive_data(100 * 60_000));
        for _ in 0..100 {
            session.put_act_timeout(send_data(1, data(60_000), false), LONG).unwrap();
        }
        reading.join().unwrap();
    });
}

#[test]
fn put_act_timeout_fails_at_once_when_its_stream_is_reset() {
    bounded(|| {
        let mut config = Config::default();
        config.max_stream_send_buffer = 100_000;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        peer.send_headers(id(1), &get(), true);
        take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        session.put_act(send_headers(1, false)).unwrap();
        // More than the peer's window, so that some stays in the send buffer.
        session.put_act(send_data(1, data(200_000), false)).unwrap();
        std::thread::scope(|scope| {
            let act = send_data(1, data(100_000), false);
            let waiting = scope.spawn(|| session.put_act_timeout(act, 100 * LONG));
            peer.reset(id(1), ErrorCode::Cancel);
            let error = waiting.join().unwrap().unwrap_err();
            assert_eq!(error.error().kind(), ErrorKind::Caller, "{error}");
        });
    });
}

#[test]
fn credit_goes_back_when_taken_through_the_raw_receiver() {
    const TOTAL: usize = 100 << 20;
    bounded(|| {
        let (client, server) = two_sessions(Config::default(), Config::default());
        let taking = std::thread::spawn(move || {
            let mut octets = 0;
            for evt in server.events() {
                if let Evt::RecvData { data, is_end_stream, .. } = evt {
                    octets += data.len();
                    if is_end_stream {
                        break;
                    }
                }
            }
            octets
        });
        let stream = client.open(&post(), false).unwrap();
        let piece = data(64 << 10);
        for sent in 1..=TOTAL / piece.len() {
            let is_end_stream = sent == TOTAL / piece.len();
            let act =
                Act::SendData { stream_identifier: stream, data: piece.clone(), is_end_stream };
            client.put_act_timeout(act, LONG).unwrap();
        }
        assert_eq!(taking.join().unwrap(), TOTAL);
    });
}

#[test]
fn a_parked_writer_returns_credit_for_events_taken_through_a_cloned_receiver() {
    bounded(|| {
        let mut config = Config::default();
        (config.initial_window_size, config.window_budget) = (1_000, 0);
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        let receiver = session.events().clone();
        // The settings are in effect from now on.
        peer.synchronize();
        peer.send_headers(id(1), &post(), false);
        // In step with the peer, so that the writer has no other reason to wake up.
        for _ in 0..50 {
            peer.send_data(id(1), data(1_000), false);
            while !matches!(receiver.recv_timeout(LONG).unwrap(), Evt::RecvData { .. }) {}
            peer.until(|frame| match frame {
                Frame::WindowUpdate(update) if update.stream_id == id(1) => Some(()),
                _ => None,
            });
        }
    });
}

#[test]
fn events_arrive_through_the_raw_receiver_while_the_writer_is_blocked() {
    bounded(|| {
        let mut config = Config::default();
        config.max_concurrent_streams = 10_000;
        // No deadline wakes the writer.
        (config.settings_timeout, config.stall_timeout) = (None, None);
        // The peer does not read, and even the SETTINGS do not fit. The writer keeps trying.
        let (near, far) = duplex(40);
        near.set_write_timeout(Some(Duration::from_millis(1))).unwrap();
        let session = Session::with_config(near, Role::Server, config).unwrap();
        let mut peer = peer_of(far, Role::Server);
        let receiver = session.events().clone();
        // More than the channel holds. After the last request, only the writer is left to deliver
        // the rest.
        (0..3_000).for_each(|n| peer.send_headers(id(2 * n + 1), &get(), true));
        let mut requests = 0;
        while requests < 3_000 {
            let evt = receiver.recv_timeout(LONG).unwrap();
            requests += usize::from(matches!(evt, Evt::RecvHeaders { .. }));
        }
    });
}

#[test]
fn an_unread_stream_does_not_block_the_others() {
    bounded(|| {
        let mut config = Config::default();
        config.auto_release = false;
        let (client, server) = two_sessions(Config::default(), config);
        let (unread, read) =
            (client.open(&post(), false).unwrap(), client.open(&post(), false).unwrap());
        let put = |stream_identifier, octets: usize| {
            let act = Act::SendData { stream_identifier, data: data(octets), is_end_stream: false };
            client.put_act_timeout(act, LONG).unwrap();
        };
        // As much of the unread body as its window and the buffers hold.
        put(unread, 2 << 20);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..50).for_each(|_| put(read, 1 << 20)));
            let (mut of_unread, mut of_read) = (0, 0);
            while of_read < 50 << 20 {
                if let Evt::RecvData { stream_identifier, data, .. } = take(&server) {
                    if stream_identifier == read {
                        of_read += data.len();
                        let octets = data.len();
                        server.put_act(Act::Release { stream_identifier, octets }).unwrap();
                    } else {
                        of_unread += data.len();
                    }
                }
            }
            assert!(of_unread <= 1 << 20, "{of_unread} octets exceed the window");
        });
    });
}

#[test]
fn rapid_reset_leaves_a_bounded_number_of_events() {
    bounded(|| {
        let mut config = Config::default();
        config.resets_received = Budget::new(1_000_000, 1);
        config.resets_provoked = Budget::new(1_000_000, 1);
        let streams = config.max_concurrent_streams as usize;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    for n in 0..10_000 {
                        peer.send_headers(id(2 * n + 1), &get(), false);
                        peer.reset(id(2 * n + 1), ErrorCode::Cancel);
                        if n % 1_000 == 999 {
                            peer.synchronize();
                        }
                    }
                })
                .join()
                .unwrap();
            // A request and its reset, and the connection's own events.
            let waiting = std::iter::from_fn(|| session.try_take_evt().ok()).count();
            assert!((streams..=2 * streams + 8).contains(&waiting), "{waiting} events");
        });
        // All slots are free again.
        for n in 10_000..10_000 + streams as u32 {
            peer.send_headers(id(2 * n + 1), &get(), true);
        }
        let refused =
            peer.until_synchronized().iter().any(|frame| matches!(frame, Frame::RstStream(_)));
        assert!(!refused);
    });
}

#[test]
fn a_stream_that_was_reset_holds_its_slot_until_its_events_are_taken() {
    bounded(|| {
        let mut config = Config::default();
        config.max_concurrent_streams = 1;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        let reset = |frame: &Frame| match frame {
            Frame::RstStream(frame) => Some((frame.stream_id, frame.error_code)),
            _ => None,
        };
        peer.send_headers(id(1), &get(), true);
        peer.reset(id(1), ErrorCode::Cancel);
        // The stream is closed, except for the application, which has taken none of its events.
        peer.send_headers(id(3), &get(), true);
        let refused: Vec<_> = peer.until_synchronized().iter().filter_map(reset).collect();
        assert_eq!(refused, [(id(3), ErrorCode::RefusedStream)]);
        // After its first event only, the stream still counts as work.
        take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
        peer.send_headers(id(5), &get(), true);
        let refused: Vec<_> = peer.until_synchronized().iter().filter_map(reset).collect();
        assert_eq!(refused, [(id(5), ErrorCode::RefusedStream)]);
        take_until(&session, |evt| matches!(evt, Evt::Reset { .. }).then_some(()));
        peer.send_headers(id(7), &get(), true);
        let refused: Vec<_> = peer.until_synchronized().iter().filter_map(reset).collect();
        assert_eq!(refused, []);
    });
}

#[test]
fn a_completed_stream_frees_its_slot_before_its_events_are_taken() {
    bounded(|| {
        let mut config = Config::default();
        config.max_concurrent_streams = 10;
        let (session, mut peer) = session_and_peer(Role::Server, config, 1 << 20);
        // Each response is put before the last events are taken, as a pipelining application does.
        for round in 0..100 {
            let ids: Vec<_> = (0..10).map(|n| 20 * round + 2 * n + 1).collect();
            ids.iter().for_each(|&n| peer.send_headers(id(n), &get(), true));
            for _ in &ids {
                take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
            }
            ids.iter().for_each(|&n| session.put_act(send_headers(n, true)).unwrap());
            for _ in &ids {
                peer.receive_headers();
            }
        }
    });
}
