//! Calls of a connection to a server as its owner.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::super::{Conn, Leader, RecvHalf, SendHalf, Then, Tick};
use super::{Far, LONG, get};
use crate::error::ErrorKind;
use crate::frame::ErrorCode;
use crate::proto::{Config, Connection, Event, Role};
use crate::transport::{Transport, duplex};
use crate::wire::Owner;

/// Counts the calls to the owner.
#[derive(Default)]
struct Counts {
    arms: AtomicUsize,
    flushes: AtomicUsize,
    /// Whether no thread can be started.
    is_short: AtomicBool,
}

struct Counted(Arc<Counts>);

impl Owner for Counted {
    fn find_leader(&self) -> bool {
        true
    }

    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        self.0.flushes.fetch_add(1, Ordering::Relaxed);
        !self.0.is_short.load(Ordering::Relaxed)
    }

    fn has_clock(&self) -> bool {
        true
    }

    fn has_handlers(&self) -> bool {
        true
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {
        self.0.arms.fetch_add(1, Ordering::Relaxed);
    }
}

fn server_over(stream: impl Transport, config: Config) -> (Arc<Conn>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let core = Connection::new(Role::Server, config, Instant::now()).unwrap();
    let owner = Box::new(Counted(Arc::clone(&counts)));
    (Conn::new(Box::new(core), stream.split().unwrap(), |_| owner), counts)
}

#[test]
fn output_of_another_thread_is_no_progress_of_the_leader() {
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over(near, Config::default());
    let before = conn.lock().steps;
    conn.flush_now();
    assert!(!conn.lock().has_to_write());
    assert_eq!(conn.lock().steps, before);
}

/// A server's connection with an incomplete request.
fn requested() -> (Arc<Conn>, Arc<Counts>, Far, RecvHalf, SendHalf) {
    let (near, far) = duplex(4 << 20);
    let (conn, counts) = server_over(near, Config::default());
    let mut far = Far::new(Role::Client, far, Config::default());
    conn.flush_now();
    // Its windows are those that the server has announced.
    far.until(|event| matches!(event, Event::SettingsChanged { .. }).then_some(()));
    far.core.open(&get(), false, Instant::now()).unwrap();
    far.write();
    let mut state = conn.lock();
    while state.arrivals.is_empty() {
        state.leader = Leader::me();
        state = conn.read_once(state, None);
    }
    let id = state.arrivals.pop_front().unwrap().id;
    drop(conn.flush(state, None));
    let recv = RecvHalf::new(Arc::clone(&conn), id, None);
    let send = SendHalf::new(Arc::clone(&conn), id, BytesMut::new());
    (conn, counts, far, recv, send)
}

#[test]
fn unread_data_of_a_lone_half_is_scheduled_on_the_clock() {
    let (conn, counts, _far, mut recv, mut send) = requested();
    let headers = crate::headers!(":status" => "200");
    send.put(Some(&headers), Bytes::new(), Then::End).unwrap();
    send.flush_conn();
    let before = counts.arms.load(Ordering::Relaxed);
    recv.stand_alone();
    drop(recv);
    assert_eq!(counts.arms.load(Ordering::Relaxed), before + 1);
    let soon = Instant::now() + Duration::from_millis(1_500);
    conn.lock().leader = Leader::me().reading();
    assert_eq!(conn.tick(soon), Tick::Flush);
}

#[test]
fn data_for_a_dropped_half_is_credited() {
    let (conn, _counts, mut far, recv, _send) = requested();
    let id = recv.stream_id();
    // All that the window takes waits to be read.
    let piece = Bytes::from(vec![0; 128 << 10]);
    let put = |far: &mut Far| {
        far.core.send_data(id, piece.clone(), false, Instant::now()).unwrap();
        far.write();
    };
    put(&mut far);
    put(&mut far);
    let mut state = conn.lock();
    while state.streams[&id].data.iter().map(Bytes::len).sum::<usize>() < 256 << 10 {
        state.leader = Leader::me();
        state = conn.read_once(state, None);
    }
    drop(state);
    drop(recv);
    conn.flush_now();
    // The client gets the credit, and may send as much again and more.
    put(&mut far);
    put(&mut far);
    let reader = thread::spawn({
        let conn = Arc::clone(&conn);
        move || loop {
            let mut state = conn.lock();
            if state.is_over() {
                return;
            }
            state.leader = Leader::me();
            drop(conn.flush(conn.read_once(state, None), None));
        }
    });
    far.core.ping(Instant::now()).unwrap();
    far.write();
    far.until(|event| matches!(event, Event::Pong { .. }).then_some(()));
    while far.core.stats().send_buffered > 0 {
        far.core.ping(Instant::now()).unwrap();
        far.write();
        far.until(|event| matches!(event, Event::Pong { .. }).then_some(()));
    }
    conn.cut();
    reader.join().unwrap();
}

