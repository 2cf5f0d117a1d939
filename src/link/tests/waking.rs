use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::frame::{ErrorCode, StreamId};
use crate::proto::CommandError;

/// Writes everything to nowhere, and then waits for what is next, in a thread. `cause` is called
/// when that thread waits; what it makes the writer do is returned.
fn woken_by(config: Config, cause: impl FnOnce(&Link)) -> Next {
    let link = client(config);
    let mut buffer = WriteBuffer::new();
    write_all(&link, &mut io::sink(), &mut buffer);
    thread::scope(|scope| {
        let (woken, is_woken) = mpsc::channel();
        let link = &link;
        scope.spawn(move || woken.send(link.next_write(&mut buffer, None)).unwrap());
        while link.lock().parked.is_none() {
            thread::yield_now();
        }
        cause(link);
        is_woken.recv_timeout(LONG).expect("the writer wakes up")
    })
}

#[test]
fn a_writer_that_waits_is_woken_by_something_to_send() {
    assert_eq!(woken_by(Config::default(), open), Next::Write);
}

#[test]
fn a_writer_that_waits_is_woken_by_a_nudge() {
    assert_eq!(woken_by(Config::default(), Link::nudge), Next::Look);
}

#[test]
fn a_writer_that_waits_is_woken_by_the_end() {
    let close = |link: &Link| {
        link.with(|core, _| core.close(ErrorCode::NoError, "".into()));
    };
    assert_eq!(woken_by(Config::default(), close), Next::Goodbye);
    let end = |link: &Link| {
        link.read_step(&mut io::empty(), &mut ReadBuffer::new());
    };
    assert_eq!(woken_by(Config::default(), end), Next::Goodbye);
}

#[test]
fn a_writer_that_waits_is_woken_by_a_deadline_that_comes_up_before_the_others() {
    let config = Config {
        reservation_timeout: Duration::from_millis(20),
        settings_timeout: None,
        idle_timeout: None,
        ..Config::default()
    };
    // Nothing can be sent before the reservation runs out.
    let cause = |link: &Link| {
        link.with(|core, now| core.reserve_stream_id(now)).0.unwrap();
        open(link);
    };
    assert_eq!(woken_by(config, cause), Next::Write);
}

#[test]
fn a_nudge_before_the_writer_waits_is_not_lost() {
    let link = client(Config::default());
    let mut buffer = WriteBuffer::new();
    link.nudge();
    assert_eq!(link.next_write(&mut buffer, None), Next::Look);
}

#[test]
fn a_writer_that_is_to_look_does_so_though_nothing_happens() {
    let link = client(Config::default());
    let mut buffer = WriteBuffer::new();
    let look_at = Some(Instant::now() + Duration::from_millis(1));
    while link.next_write(&mut buffer, look_at) == Next::Write {
        link.write_step(&mut io::sink(), &mut buffer);
    }
}

/// Waits for room in a thread while `cause` is called.
fn room_after(cause: impl FnOnce(&Link)) -> Result<(), CommandError> {
    let link = client(Config { max_stream_send_buffer: 100, ..Config::default() });
    open(&link);
    let id = StreamId::from_wire(1);
    let send = |core: &mut Connection, now| core.send_data(id, vec![0; 90].into(), false, now);
    link.with(send).0.unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| link.with_room(Instant::now() + LONG, send).0);
        while link.lock().waiting == 0 {
            thread::yield_now();
        }
        cause(&link);
        waiting.join().unwrap()
    })
}

#[test]
fn a_thread_that_waits_for_room_is_woken_when_data_is_taken_to_be_written() {
    let result = room_after(|link| {
        link.next_write(&mut WriteBuffer::new(), None);
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_thread_that_waits_for_room_is_woken_by_the_end() {
    let result = room_after(|link| {
        link.read_step(&mut io::empty(), &mut ReadBuffer::new());
    });
    assert_eq!(result, Err(CommandError::Closed));
}

#[test]
fn a_thread_that_waits_for_room_is_woken_by_an_end_that_the_writer_finds() {
    let result = room_after(|link| {
        let mut buffer = WriteBuffer::new();
        link.lock().write_failed(io::ErrorKind::BrokenPipe.into(), Instant::now() - LONG);
        assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
    });
    assert_eq!(result, Err(CommandError::Closed));
}

#[test]
fn a_thread_that_waits_for_room_is_woken_by_the_reset_of_its_stream() {
    let result = room_after(|link| {
        let mut octets = Vec::new();
        let (stream_id, error_code) = (StreamId::from_wire(1), ErrorCode::Cancel);
        crate::frame::RstStream { stream_id, error_code }.encode(&mut octets);
        link.read_step(&mut &octets[..], &mut ReadBuffer::new());
    });
    assert!(matches!(result, Err(CommandError::StreamClosed(_))), "{result:?}");
}

#[test]
fn no_room_in_time_gives_the_error_of_the_last_try() {
    let link = client(Config::default());
    let full = CommandError::Full { stream_id: StreamId::CONNECTION };
    let result = link.with_room(Instant::now(), |_, _| Err::<(), _>(full.clone()));
    assert_eq!(result.0, Err(full));
}
