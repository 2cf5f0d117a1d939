//! Turns and waiting, with a core at the other end that this test drives itself.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::inbox::Half;
use super::{Conn, Hooks, Lead, RecvHalf, SendHalf, Tick};
use crate::error::ErrorKind;
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;
use crate::link::WriteBuffer;
use crate::proto::{Config, Connection, Event, Role};
use crate::transport::{duplex, Duplex, Transport};

/// Nothing here takes so long, on however slow a machine.
const LONG: Duration = Duration::from_secs(100);

/// The other end: a core, and octets that are read and written when the test says so.
struct Far {
    core: Connection,
    stream: Duplex,
    input: BytesMut,
}

impl Far {
    fn new(role: Role, stream: Duplex) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        let core = Connection::new(role, Config::default(), Instant::now()).unwrap();
        Far { core, stream, input: BytesMut::new() }
    }

    fn write(&mut self) {
        let mut buffer = WriteBuffer::new();
        while self.core.poll_transmit(Instant::now(), &mut buffer.out, usize::MAX) {
            while !buffer.is_done() {
                buffer.write_once(&mut self.stream).unwrap();
            }
        }
    }

    /// Reads until an event is the one.
    fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.core.poll_event() {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            let mut octets = [0; 16 << 10];
            let len = self.stream.read(&mut octets).unwrap();
            assert!(len > 0, "the end comes first");
            self.input.extend_from_slice(&octets[..len]);
            self.core.receive(&mut self.input, Instant::now()).unwrap();
            self.write();
        }
    }

    fn request(&mut self) -> StreamId {
        self.until(|event| match event {
            Event::Headers { stream_id, .. } => Some(stream_id),
            _ => None,
        })
    }

    fn respond(&mut self, id: StreamId, body: &'static str) {
        let now = Instant::now();
        let headers = crate::headers!(":status" => "200");
        self.core.send_headers(id, &headers, false, now).unwrap();
        self.core.send_data(id, body.into(), true, now).unwrap();
        self.write();
    }
}

/// A client's connection without hooks, whose threads lead in turns, and a server.
fn client() -> (Arc<Conn>, Far) {
    let (near, far) = duplex(1 << 20);
    let core = Connection::new(Role::Client, Config::default(), Instant::now()).unwrap();
    let conn = Conn::new(Box::new(core), near.split().unwrap(), None);
    conn.flush_now();
    let mut far = Far::new(Role::Server, far);
    far.write();
    (conn, far)
}

fn get() -> Headers {
    crate::headers!(":method" => "GET", ":scheme" => "http", ":authority" => "a", ":path" => "/")
}

fn open(conn: &Arc<Conn>) -> (RecvHalf, SendHalf) {
    let mut state = conn.lock();
    let id = state.open(&get(), false, Instant::now()).unwrap();
    drop(conn.flush(state, None));
    let recv = RecvHalf::new(Arc::clone(conn), id, None);
    (recv, SendHalf::new(Arc::clone(conn), id, BytesMut::new()))
}

