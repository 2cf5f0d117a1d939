//! The cost of one frame to a core with many streams: `cargo bench -p h2-sync-benches --bench growth`.
//!
//! Prints a table of nanoseconds a frame, for 1, 100, 1,000 and 10,000 streams: what `receive`
//! takes, with the events and the output that follow from it. A frame whose cost grows with the
//! number of streams is work that a peer gets for nothing.
//!
//! `-- SETTINGS` at its end prints the rows with this in their names.

mod cases;
mod peer;

use std::time::{Duration, Instant};

use cases::{CASES, Case};

/// The numbers of streams, one column each.
const STREAMS: [usize; 4] = [1, 100, 1_000, 10_000];

/// The time for one cell of the table. The fastest sample counts: on a busy machine the others
/// measure the neighbours as well.
const CELL_TIME: Duration = Duration::from_millis(300);

/// The samples of one cell, at least.
const MIN_SAMPLES: usize = 3;

fn main() {
    // Cargo adds options of its own.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = wanted.unwrap_or_default();
    println!("| ns per frame | 1 | 100 | 1,000 | 10,000 | 10,000 ÷ 1 |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for case in CASES.iter().filter(|case| case.name.contains(&wanted)) {
        let cells = STREAMS.map(|streams| fastest(case, streams));
        let [first, .., last] = cells;
        let cells = cells.map(|ns| format!("{ns:.0}")).join(" | ");
        println!("| {} | {cells} | {:.1} |", case.name, last / first);
    }
}

/// Nanoseconds a frame, in the fastest of the samples.
fn fastest(case: &Case, streams: usize) -> f64 {
    let start = Instant::now();
    let mut fastest = f64::INFINITY;
    let mut samples = 0;
    while samples < MIN_SAMPLES || start.elapsed() < CELL_TIME {
        let mut prepared = (case.prepare)(streams);
        let time = prepared.run();
        fastest = fastest.min(time.as_nanos() as f64 / prepared.frames as f64);
        samples += 1;
    }
    fastest
}
