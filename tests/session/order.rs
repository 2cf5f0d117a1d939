//! The frames that are sent, and their order.

use std::sync::mpsc;

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{Frame, Kind, Ping};
use h2_sync::proto::CommandError;
use h2_sync::transport::duplex;
use h2_sync::{Act, Config, ErrorKind, Evt, Reason, Role, Session, StreamId};

use crate::frames::eventually;
use crate::peer::{peer_of, session_and_peer};
use crate::support::*;

#[test]
fn ids_of_eight_threads_never_overtake_one_another() {
    const EACH: usize = 1_000;
    bounded(|| {
        let mut config = Config::default();
        // Allows a thread to be suspended between its two steps.
        config.reservation_timeout = 10 * LONG;
        let (session, mut peer) = session_and_peer(Role::Client, config, 1 << 20);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        let stream_identifier = session.next_free_stream_identifier().unwrap();
                        let headers = get();
                        let act =
                            Act::SendHeaders { stream_identifier, headers, is_end_stream: true };
                        session.put_act(act).unwrap();
                    }
                });
            }
            for n in 0..8 * EACH as u32 {
                let (stream_id, fields) = peer.receive_headers();
                assert_eq!((stream_id, fields), (id(2 * n + 1), get()));
            }
        });
    });
}

#[test]
fn an_unused_reservation_delays_others_only_until_its_timeout() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let unused = session.next_free_stream_identifier().unwrap();
        let opened = session.open(&get(), true).unwrap();
        assert_eq!(peer.receive_headers().0, opened);
        // Using it later is an error of that call only.
        let (stream_identifier, headers) = (unused, get());
        let act = Act::SendHeaders { stream_identifier, headers, is_end_stream: true };
        let error = session.put_act(act).unwrap_err();
        assert_eq!(error.error().as_command_error(), Some(&CommandError::GivenUp(unused)));
        let next = session.open(&get(), true).unwrap();
        assert_eq!(peer.receive_headers().0, next);
    });
}

#[test]
fn a_released_reservation_delays_no_stream() {
    bounded(|| {
        let mut config = Config::default();
        config.reservation_timeout = 10 * LONG;
        let (session, mut peer) = session_and_peer(Role::Client, config, 1 << 20);
        let unused = session.next_free_stream_identifier().unwrap();
        let opened = session.open(&get(), true).unwrap();
        let error_code = h2_sync::ErrorCode::Cancel;
        session.put_act(Act::Reset { stream_identifier: unused, error_code }).unwrap();
        assert_eq!(peer.receive_headers().0, opened);
    });
}

/// Parses the frames of one write.
fn frames(call: &[u8]) -> Vec<Frame> {
    let mut input = BytesMut::from(call);
    std::iter::from_fn(|| Frame::decode(&mut input, 1 << 24).unwrap()).collect()
}

fn kinds(call: &[u8]) -> Vec<Kind> {
    frames(call).iter().map(Frame::kind).collect()
}

#[test]
fn a_response_goes_out_in_one_write() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let near = Hooked::new(near, nothing, nothing);
        let calls = near.calls.clone();
        let session = Session::with_config(near, Role::Server, Config::default()).unwrap();
        let mut peer = peer_of(far, Role::Server);
        for (n, size) in [10, 2_000, 16 << 10, 60_000].into_iter().enumerate() {
            let stream_identifier = id(2 * n as u32 + 1);
            peer.grant(StreamId::CONNECTION, 1 << 20);
            peer.send_headers(stream_identifier, &get(), true);
            peer.synchronize();
            take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
            let data = Bytes::from(vec![0; size]);
            let mut acts = vec![
                Act::SendHeaders { stream_identifier, headers: ok(), is_end_stream: false },
                Act::SendData { stream_identifier, data, is_end_stream: true },
            ];
            session.put_acts(&mut acts).unwrap();
            assert_eq!(acts, []);
            peer.receive_data(size);
            // By now, earlier writes have been recorded.
            peer.synchronize();
            let call = calls.get().into_iter().find(|call| kinds(call).contains(&Kind::HEADERS));
            let call = call.expect("a write with the response");
            let octets: usize = frames(&call)
                .iter()
                .map(|frame| if let Frame::Data(data) = frame { data.data.len() } else { 0 })
                .sum();
            assert_eq!(octets, size, "{:?}", kinds(&call));
            calls.clear();
        }
    });
}

#[test]
fn actions_put_during_a_write_go_out_in_the_next_one() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let (enter, entered) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let near = Hooked::new(near, nothing, move || {
            // After the test there is no receiver.
            let _ = enter.send(());
            let _ = may_go.recv();
            Ok(())
        });
        let calls = near.calls.clone();
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        entered.recv_timeout(LONG).unwrap();
        let streams: Vec<_> = (0..10).map(|_| session.open(&post(), false).unwrap()).collect();
        for &stream_identifier in &streams {
            let data = Bytes::from_static(b"hello");
            session
                .put_act(Act::SendData { stream_identifier, data, is_end_stream: true })
                .unwrap();
        }
        (0..2).for_each(|_| go.send(()).unwrap());
        let mut peer = peer_of(far, Role::Client);
        peer.receive_data(10 * 5);
        // From here on it no longer waits.
        drop(go);
        peer.synchronize();
        let mut second = kinds(&calls.get()[1]);
        second.retain(|kind| *kind != Kind::SETTINGS);
        assert_eq!(second, [[Kind::HEADERS; 10], [Kind::DATA; 10]].concat());
    });
}

