//! Timeouts and short reads and writes of a transport change nothing.

use crate::drivers::ALL;
use crate::faulty::Script;
use crate::secure::Security;
use crate::sweep::{alone, times};

const SEEDS: usize = 40;

fn changes_nothing(security: &Security, seeds: usize) {
    let _alone = alone();
    for driver in ALL {
        for is_timed in [true, false] {
            let security = security.clone();
            times(seeds, move |seed| {
                let script = Script { seed: Some(seed as u64), is_timed, ..Script::clean() };
                driver.run(script, &security).is_as_if_nothing_had_happened();
            });
        }
    }
}

#[test]
fn giving_up_and_short_reads_and_writes_change_nothing() {
    changes_nothing(&Security::Clear, SEEDS);
}

#[test]
fn nor_do_they_over_tls() {
    changes_nothing(&Security::tls(), SEEDS / 5);
}

#[test]
fn octets_one_by_one_change_nothing() {
    let _alone = alone();
    for driver in ALL {
        times(4, move |_| {
            let outcome = driver.run(Script::clean().in_pieces(1), &Security::Clear);
            outcome.is_as_if_nothing_had_happened();
        });
    }
}
