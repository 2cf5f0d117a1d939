//! What it costs to check that a field section is a valid message (RFC 9113, Section 8); an item is
//! a field.
//!
//! The checks are no public function. But a request that fails the last one of them is checked, and
//! nothing else happens: what is measured is that, and an error.

use std::time::Instant;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use h2_sync::Headers;
use h2_sync::proto::{CommandError, Config, Connection, Malformed, Role};

use crate::sets;

#[divan::bench]
fn requests(bencher: Bencher<'_, '_>) {
    let set = sets::requests();
    let not_allowed = |headers: &Headers| headers.clone().with("te", "gzip");
    let sections: Vec<Headers> = set.connections.iter().flatten().map(not_allowed).collect();
    let now = Instant::now();
    let mut client = Connection::new(Role::Client, Config::default(), now).unwrap();
    bencher.counter(ItemsCount::new(set.fields() + sections.len())).bench_local(|| {
        for headers in &sections {
            let result = client.open(black_box(headers), true, now);
            assert!(matches!(result, Err(CommandError::Malformed(Malformed::Te))));
        }
    });
}
