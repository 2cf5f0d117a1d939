//! The reason for the end of a connection, and how it is reported.

use std::io;
use std::net::Shutdown;
use std::sync::mpsc;
use std::thread;

use super::super::Leader;
use super::{LONG, client, open};
use crate::error::{Error, ErrorKind};

fn failure(of: &str) -> Error {
    io::Error::other(of).into()
}

#[test]
fn a_write_failed_by_a_closed_peer_reports_the_peer() {
    let (conn, far) = client();
    let (mut recv, _send) = open(&conn);
    // Its output is answered first, and that write fails.
    drop(far);
    assert!(recv.next_chunk().unwrap_err().is_closed());
    assert!(conn.lock().has_write_failed());
}

#[test]
fn the_first_reason_for_the_end_is_kept() {
    let (conn, _far) = client();
    let (mut recv, _send) = open(&conn);
    conn.lock().set_write_failed(failure("a write"));
    conn.with(|state, _| state.fail(Some(failure("a read"))));
    assert!(recv.next_chunk().unwrap_err().to_string().contains("a write"));
    conn.with(|state, _| state.fail(Some(failure("another read"))));
    assert!(recv.next_chunk().unwrap_err().to_string().contains("a write"));
}

#[test]
fn a_reading_thread_learns_of_a_write_that_failed_elsewhere() {
    let (conn, mut far) = client();
    let (mut waits, _one) = open(&conn);
    let (_other, mut send) = open(&conn);
    far.request();
    let (told, is_told) = mpsc::channel();
    let reads = thread::spawn(move || told.send(waits.next_chunk().unwrap_err()));
    while !matches!(conn.lock().leader, Leader::Thread { reads: true, .. }) {
        thread::yield_now();
    }
    // No more input arrives, and no output is accepted.
    far.stream.shutdown(Shutdown::Read).unwrap();
    send.send("x").unwrap();
    let error = is_told.recv_timeout(LONG).expect("it is told");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
    reads.join().unwrap().unwrap();
}
