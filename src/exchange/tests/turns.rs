//! Waiting threads of a client, which take turns as leader.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::inbox::Half;
use super::super::send::Then;
use super::super::{Leader, State};
use super::{client, client_of, open, read_all};
use crate::error::ErrorKind;
use crate::frame::{ErrorCode, StreamId};
use crate::proto::{Config, ConnectionError, Event, LATE};

#[test]
fn a_thread_alone_reads_for_itself_and_leaves_the_lead_free() {
    let (conn, mut far) = client();
    let (recv, mut send) = open(&conn);
    let id = far.request();
    far.respond(id, "hello");
    assert_eq!(read_all(recv), "hello");
    assert_eq!(conn.lock().leader, Leader::None);
    send.finish().unwrap();
}

#[test]
fn thread_that_waits_for_a_free_stream_reads_the_end_of_one() {
    let (conn, mut far) = client();
    let (_recv, mut send) = open(&conn);
    send.finish().unwrap();
    let id = far.request();
    let busy = conn.snapshot().free;
    far.respond(id, "hello");
    while conn.snapshot().free == busy {
        assert!(conn.read_in_turn(Instant::now() + Duration::from_secs(60)));
    }
    assert_eq!(conn.lock().leader, Leader::None);
}

#[test]
fn turn_without_input_ends_in_time() {
    let (conn, _far) = client();
    assert!(conn.read_in_turn(Instant::now() + Duration::from_millis(1)));
    assert_eq!(conn.lock().leader, Leader::None);
}

#[test]
fn a_leader_with_its_response_passes_the_lead_to_a_waiting_thread() {
    let (conn, mut far) = client();
    let halves: Vec<_> = (0..8).map(|_| open(&conn)).collect();
    let ids: Vec<_> = (0..8).map(|_| far.request()).collect();
    let (recvs, _sends): (Vec<_>, Vec<_>) = halves.into_iter().unzip();
    let readers: Vec<_> =
        recvs.into_iter().map(|recv| thread::spawn(move || read_all(recv))).collect();
    // One after the other, whichever of them reads.
    for id in ids {
        far.respond(id, "hello");
    }
    for reader in readers {
        assert_eq!(reader.join().unwrap(), "hello");
    }
    let state = conn.lock();
    assert_eq!(state.leader, Leader::None);
    assert!(state.parked.is_empty());
}

#[test]
fn a_deadline_passes_while_another_thread_reads() {
    let (conn, mut far) = client();
    let (leads, _one) = open(&conn);
    let (mut waits, _other) = open(&conn);
    let id = far.request();
    let leader = thread::spawn(move || read_all(leads));
    while conn.lock().leader == Leader::None {
        thread::yield_now();
    }
    waits.set_read_timeout(Some(Duration::from_millis(1)));
    assert!(waits.next_chunk().unwrap_err().is_timeout());
    far.respond(id, "hello");
    assert_eq!(leader.join().unwrap(), "hello");
}

#[test]
fn the_end_wakes_every_thread_with_its_reason() {
    let (conn, mut far) = client();
    let halves: Vec<_> = (0..4).map(|_| open(&conn)).collect();
    far.request();
    let readers: Vec<_> = halves
        .into_iter()
        .map(|(mut recv, send)| {
            thread::spawn(move || {
                let error = recv.next_chunk().unwrap_err();
                drop(send);
                (error.kind(), error.code())
            })
        })
        .collect();
    far.core.close(ErrorCode::EnhanceYourCalm, Bytes::new());
    far.write();
    drop(far);
    for reader in readers {
        let (kind, code) = reader.join().unwrap();
        assert_eq!((kind, code), (ErrorKind::Closed, Some(ErrorCode::EnhanceYourCalm)));
    }
}

#[test]
fn a_reading_thread_is_woken_by_an_end_found_by_another() {
    let (conn, mut far) = client();
    let (mut recv, _send) = open(&conn);
    far.request();
    let leader = thread::spawn(move || recv.next_chunk().unwrap_err());
    while !matches!(conn.lock().leader, Leader::Thread { reads: true, .. }) {
        thread::yield_now();
    }
    let late = ConnectionError::timeout(ErrorCode::NoError, "too late");
    conn.with(|state, _| state.core.abort(late));
    conn.flush_now();
    assert!(leader.join().unwrap().is_timeout());
}

