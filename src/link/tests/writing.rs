use std::io::{self, Write};
use std::time::Duration;

use super::*;
use crate::frame::{ErrorCode, StreamId};
use crate::link::{End, Side};
use crate::proto::{CloseReason, Fault, GRACE};

#[test]
fn all_is_written_and_flushed_however_reluctant_the_writer() {
    for step in [1, 10, usize::MAX] {
        let link = client(Config::default());
        open(&link);
        let (mut writer, mut buffer) = (Reluctant::new(step), WriteBuffer::new());
        write_all(&link, &mut writer, &mut buffer);
        let expected = ["SETTINGS", "WINDOW_UPDATE", "SETTINGS", "HEADERS"];
        assert_eq!(frames(&writer.flushed), expected, "step {step}");
    }
}

#[test]
fn a_goodbye_finishes_the_frame_that_was_begun() {
    let link = client(Config::default());
    let (mut writer, mut buffer) = (Reluctant::new(30), WriteBuffer::new());
    assert_eq!(link.next_write(&mut buffer, None), Next::Write);
    link.write_step(&mut writer, &mut buffer);
    link.with(|core, _| core.close(ErrorCode::NoError, "bye".into()));
    assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
    link.thread_ended(Side::Reader, false);
    link.say_goodbye(&mut writer, &mut buffer);
    assert_eq!(frames(&writer.flushed), ["SETTINGS", "WINDOW_UPDATE", "SETTINGS", "GOAWAY"]);
}

#[test]
fn a_goodbye_is_not_said_for_ever() {
    let link = client(Config::default());
    let mut buffer = WriteBuffer::new();
    link.with(|core, _| core.close(ErrorCode::NoError, "bye".into()));
    assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
    struct Never;
    impl Write for Never {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            std::thread::yield_now();
            Err(io::ErrorKind::TimedOut.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    link.thread_ended(Side::Reader, false);
    link.say_goodbye(Never, &mut buffer);
}

#[test]
fn a_write_without_progress_is_ended_by_the_stall_deadline_alone() {
    let soon = Some(Duration::from_nanos(1));
    let link = client(Config { stall_timeout: soon, ..Config::default() });
    let mut buffer = WriteBuffer::new();
    assert_eq!(link.next_write(&mut buffer, None), Next::Write);
    // Nothing of it is written; the next time somebody looks, it is too late.
    assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
    match link.end() {
        Some(End::Core(CloseReason::Error(error))) => assert_eq!(error.fault(), Fault::Timeout),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_write_leaves_the_end_to_the_reader() {
    let (link, mut buffer) = with_a_failed_write();
    assert!(link.end().is_none());
    // Nothing more is taken from the core for a writer that is gone.
    link.nudge();
    assert_eq!(link.next_write(&mut buffer, None), Next::Look);
    assert!(buffer.is_done());
    // The peer had its reasons.
    let mut goaway = Vec::new();
    let (last_stream_id, error_code) = (StreamId::MAX, ErrorCode::EnhanceYourCalm);
    let debug_data = Default::default();
    crate::frame::Goaway { last_stream_id, error_code, debug_data }.encode(&mut goaway);
    open(&link);
    link.read_step(&mut &goaway[..], &mut ReadBuffer::new());
    link.read_step(&mut io::empty(), &mut ReadBuffer::new());
    match link.end() {
        Some(End::Core(CloseReason::Peer(Some((code, _))))) => assert_eq!(code, error_code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_that_has_closed_is_why_a_write_failed() {
    let (link, mut buffer) = with_a_failed_write();
    link.read_step(&mut io::empty(), &mut ReadBuffer::new());
    assert!(matches!(link.end(), Some(End::Core(CloseReason::Peer(None)))), "{:?}", link.end());
    assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
}

#[test]
fn of_a_failed_write_and_a_failed_read_the_first_is_the_reason() {
    let (link, _) = with_a_failed_write();
    link.read_step(&mut Fails(io::ErrorKind::ConnectionReset), &mut ReadBuffer::new());
    assert_eq!(transport_error(&link), io::ErrorKind::BrokenPipe);

    let link = client(Config::default());
    let mut buffer = WriteBuffer::new();
    assert_eq!(link.next_write(&mut buffer, None), Next::Write);
    link.read_step(&mut Fails(io::ErrorKind::ConnectionReset), &mut ReadBuffer::new());
    link.write_step(&mut Broken, &mut buffer);
    assert_eq!(transport_error(&link), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_failed_write_is_the_reason_if_the_reader_finds_none() {
    let (link, mut buffer) = with_a_failed_write();
    assert_eq!(link.next_write(&mut buffer, None), Next::Goodbye);
    assert_eq!(transport_error(&link), io::ErrorKind::BrokenPipe);
}

#[test]
fn events_are_delivered_before_a_write_that_may_take_its_time() {
    let link = client(Config { max_stream_send_buffer: 1_000, ..Config::default() });
    open(&link);
    let id = StreamId::from_wire(1);
    let send = |core: &mut Connection, now| core.send_data(id, vec![0; 900].into(), false, now);
    link.with(send).0.unwrap();
    link.with(send).0.unwrap_err();
    let mut buffer = WriteBuffer::new();
    // Taking the data has made room, and somebody waits to hear of it.
    assert_eq!(link.next_write(&mut buffer, None), Next::Look);
    link.with(|core, _| assert!(core.poll_event().is_some()));
    assert_eq!(link.next_write(&mut buffer, None), Next::Write);
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client's end whose first write has failed with `BrokenPipe`.
fn with_a_failed_write() -> (Link, WriteBuffer) {
    let link = client(Config::default());
    let mut buffer = WriteBuffer::new();
    assert_eq!(link.next_write(&mut buffer, None), Next::Write);
    link.write_step(&mut Broken, &mut buffer);
    (link, buffer)
}

/// What broke the transport of a connection that ended for that.
#[track_caller]
fn transport_error(link: &Link) -> io::ErrorKind {
    match link.end() {
        Some(End::Transport(error)) => io::Error::from(error).kind(),
        other => panic!("{other:?}"),
    }
}

/// A core with something to write, and the buffer that has it.
fn begun() -> (Connection, WriteBuffer, Instant) {
    let now = Instant::now();
    let mut core = Connection::new(Role::Client, Config::default(), now).unwrap();
    let mut buffer = WriteBuffer::new();
    assert!(buffer.take(&mut core, now));
    (core, buffer, now)
}

#[test]
fn a_write_without_progress_is_ended_by_its_deadline_and_not_before() {
    let (mut core, mut buffer, began) = begun();
    assert!(!buffer.end_if_stalled(&mut core, began + Duration::from_millis(29_999)));
    assert!(buffer.end_if_stalled(&mut core, began + Duration::from_secs(30)));
}

/// The machine has slept, say: the peer has had no chance to show that it reads.
#[test]
fn a_writer_that_looks_too_late_gives_the_peer_another_second() {
    let hours = Duration::from_secs(7 * 3600);
    let (mut core, mut buffer, began) = begun();
    let woke = began + hours;
    assert!(!buffer.end_if_stalled(&mut core, woke));
    assert!(!buffer.end_if_stalled(&mut core, woke + GRACE / 2));
    assert!(buffer.end_if_stalled(&mut core, woke + GRACE));

    let (mut core, mut buffer, began) = begun();
    assert!(!buffer.end_if_stalled(&mut core, began + hours));
    assert!(buffer.end_if_stalled(&mut core, began + 2 * hours), "it is given once");
}