#[test]
fn a_deadline_is_scheduled_once() {
    let (near, _far) = duplex(1 << 20);
    let (conn, counts) = server_over(near, Config::default());
    for _ in 0..10 {
        conn.flush_now();
    }
    assert_eq!(counts.arms.load(Ordering::Relaxed), 1);
}

#[test]
fn a_superseded_call_schedules_no_other() {
    let (near, _far) = duplex(1 << 20);
    let (conn, counts) = server_over(near, Config::default());
    conn.flush_now();
    let now = Instant::now();
    // An earlier deadline is added, and the scheduled call still arrives.
    conn.lock().set_called_at(now + LONG);
    drop(conn.flush(conn.lock(), None));
    assert_eq!(counts.arms.load(Ordering::Relaxed), 2);
    for _ in 0..10 {
        assert_eq!(conn.tick(now), Tick::Nothing);
    }
    assert_eq!(counts.arms.load(Ordering::Relaxed), 2);
}

#[test]
fn output_left_at_a_deadline_is_written_by_another_thread() {
    let (near, _far) = duplex(1);
    let (conn, counts) = server_over(near, Config::default());
    drop(conn.flush(conn.lock(), Some(Instant::now())));
    assert!(conn.lock().has_to_write() && !conn.lock().must_write());
    assert_eq!(counts.flushes.load(Ordering::Relaxed), 1);
}

#[test]
fn output_left_at_a_deadline_waits_for_the_next_writer_if_no_thread_starts() {
    let (near, _far) = duplex(1);
    let (conn, counts) = server_over(near, Config::default());
    counts.is_short.store(true, Ordering::Relaxed);
    drop(conn.flush(conn.lock(), Some(Instant::now())));
    assert!(conn.lock().must_write());
}

#[test]
fn an_ended_connection_is_cut_after_its_timeout() {
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over(near, Config::default());
    conn.with(|state, _| state.core.close(ErrorCode::NoError, Bytes::new()));
    let now = Instant::now();
    assert_eq!(conn.tick(now), Tick::Flush);
    conn.flush_now();
    assert_eq!(conn.tick(now + LONG), Tick::Cut);
}

#[test]
fn a_write_that_fails_ends_the_connection_if_the_peer_does_not_explain_it() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over((near.split().unwrap().reader, Broken), Config::default());
    conn.flush_now();
    assert!(conn.lock().end_error().is_none());
    // No thread has read by the first deadline.
    conn.tick(Instant::now() + Duration::from_secs(1));
    conn.tick(Instant::now() + Duration::from_secs(2));
    assert_eq!(conn.lock().end_error().unwrap().kind(), ErrorKind::Transport);
}

#[test]
fn a_transport_that_panics_in_a_write_ends_the_connection() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("a transport")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over((near.split().unwrap().reader, Panics), Config::default());
    conn.flush_now();
    assert_eq!(conn.lock().end_error().unwrap().kind(), ErrorKind::Internal);
    assert!(!conn.lock().has_to_write());
}

#[test]
fn deadline_for_the_peer_is_extended_while_no_thread_reads() {
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over(near, Config::default());
    // Long after each of the deadlines, and a second later each time.
    let late = Instant::now() + LONG;
    let tick = |second: u64| conn.tick(late + Duration::from_secs(second));
    conn.lock().leader = Leader::me();
    for second in 0..10 {
        tick(second);
        assert!(!conn.lock().has_ended());
    }
    // It reads, and nothing arrives.
    conn.lock().leader = Leader::me().reading();
    for second in 10..20 {
        tick(second);
    }
    assert!(conn.lock().has_ended());
}

#[test]
fn deadline_for_a_peer_that_is_read_is_kept_during_handlers() {
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over(near, Config::default());
    let late = Instant::now() + LONG;
    for second in 0..10 {
        // A leader that reads, but is in a handler at each check.
        conn.lock().leader = Leader::me();
        conn.lock().reads += 1;
        conn.tick(late + Duration::from_secs(second));
    }
    assert!(conn.lock().has_ended());
}