#[test]
fn a_write_that_waits_for_room_continues_when_the_peer_reads() {
    let (conn, mut far) = client();
    let (recv, mut send) = open(&conn);
    let id = far.request();
    let writer = thread::spawn(move || {
        send.write_all(&vec![1; 4 << 20]).unwrap();
        send.finish().unwrap();
        // Data that waits for the windows is sent while a thread waits.
        read_all(recv)
    });
    let mut left = 4 << 20;
    while left > 0 {
        let len = far.until(|event| match event {
            Event::Data { data, .. } => Some(data.len()),
            _ => None,
        });
        left -= len;
        far.core.release(id, len, Instant::now()).unwrap();
        far.write();
    }
    far.respond(id, "hello");
    assert_eq!(writer.join().unwrap(), "hello");
}

#[test]
fn input_before_an_error_is_kept() {
    let (conn, mut far) = client();
    let (mut recv, _send) = open(&conn);
    let id = far.request();
    let now = Instant::now();
    far.core.send_headers(id, &crate::headers!(":status" => "200"), false, now).unwrap();
    far.core.send_data(id, "half".into(), false, now).unwrap();
    far.write();
    far.core.reset(id, ErrorCode::InternalError, now).unwrap();
    far.write();
    assert_eq!(recv.next_chunk().unwrap().unwrap(), "half");
    let error = recv.next_chunk().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Reset, Some(ErrorCode::InternalError)));
}

#[test]
fn a_wait_ends_at_its_deadline_and_leaves_no_state() {
    let (conn, _far) = client();
    let deadline = Some(Instant::now() + Duration::from_millis(1));
    let waiter = (StreamId::CONNECTION, Half::Recv);
    let (state, result) = conn.wait(conn.lock(), waiter, deadline, |_| None::<()>);
    assert_eq!((result, state.leader, state.parked.len()), (None, Leader::None, 0));
}

/// The machine may have been suspended: input that arrived in time is unread.
#[test]
fn a_thread_that_wakes_up_late_reads_before_it_times_out() {
    let (conn, mut far) = client();
    let (recv, mut send) = open(&conn);
    let id = far.request();
    far.respond(id, "hello");
    let soon = Instant::now() + Duration::from_millis(10);
    let (mut asked, late) = (0, soon + LATE + Duration::from_millis(100));
    let ready = |state: &mut State| {
        asked += 1;
        while asked == 2 && Instant::now() < late {
            thread::park_timeout(late - Instant::now());
        }
        state.has_response(id).then_some(())
    };
    let (state, result) = conn.wait(conn.lock(), (id, Half::Recv), Some(soon), ready);
    drop(state);
    assert_eq!(result, Some(()));
    assert_eq!(read_all(recv), "hello");
    send.finish().unwrap();
}

#[test]
fn write_that_waits_for_room_continues_when_another_thread_has_written() {
    const FIRST: usize = 3 << 19;
    const REST: usize = 5 << 20;
    let (conn, mut far) = client_of(Config {
        initial_window_size: 16 << 20,
        connection_window_size: 16 << 20,
        ..Config::default()
    });
    // Reads the window updates, so that nothing else can end a read.
    conn.read_once(conn.lock(), None).leader = Leader::None;
    let (_recv, mut send) = open(&conn);
    let id = far.request();
    send.put(None, vec![1; FIRST].into(), Then::More).unwrap();
    let others = thread::spawn({
        let conn = Arc::clone(&conn);
        move || conn.write_for_others()
    });
    while !conn.lock().is_writing() {
        thread::yield_now();
    }
    let waits = thread::spawn(move || {
        send.put(None, vec![1; REST].into(), Then::More).unwrap();
        send.flush_conn();
        send
    });
    while !conn.lock().streams[&id].is_blocked() {
        thread::yield_now();
    }
    far.take(FIRST + REST);
    waits.join().unwrap();
    others.join().unwrap();
}
