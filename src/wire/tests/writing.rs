use std::time::Duration;

use super::super::write_buffer::WriteBuffer;
use super::super::{End, EndStep, FINAL_FLUSH_TIMEOUT};
use super::*;
use crate::frame::ErrorCode;
use crate::proto::{CloseReason, Fault, GRACE};

#[test]
fn all_is_written_and_flushed_however_reluctant_the_writer() {
    for step in [1, 10, usize::MAX] {
        let (wire, _, output) = client(Config::default(), step);
        open(&wire);
        write_all(&wire);
        let expected = ["SETTINGS", "WINDOW_UPDATE", "SETTINGS", "HEADERS"];
        assert_eq!(output.frames(), expected, "step {step}");
    }
}

#[test]
fn write_until_an_instant_that_has_passed_is_not_begun() {
    let (wire, _, output) = client(Config::default(), usize::MAX);
    assert_eq!(write(&wire, What::Until(Instant::now())), Wrote::Some);
    assert_eq!(output.0.lock().unwrap().calls, 0);
    assert!(wire.lock().has_to_write());
}

#[test]
fn write_says_when_a_streams_own_data_has_gone() {
    let (wire, _, _) = client(Config::default(), usize::MAX);
    let (mine, other) = (open(&wire), open(&wire));
    write_all(&wire);
    wire.with(|state, now| {
        state.core.send_data(mine, vec![1; 100].into(), false, now).unwrap();
    });
    let mut state = wire.lock();
    // All of it is taken into one write, and the flush behind it gives up.
    let mut wrote = Wrote::Blocked;
    while wrote == Wrote::Blocked || wrote == Wrote::Some {
        let (after, last) = wire.write_once(state, What::Mine(mine));
        (state, wrote) = (after, last);
        if state.core.stats().send_buffered == 0 {
            // Another stream's data comes meanwhile.
            let now = Instant::now();
            state.core.send_data(other, vec![2; 100].into(), false, now).unwrap();
        }
    }
    assert_eq!(wrote, Wrote::Mine);
    drop(state);
    write_all(&wire);
    assert!(wire.lock().is_all_written());
}

#[test]
fn final_flush_finishes_the_frame_that_was_begun() {
    let (wire, _, output) = client(Config::default(), 30);
    write(&wire, What::All);
    wire.with(|state, _| state.core.close(ErrorCode::NoError, "bye".into()));
    loop {
        let (state, step) = wire.end(wire.lock());
        match step {
            EndStep::Write => drop(wire.write_once(state, What::All)),
            EndStep::Drain(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(output.frames(), ["SETTINGS", "WINDOW_UPDATE", "SETTINGS", "GOAWAY"]);
    assert_eq!(Arc::strong_count(&output.0), 1, "the writer is dropped, which closes a pipe");
}

#[test]
fn final_flush_ends_though_the_peer_takes_nothing() {
    let (wire, _, output) = client(Config::default(), 30);
    output.fail(io::ErrorKind::TimedOut);
    let now = Instant::now();
    wire.with(|state, _| state.core.close(ErrorCode::NoError, "bye".into()));
    assert_eq!(write(&wire, What::All), Wrote::Blocked);
    assert_eq!(wire.lock().end_step(now), EndStep::Write);
    while write(&wire, What::All) != Wrote::Failed {
        std::thread::yield_now();
    }
    assert!(now.elapsed() >= FINAL_FLUSH_TIMEOUT);
    assert_eq!(wire.lock().end_step(now), EndStep::Cut);
}

#[test]
fn write_without_progress_is_ended_by_the_stall_deadline_alone() {
    let soon = Some(Duration::from_nanos(1));
    let (wire, _, output) = client(Config { stall_timeout: soon, ..Config::default() }, 30);
    output.fail(io::ErrorKind::TimedOut);
    // Nothing of it is written; at the next try it is too late.
    write(&wire, What::All);
    write(&wire, What::All);
    match wire.lock().end() {
        Some(End::Core(CloseReason::Error(error))) => assert_eq!(error.fault(), Fault::Timeout),
        other => panic!("{other:?}"),
    };
}

#[test]
fn events_of_taking_come_before_a_write_that_may_take_its_time() {
    let config = Config { max_stream_send_buffer: 1_000, ..Config::default() };
    let (wire, _, output) = client(config, usize::MAX);
    let id = open(&wire);
    write_all(&wire);
    let send =
        |state: &mut State<Plain>, now| state.core.send_data(id, vec![0; 900].into(), false, now);
    wire.with(send).unwrap();
    wire.with(send).unwrap_err();
    let before = output.0.lock().unwrap().calls;
    // Taking the data has made room, and a thread waits to hear of it.
    assert_eq!(write(&wire, What::All), Wrote::Some);
    assert_eq!(output.0.lock().unwrap().calls, before);
    assert!(wire.lock().core.poll_event().is_some());
    write_all(&wire);
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
fn write_without_progress_is_ended_by_its_deadline_and_not_before() {
    let (mut core, mut buffer, began) = begun();
    assert!(!buffer.end_if_stalled(&mut core, began + Duration::from_millis(29_999)));
    assert!(buffer.end_if_stalled(&mut core, began + Duration::from_secs(30)));
}

/// The machine has slept, say: the peer has had no chance to show that it reads.
#[test]
fn writer_that_checks_too_late_gives_the_peer_another_second() {
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