#[test]
fn calling_thread_writes_its_actions_unless_the_writer_does() {
    bounded(|| {
        let (near, far) = duplex(1 << 20);
        let (enter, entered) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let me = std::thread::current().id();
        let near = Hooked::new(near, nothing, move || {
            let is_mine = std::thread::current().id() == me;
            // After the test there is no receiver.
            let _ = enter.send(is_mine);
            if !is_mine {
                let _ = may_go.recv();
            }
            Ok(())
        });
        let session = Session::with_config(near, Role::Client, Config::default()).unwrap();
        // The writer thread writes the preface, and is held up in it.
        assert!(!entered.recv_timeout(LONG).unwrap());
        let stream_identifier = session.open(&post(), false).unwrap();
        let data = |text: &'static str, is_end_stream| Act::SendData {
            stream_identifier,
            data: Bytes::from_static(text.as_bytes()),
            is_end_stream,
        };
        session.write_acts(&mut vec![data("one", false)]).unwrap();
        assert!(entered.try_recv().is_err());
        // From here on it is not held up.
        drop(go);
        let mut peer = peer_of(far, Role::Client);
        peer.receive_data(3);
        peer.synchronize();
        // The writer goes to sleep at some time; until then it writes.
        eventually(|| {
            session.write_acts(&mut vec![data("two", false)]).unwrap();
            peer.receive_data(3);
            entered.try_iter().any(|is_mine| is_mine)
        });
        session.write_acts(&mut vec![data("end", true)]).unwrap();
        peer.receive_data(3);
    });
}

#[test]
fn events_that_are_there_are_taken_together() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Server, Config::default(), 1 << 20);
        let ids: Vec<_> = (0..10).map(|n| id(2 * n + 1)).collect();
        for &id in &ids {
            peer.send_headers(id, &get(), true);
        }
        peer.synchronize();
        let (mut evts, mut requests) = (Vec::new(), Vec::new());
        while requests.len() < ids.len() {
            let before = evts.len();
            let taken = session.take_evts(&mut evts).unwrap();
            assert_eq!(evts.len(), before + taken);
            requests = evts
                .iter()
                .filter_map(|evt| match evt {
                    Evt::RecvHeaders { stream_identifier, .. } => Some(*stream_identifier),
                    _ => None,
                })
                .collect();
        }
        assert_eq!(requests, ids);
        session.close();
        while !matches!(evts.last(), Some(Evt::Closed { .. })) {
            session.take_evts(&mut evts).unwrap();
        }
        session.take_evts(&mut evts).unwrap_err();
    });
}

#[test]
fn actions_after_a_failed_one_are_not_executed() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let stream_identifier = session.open(&post(), false).unwrap();
        let data = |text: &'static str, is_end_stream| Act::SendData {
            stream_identifier,
            data: Bytes::from_static(text.as_bytes()),
            is_end_stream,
        };
        let mut acts = vec![data("one", false), data("two", true), data("three", false), Act::Ping];
        let error = session.put_acts(&mut acts).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Caller);
        assert_eq!(acts, [data("three", false), Act::Ping]);
        peer.receive_data("one".len() + "two".len());
    });
}

#[test]
fn a_ping_deadline_counts_from_when_it_was_queued() {
    bounded(|| {
        let mut config = Config::default();
        config.keepalive_timeout = std::time::Duration::from_millis(50);
        (config.stall_timeout, config.handshake_timeout) = (None, None);
        config.settings_timeout = None;
        // The peer never reads, so the PING is never written: only one octet fits.
        let (near, _far) = duplex(1);
        let session = Session::with_config(near, Role::Client, config).unwrap();
        session.put_act(Act::Ping).unwrap();
        let (_, reason) = take_to_the_end(&session);
        match reason {
            Reason::Error(error) => {
                assert!(error.is_timeout(), "{error}");
                assert!(error.to_string().contains("PING"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_stalled_write_ends_the_connection() {
    bounded(|| {
        let mut config = Config::default();
        config.stall_timeout = Some(std::time::Duration::from_millis(50));
        (config.handshake_timeout, config.settings_timeout) = (None, None);
        let (near, _far) = duplex(1);
        let session = Session::with_config(near, Role::Client, config).unwrap();
        let (_, reason) = take_to_the_end(&session);
        let Reason::Error(error) = reason else { panic!("{reason:?}") };
        assert!(error.is_timeout() && error.to_string().contains("write"), "{error}");
    });
}

#[test]
fn a_peer_that_reads_single_octets_does_not_suspend_deadlines() {
    bounded(|| {
        let mut config = Config::default();
        config.keepalive_timeout = std::time::Duration::from_millis(50);
        (config.stall_timeout, config.handshake_timeout) = (None, None);
        config.settings_timeout = None;
        let (near, mut far) = duplex(1);
        let session = Session::with_config(near, Role::Client, config).unwrap();
        session.put_act(Act::Ping).unwrap();
        // Each write accepts one octet and none gives up; the data would last for an hour.
        let stream_identifier = session.open(&post(), false).unwrap();
        let data = Bytes::from(vec![0; 60_000]);
        session.put_act(Act::SendData { stream_identifier, data, is_end_stream: false }).unwrap();
        let dripping = std::thread::spawn(move || {
            let mut octet = [0];
            while std::io::Read::read(&mut far, &mut octet).unwrap() > 0 {}
        });
        let (_, reason) = take_to_the_end(&session);
        assert!(matches!(&reason, Reason::Error(error) if error.is_timeout()), "{reason:?}");
        session.close();
        dripping.join().unwrap();
    });
}

#[test]
fn a_pong_has_the_round_trip_time() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        session.put_act(Act::Ping).unwrap();
        let payload = peer.until(|frame| match frame {
            Frame::Ping(ping) if !ping.ack => Some(ping.payload),
            _ => None,
        });
        peer.send(Ping { ack: true, payload });
        take_until(&session, |evt| matches!(evt, Evt::Pong { .. }).then_some(()));
        assert!(session.stats().round_trip_time.is_some());
    });
}
