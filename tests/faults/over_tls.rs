//! Faults below TLS, in the handshake and after it.

use std::io;

use h2_sync::{Error, ErrorKind};

use crate::calls::{fails, for_all};
use crate::drivers::Outcome;
use crate::faulty::{At, Call, Fault, PLANNED, Script};
use crate::secure::Security;

/// The octets after which a fault is tried; the handshake and the exchange take several KiB.
const PIECE: usize = 128;

/// The least number of faults that must have happened.
const FAULTS: usize = 7;

fn at_call(call: Call, fault: Fault) -> impl Fn(usize) -> Script + Copy + Send + Sync + 'static {
    move |n| Script::of(call, At::Call(n), fault).in_pieces(PIECE)
}

#[test]
fn every_read_fails_in_turn() {
    let faults = for_all(fails(Call::Read, PIECE), &Security::tls(), |it| it.is_clear());
    assert!(faults > FAULTS);
}

#[test]
fn every_write_fails_in_turn() {
    let faults = for_all(fails(Call::Write, PIECE), &Security::tls(), |it| it.is_clear());
    assert!(faults > FAULTS);
}

#[test]
fn it_is_reset_after_any_number_of_octets() {
    for call in [Call::Read, Call::Write] {
        // Several points in each record.
        let script = move |n| Script::of(call, At::Octet(37 * n as u64), Fault::Resets);
        assert!(for_all(script, &Security::tls(), |it| it.is_clear()) > 20);
    }
}

#[test]
fn it_ends_without_a_word_after_any_number_of_octets() {
    let script = |n| Script::of(Call::Read, At::Octet(37 * n as u64), Fault::Nothing);
    let check = |outcome: Outcome| {
        // RFC 8446, Section 6.1: without close_notify, an attacker could have truncated the data.
        // With no open stream there is nothing to truncate.
        let is_told = |error: &Error| error.kind() == ErrorKind::Transport || error.is_closed();
        assert!(outcome.errors.iter().all(is_told), "{outcome:?}");
    };
    assert!(for_all(script, &Security::tls(), check) > 20);
}

#[test]
fn a_panic_in_a_read_or_a_write_is_the_end_of_its_connection() {
    for call in [Call::Read, Call::Write] {
        let check = |outcome: Outcome| {
            outcome.is_told(|error: &Error| {
                error.kind() == ErrorKind::Internal && error.to_string().contains("panicked")
            });
        };
        assert!(for_all(at_call(call, Fault::Panics), &Security::tls(), check) > FAULTS);
    }
}

#[test]
fn a_write_that_takes_nothing_is_a_failure() {
    let check = |outcome: Outcome| outcome.is_told(|error| error.kind() == ErrorKind::Transport);
    assert!(for_all(at_call(Call::Write, Fault::Nothing), &Security::tls(), check) > FAULTS);
}

#[test]
fn reads_and_writes_that_claim_too_much_panic_nowhere() {
    for call in [Call::Read, Call::Write] {
        let check = |outcome: Outcome| {
            assert!(!outcome.has_panicked, "{outcome:?}");
            assert!(outcome.errors.iter().all(|error| error.kind() != ErrorKind::Internal));
        };
        for_all(at_call(call, Fault::Claims), &Security::tls(), check);
    }
}

#[test]
fn a_shutdown_that_fails_or_panics_changes_nothing() {
    for fault in [Fault::Fails(io::ErrorKind::Other), Fault::Panics] {
        for call in [Call::ShutdownWrite, Call::Close] {
            for_all(at_call(call, fault), &Security::tls(), |it| {
                it.is_as_if_nothing_had_happened()
            });
        }
    }
}

#[test]
fn a_read_timeout_that_cannot_be_set_is_told_where_it_matters() {
    let fault = Fault::Fails(io::ErrorKind::Other);
    let check = |outcome: Outcome| {
        let is_told = outcome.errors.iter().all(|error| error.to_string().contains(PLANNED));
        assert!(outcome.is_complete && outcome.errors.is_empty() || is_told, "{outcome:?}");
    };
    for_all(at_call(Call::SetReadTimeout, fault), &Security::tls(), check);
}