fn read_all(mut recv: RecvHalf) -> String {
    let mut text = String::new();
    recv.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_thread_alone_reads_for_itself_and_leaves_the_lead_free() {
    let (conn, mut far) = client();
    let (recv, mut send) = open(&conn);
    let id = far.request();
    far.respond(id, "hello");
    assert_eq!(read_all(recv), "hello");
    assert_eq!(conn.lock().lead, Lead::Free);
    send.finish().unwrap();
}

#[test]
fn who_has_its_answer_leaves_the_lead_to_another_who_waits() {
    let (conn, mut far) = client();
    let halves: Vec<_> = (0..8).map(|_| open(&conn)).collect();
    let ids: Vec<_> = (0..8).map(|_| far.request()).collect();
    let (recvs, _sends): (Vec<_>, Vec<_>) = halves.into_iter().unzip();
    let readers: Vec<_> =
        recvs.into_iter().map(|recv| thread::spawn(move || read_all(recv))).collect();
    // One after the other, whoever of them reads at the time.
    for id in ids {
        far.respond(id, "hello");
    }
    for reader in readers {
        assert_eq!(reader.join().unwrap(), "hello");
    }
    let state = conn.lock();
    assert_eq!(state.lead, Lead::Free);
    assert!(state.parked.is_empty());
}

#[test]
fn a_deadline_passes_while_another_thread_reads() {
    let (conn, mut far) = client();
    let (leads, _one) = open(&conn);
    let (mut waits, _other) = open(&conn);
    let id = far.request();
    let leader = thread::spawn(move || read_all(leads));
    while conn.lock().lead == Lead::Free {
        thread::yield_now();
    }
    waits.set_read_timeout(Some(Duration::from_millis(1)));
    assert!(waits.next_chunk().unwrap_err().is_timeout());
    far.respond(id, "hello");
    assert_eq!(leader.join().unwrap(), "hello");
}

#[test]
fn the_end_wakes_everybody_with_its_reason() {
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
fn a_write_that_waits_for_room_goes_on_when_the_peer_takes_something() {
    let (conn, mut far) = client();
    let (recv, mut send) = open(&conn);
    let id = far.request();
    let writer = thread::spawn(move || {
        send.write_all(&vec![1; 4 << 20]).unwrap();
        send.finish().unwrap();
        // What waits for the windows goes out while somebody waits for something.
        read_all(recv)
    });
    let mut left = 4 << 20;
    while left > 0 {
        let len = far.until(|event| match event {
            Event::Data { data, .. } => Some(data.len()),
            _ => None,
        });
        left -= len;
        far.core.release(id, len).unwrap();
        far.write();
    }
    far.respond(id, "hello");
    assert_eq!(writer.join().unwrap(), "hello");
}

#[test]
fn an_error_leaves_what_has_come_before_it() {
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

/// What a server does for its connections, counted.
#[derive(Default)]
struct Counts {
    arms: AtomicUsize,
    flushes: AtomicUsize,
}

struct Counted(Arc<Counts>, Sender<Arc<Conn>>);

impl Hooks for Counted {
    fn hand_over(&self, conn: &Arc<Conn>) -> bool {
        self.1.send(Arc::clone(conn)).is_ok()
    }

    fn at_work(&self) {}

    fn work(&self) {}

    fn flush(&self) -> bool {
        self.0.flushes.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn arm(&self, _: &Arc<Conn>, _: Instant) {
        self.0.arms.fetch_add(1, Ordering::Relaxed);
    }
}

fn server_over(stream: impl Transport, config: Config) -> (Arc<Conn>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let (sender, _) = channel();
    let core = Connection::new(Role::Server, config, Instant::now()).unwrap();
    let hooks = Box::new(Counted(Arc::clone(&counts), sender));
    (Conn::new(Box::new(core), stream.split().unwrap(), Some(hooks)), counts)
}

/// What the leader begins is progress. Writing goes on for as long as there is something to write,
/// by whomever, and says nothing of whether the leader will ever read again.
#[test]
fn a_write_is_no_progress_of_the_leader() {
    let (near, _far) = duplex(1 << 20);
    let (conn, _) = server_over(near, Config::default());
    let before = conn.lock().step;
    conn.flush_now();
    assert!(!conn.lock().has_to_write());
    assert_eq!(conn.lock().step, before);
}

/// A server's connection to which a request has come, of which there is more to come.
fn requested() -> (Arc<Conn>, Arc<Counts>, Far, RecvHalf, SendHalf) {
    let (near, far) = duplex(1 << 20);
    let (conn, counts) = server_over(near, Config::default());
    let mut far = Far::new(Role::Client, far);
    far.core.open(&get(), false, Instant::now()).unwrap();
    far.write();
    let mut state = conn.lock();
    while state.arrivals.is_empty() {
        state.lead = Lead::mine();
        state = conn.read_once(state, None);
    }
    let id = state.arrivals.pop_front().unwrap().id;
    drop(conn.flush(state, None));
    let recv = RecvHalf::new(Arc::clone(&conn), id, None);
    let send = SendHalf::new(Arc::clone(&conn), id, BytesMut::new());
    (conn, counts, far, recv, send)
}

#[test]
fn what_a_half_that_stands_alone_leaves_unread_is_put_on_the_clock() {
    let (conn, counts, _far, mut recv, mut send) = requested();
    let headers = crate::headers!(":status" => "200");
    send.put(Some(&headers), Bytes::new(), super::Then::End).unwrap();
    send.flush_conn();
    let before = counts.arms.load(Ordering::Relaxed);
    recv.stand_alone();
    drop(recv);
    assert_eq!(counts.arms.load(Ordering::Relaxed), before + 1);
    let soon = Instant::now() + Duration::from_secs(2);
    assert_eq!(conn.tick(soon), Tick::Flush);
}

#[test]
fn what_comes_for_a_half_that_is_gone_is_credited() {
    let (conn, _counts, mut far, recv, _send) = requested();
    let id = recv.stream_id();
    // All that the window takes, in the inbox and still to come.
    let piece = Bytes::from(vec![0; 512 << 10]);
    let mut put = |far: &mut Far| {
        far.core.send_data(id, piece.clone(), false, Instant::now()).unwrap();
        far.write();
    };
    put(&mut far);
    let mut state = conn.lock();
    while state.streams[&id].data.iter().map(Bytes::len).sum::<usize>() < 512 << 10 {
        state.lead = Lead::mine();
        state = conn.read_once(state, None);
    }
    drop(state);
    drop(recv);
    conn.flush_now();
    // The client hears of it, and may send as much again and more.
    put(&mut far);
    put(&mut far);
    let reader = thread::spawn({
        let conn = Arc::clone(&conn);
        move || loop {
            let mut state = conn.lock();
            if state.is_over() {
                return;
            }
            state.lead = Lead::mine();
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
fn the_clock_is_called_once_for_a_deadline() {
    let (near, _far) = duplex(1 << 20);
    let (conn, counts) = server_over(near, Config::default());
    for _ in 0..10 {
        conn.flush_now();
    }
    assert_eq!(counts.arms.load(Ordering::Relaxed), 1);
}

#[test]
fn a_call_that_an_earlier_one_has_made_needless_calls_for_no_other() {
    let (near, _far) = duplex(1 << 20);
    let (conn, counts) = server_over(near, Config::default());
    conn.flush_now();
    let now = Instant::now();
    // Something earlier comes up, and what had been called for comes still.
    conn.lock().armed = Some(now + LONG);
    drop(conn.flush(conn.lock(), None));
    assert_eq!(counts.arms.load(Ordering::Relaxed), 2);
    for _ in 0..10 {
        assert_eq!(conn.tick(now), Tick::Nothing);
    }
    assert_eq!(counts.arms.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_left_at_a_deadline_is_written_by_somebody_else() {
    let (near, _far) = duplex(1);
    let (conn, counts) = server_over(near, Config::default());
    drop(conn.flush(conn.lock(), Some(Instant::now())));
    assert!(conn.lock().has_to_write());
    assert_eq!(counts.flushes.load(Ordering::Relaxed), 1);
}

#[test]
fn a_connection_that_has_ended_is_cut_when_it_has_had_its_time() {
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
    conn.tick(Instant::now() + Duration::from_secs(1));
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
fn a_wait_ends_at_its_deadline_and_leaves_nothing_behind() {
    let (conn, _far) = client();
    let deadline = Some(Instant::now() + Duration::from_millis(1));
    let whom = (StreamId::CONNECTION, Half::Recv);
    let (state, result) = conn.wait(conn.lock(), whom, deadline, |_| None::<()>);
    assert_eq!((result, state.lead, state.parked.len()), (None, Lead::Free, 0));
}
