//! Transports that break their contract: they panic, return impossible results, take nothing, or
//! cannot be shut down.

use std::io;

use h2_sync::{Error, ErrorKind};

use crate::calls::for_all;
use crate::drivers::Outcome;
use crate::faulty::{At, Call, Fault, PLANNED, Script};
use crate::secure::Security;

const PIECE: usize = 24;

fn at_call(call: Call, fault: Fault) -> impl Fn(usize) -> Script + Copy + Send + Sync + 'static {
    move |n| Script::of(call, At::Call(n), fault).in_pieces(PIECE)
}

fn is_transport(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport
}

fn is_panic(error: &Error) -> bool {
    error.kind() == ErrorKind::Internal && error.to_string().contains("panicked")
}

#[test]
fn a_write_that_takes_nothing_is_a_failure() {
    let check = |outcome: Outcome| outcome.is_told(is_transport);
    assert!(for_all(at_call(Call::Write, Fault::Nothing), &Security::Clear, check) > 5);
}

#[test]
fn a_read_that_claims_more_than_it_had_room_for_is_a_failure() {
    let check = |outcome: Outcome| outcome.is_told(is_transport);
    assert!(for_all(at_call(Call::Read, Fault::Claims), &Security::Clear, check) > 5);
}

#[test]
fn a_write_that_claims_more_than_it_was_given_has_taken_what_it_was_given() {
    let check = |outcome: Outcome| outcome.is_as_if_nothing_had_happened();
    assert!(for_all(at_call(Call::Write, Fault::Claims), &Security::Clear, check) > 5);
}

#[test]
fn a_panic_in_a_read_is_the_end_of_its_connection() {
    let check = |outcome: Outcome| outcome.is_told(is_panic);
    assert!(for_all(at_call(Call::Read, Fault::Panics), &Security::Clear, check) > 5);
}

#[test]
fn a_panic_in_a_write_is_the_end_of_its_connection() {
    let check = |outcome: Outcome| outcome.is_told(is_panic);
    assert!(for_all(at_call(Call::Write, Fault::Panics), &Security::Clear, check) > 5);
}

#[test]
fn a_panic_in_a_turn_is_the_end_of_its_connection() {
    for call in [Call::Read, Call::Write] {
        let script = move |n| Script { in_turns: true, ..at_call(call, Fault::Panics)(n) };
        // The transport reports it to the side that did not have its turn.
        let is_told = |error: &Error| error.to_string().contains("panicked");
        let check = move |outcome: Outcome| outcome.is_told(is_told);
        assert!(for_all(script, &Security::Clear, check) > 5);
    }
}

#[test]
fn a_panic_in_a_flush_is_the_end_of_its_connection() {
    let check = |outcome: Outcome| outcome.is_told(is_panic);
    assert!(for_all(at_call(Call::Flush, Fault::Panics), &Security::Clear, check) > 4);
}

#[test]
fn a_shutdown_that_fails_changes_nothing() {
    for call in [Call::ShutdownWrite, Call::Close, Call::SetReadTimeout] {
        let fault = Fault::Fails(io::ErrorKind::Other);
        let check = |outcome: Outcome| {
            // Protocol detection begins by setting a read timeout.
            let is_told = outcome.errors.iter().all(|error| error.to_string().contains(PLANNED));
            assert!(outcome.is_complete && outcome.errors.is_empty() || is_told, "{outcome:?}");
        };
        for_all(at_call(call, fault), &Security::Clear, check);
    }
}

#[test]
fn a_shutdown_that_panics_changes_nothing() {
    for call in [Call::ShutdownWrite, Call::Close] {
        let check = |outcome: Outcome| assert!(outcome.is_complete, "{outcome:?}");
        for_all(at_call(call, Fault::Panics), &Security::Clear, check);
    }
}
