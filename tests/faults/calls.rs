//! Transports that fail at each call in turn, or at each octet, and stay failed.

use std::io;

use h2_sync::{Error, ErrorKind};

use crate::drivers::{ALL, Driver, Outcome};
use crate::faulty::{At, Call, Fault, Script};
use crate::secure::Security;
use crate::sweep::{alone, at_once, nothing_is_left, sweep_beside_others};

/// The most octets of a read or a write, so that a short exchange makes many calls.
const PIECE: usize = 24;

/// The least octets of an exchange in each direction.
const OCTETS: usize = 200;

const KINDS: [io::ErrorKind; 6] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::Other,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::NotConnected,
];

/// Runs the exchange for each driver, with the fault one step later each time. Returns the smallest
/// number of faults of a driver.
pub(crate) fn for_all(
    script: impl Fn(usize) -> Script + Copy + Send + Sync + 'static,
    security: &Security,
    check: impl Fn(Outcome) + Copy + Send + Sync + 'static,
) -> usize {
    let _alone = alone();
    let sweep_one = |driver: Driver| {
        let security = security.clone();
        sweep_beside_others(move |n| {
            let outcome = driver.run(script(n), &security);
            let went = outcome.went;
            check(outcome);
            went
        })
    };
    let faults = at_once(ALL.map(|driver| move || sweep_one(driver)));
    nothing_is_left();
    println!("{faults:?}");
    faults.into_iter().min().unwrap()
}

pub(crate) fn fails(
    call: Call,
    piece: usize,
) -> impl Fn(usize) -> Script + Copy + Send + Sync + 'static {
    move |n| Script::of(call, At::Call(n), Fault::Fails(KINDS[n % KINDS.len()])).in_pieces(piece)
}

#[test]
fn every_read_fails_in_turn() {
    let faults = for_all(fails(Call::Read, PIECE), &Security::Clear, |it| it.is_clear());
    assert!(faults > OCTETS / PIECE);
}

#[test]
fn every_write_fails_in_turn() {
    let faults = for_all(fails(Call::Write, PIECE), &Security::Clear, |it| it.is_clear());
    assert!(faults >= OCTETS / PIECE);
}

/// As with a pair of pipes: reads have no timeout, and only the closer wakes them.
#[test]
fn every_write_fails_in_turn_where_reads_cannot_be_given_a_time() {
    let script = |n| Script { is_timed: false, ..fails(Call::Write, PIECE)(n) };
    assert!(for_all(script, &Security::Clear, |it| it.is_clear()) >= OCTETS / PIECE);
}

#[test]
fn every_call_fails_in_turn_where_hardly_anything_is_under_way() {
    for call in [Call::Read, Call::Write] {
        let script = move |n| Script { capacity: 20, ..fails(call, usize::MAX)(n) };
        assert!(for_all(script, &Security::Clear, |it| it.is_clear()) > OCTETS / PIECE);
    }
}

#[test]
fn every_call_fails_in_turn_where_reader_and_writer_take_turns() {
    for call in [Call::Read, Call::Write] {
        let script = move |n| Script { in_turns: true, ..fails(call, PIECE)(n) };
        assert!(for_all(script, &Security::Clear, |it| it.is_clear()) > OCTETS / PIECE);
    }
}

#[test]
fn every_flush_fails_in_turn() {
    let faults = for_all(fails(Call::Flush, usize::MAX), &Security::Clear, |it| it.is_clear());
    assert!(faults > 4);
}

#[test]
fn it_is_reset_after_every_octet_that_is_read() {
    let script = |n| Script::of(Call::Read, At::Octet(n as u64), Fault::Resets);
    assert!(for_all(script, &Security::Clear, |it| it.is_clear()) > OCTETS);
}

#[test]
fn it_is_reset_after_every_octet_that_is_written() {
    let script = |n| Script::of(Call::Write, At::Octet(n as u64), Fault::Resets);
    assert!(for_all(script, &Security::Clear, |it| it.is_clear()) > OCTETS);
}

#[test]
fn it_ends_after_every_octet_that_is_read() {
    let script = |n| Script::of(Call::Read, At::Octet(n as u64), Fault::Nothing);
    let check = |outcome: Outcome| {
        // The end of the stream is the peer's close and not a failure of the transport. Before the
        // preface is complete, the peer may speak another protocol.
        let is_told = |error: &Error| error.is_closed() || error.kind() == ErrorKind::Peer;
        assert!(outcome.errors.iter().all(is_told), "{outcome:?}");
    };
    assert!(for_all(script, &Security::Clear, check) > OCTETS);
}
