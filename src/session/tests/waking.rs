//! Wake-ups of the writer, and of threads that wait for room.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::frame::{ErrorCode, RstStream, Settings, StreamId};
use crate::headers;
use crate::proto::{CommandError, Config, Connection, Role};
use crate::session::shared::{Next, Shared};
use crate::transport::{Closer, Halves};

/// A generous timeout for slow machines.
const LONG: Duration = Duration::from_secs(100);

/// A reader of what the tests send to it; it ends when the sender is dropped.
struct Input(Receiver<Vec<u8>>);

impl io::Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let octets = self.0.recv().unwrap_or_default();
        buf[..octets.len()].copy_from_slice(&octets);
        Ok(octets.len())
    }
}

/// A client that has received the server's SETTINGS, and the input of its reader.
fn client(config: Config) -> (Shared, Sender<Vec<u8>>) {
    let core = Connection::new(Role::Client, config, Instant::now()).unwrap();
    let (input, receiver) = mpsc::channel();
    let (reader, writer) = (Input(receiver), io::sink());
    let halves = Halves { reader, writer, closer: Closer::none() };
    let shared = Shared::new(core, halves, crossbeam_channel::unbounded().0, true).unwrap();
    let mut octets = Vec::new();
    Settings::default().encode(&mut octets);
    input.send(octets).unwrap();
    read(&shared);
    (shared, input)
}

fn read(shared: &Shared) {
    drop(shared.wire.read_once(shared.wire.lock(), None));
    shared.deliver();
}

fn open(shared: &Shared) -> StreamId {
    let request = headers!(
        ":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    shared.command(|core, now| core.open(&request, false, now)).unwrap()
}

/// Runs the writer in a thread and calls `cause` once it is parked. Returns what it does next.
fn woken_by(config: Config, cause: impl FnOnce(&Shared, Sender<Vec<u8>>)) -> Next {
    let (shared, input) = client(config);
    thread::scope(|scope| {
        let (woken, is_woken) = mpsc::channel();
        let shared = &shared;
        scope.spawn(move || {
            shared.begin_writing();
            woken.send(shared.write(None)).unwrap();
        });
        while shared.wire.lock().parked.is_none() {
            thread::yield_now();
        }
        cause(shared, input);
        is_woken.recv_timeout(LONG).expect("the writer wakes up")
    })
}

/// Waits until the writer is parked with nothing left to write.
fn until_written(shared: &Shared) {
    let is_written = || {
        let state = shared.wire.lock();
        state.parked.is_some() && !state.core.wants_transmit()
    };
    while !is_written() {
        thread::yield_now();
    }
}

#[test]
fn sleeping_writer_is_woken_by_something_to_send() {
    let next = woken_by(Config::default(), |shared, _input| {
        open(shared);
        until_written(shared);
        shared.receiver_goes_out();
    });
    assert_eq!(next, Next::Deliver);
}

#[test]
fn sleeping_writer_is_woken_by_close_abort_and_the_peers_end() {
    let close = |shared: &Shared, _input| shared.begin_close();
    assert_eq!(woken_by(Config::default(), close), Next::End);
    assert_eq!(woken_by(Config::default(), |shared, _input| shared.abort()), Next::End);
    let end = |shared: &Shared, input| {
        drop(input);
        read(shared);
    };
    assert_eq!(woken_by(Config::default(), end), Next::End);
}

#[test]
fn sleeping_writer_is_woken_for_an_earlier_deadline() {
    let config = Config {
        reservation_timeout: Duration::from_millis(20),
        settings_timeout: None,
        idle_timeout: None,
        ..Config::default()
    };
    // Nothing can be sent before the reservation times out.
    let next = woken_by(config, |shared, _input| {
        shared.command(|core, now| core.reserve_stream_id(now)).unwrap();
        let id = open(shared);
        while shared.wire.lock().core.stats().send_buffered > 0 {
            thread::yield_now();
        }
        assert_eq!(id, StreamId::from_wire(3));
        shared.receiver_goes_out();
    });
    assert_eq!(next, Next::Deliver);
}

#[test]
fn a_request_before_the_writer_parks_is_not_lost() {
    let (shared, _input) = client(Config::default());
    shared.receiver_goes_out();
    shared.begin_writing();
    assert_eq!(shared.write(None), Next::Deliver);
}

#[test]
fn writer_checks_on_schedule_without_other_events() {
    let (shared, _input) = client(Config::default());
    shared.begin_writing();
    let check_at = Some(Instant::now() + Duration::from_millis(1));
    assert_eq!(shared.write(check_at), Next::Deliver);
}

/// Waits for room in a thread, calls `cause`, and returns the result of the wait.
fn room_after(cause: impl FnOnce(&Shared, Sender<Vec<u8>>)) -> Result<(), CommandError> {
    let (shared, input) = client(Config { max_stream_send_buffer: 100, ..Config::default() });
    let id = open(&shared);
    let send = |core: &mut Connection, now| core.send_data(id, vec![0; 90].into(), false, now);
    shared.command(send).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| shared.command_with_room(Instant::now() + LONG, send));
        while shared.wire.lock().waiting.is_empty() {
            thread::yield_now();
        }
        cause(&shared, input);
        waiting.join().unwrap()
    })
}

#[test]
fn thread_that_waits_for_room_is_woken_when_data_is_taken_to_be_written() {
    let check_at = Some(Instant::now());
    let result = room_after(|shared, _input| {
        shared.write(check_at);
        drop(shared.wire.write_once(shared.wire.lock(), crate::wire::What::All));
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn thread_that_waits_for_room_is_woken_by_close_and_by_the_peers_end() {
    let result = room_after(|shared, _input| shared.begin_close());
    assert_eq!(result, Err(CommandError::Closed));
    let result = room_after(|shared, input| {
        drop(input);
        read(shared);
    });
    assert_eq!(result, Err(CommandError::Closed));
}

#[test]
fn thread_that_waits_for_room_is_woken_by_an_end_that_the_writer_finds() {
    let result = room_after(|shared, _input| {
        shared.wire.lock().set_write_failed(io::Error::from(io::ErrorKind::BrokenPipe).into());
        assert_eq!(shared.write(None), Next::End);
    });
    assert_eq!(result, Err(CommandError::Closed));
}

#[test]
fn thread_that_waits_for_room_is_woken_by_the_reset_of_its_stream() {
    let result = room_after(|shared, input| {
        let mut octets = Vec::new();
        let (stream_id, error_code) = (StreamId::from_wire(1), ErrorCode::Cancel);
        RstStream { stream_id, error_code }.encode(&mut octets);
        input.send(octets).unwrap();
        read(shared);
    });
    assert!(matches!(result, Err(CommandError::StreamClosed(_))), "{result:?}");
}

#[test]
fn no_room_in_time_gives_the_error_of_the_last_try() {
    let (shared, _input) = client(Config::default());
    let full = CommandError::Full { stream_id: StreamId::CONNECTION };
    let result = shared.command_with_room(Instant::now(), |_, _| Err::<(), _>(full.clone()));
    assert_eq!(result, Err(full));
}
