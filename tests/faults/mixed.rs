//! Random faults of all kinds, together with random but correct behaviour of a transport.

use std::{env, io};

use h2_sync::{Error, ErrorKind, Role};

use crate::crowd;
use crate::drivers::ALL;
use crate::faulty::{At, Call, Fault, Script};
use crate::secure::Security;
use crate::sweep::{alone, times};

/// By hand, `H2_SYNC_ROUNDS=100000` for more.
fn rounds() -> usize {
    env::var("H2_SYNC_ROUNDS").map_or(250, |rounds| rounds.parse().unwrap())
}

struct Dice(u64);

impl Dice {
    /// Less than `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())]
    }
}

fn script(dice: &mut Dice) -> Script {
    let call = dice.of(&[Call::Read, Call::Read, Call::Write, Call::Write, Call::Flush]);
    let at =
        if dice.roll(2) == 0 { At::Call(dice.roll(30)) } else { At::Octet(dice.roll(400) as u64) };
    let fails = Fault::Fails(dice.of(&[io::ErrorKind::Other, io::ErrorKind::UnexpectedEof]));
    let fault = match call {
        Call::Flush => dice.of(&[fails, Fault::Panics]),
        Call::Read => {
            dice.of(&[fails, Fault::Resets, Fault::Nothing, Fault::Panics, Fault::Claims])
        }
        _ => dice.of(&[fails, Fault::Resets, Fault::Nothing, Fault::Panics]),
    };
    Script {
        piece: dice.of(&[3, 24, 24, 200, usize::MAX]),
        seed: if dice.roll(2) == 0 { Some(dice.roll(1 << 20) as u64) } else { None },
        is_timed: dice.roll(2) == 0,
        capacity: dice.of(&[1, 20, 300, 16 << 10]),
        in_turns: dice.roll(4) == 0,
        ..Script::of(call, at, fault)
    }
}

fn ends_somehow(security: &Security, rounds: usize) {
    let _alone = alone();
    let security = security.clone();
    times(rounds, move |n| {
        let mut dice = Dice(n as u64);
        dice.roll(2);
        let (mut script, driver) = (script(&mut dice), dice.of(&ALL));
        if !matches!(security, Security::Clear) {
            // During a handshake both ends may have to write at once.
            script.capacity = script.capacity.max(300);
        }
        let outcome = driver.run(script, &security);
        assert!(outcome.errors.iter().all(is_sane), "{driver:?} {script:?} {outcome:?}");
    });
}

/// Whether the error blames neither the caller nor a timeout.
fn is_sane(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Caller | ErrorKind::Timeout | ErrorKind::Full)
}

#[test]
fn whatever_happens_it_ends() {
    ends_somehow(&Security::Clear, rounds());
}

#[test]
fn whatever_happens_below_tls_it_ends() {
    ends_somehow(&Security::tls(), rounds() / 10);
}

#[test]
fn whatever_happens_to_a_crowd_it_ends_for_all() {
    let _alone = alone();
    times(rounds() / 2, move |n| {
        let mut dice = Dice(n as u64);
        dice.roll(2);
        let (mut script, role) = (script(&mut dice), dice.of(&[Role::Client, Role::Server]));
        if role == Role::Server && matches!(script.fault, Some((_, _, Fault::Panics))) {
            // It would panic on the thread that detects the protocol.
            script.fault = None;
        }
        let (told, _) = crowd::run(script, role);
        assert!(told.iter().all(is_sane), "{script:?} {told:?}");
    });
}
