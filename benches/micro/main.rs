//! What the parts cost, each alone: `cargo bench -p h2-sync-benches --bench micro`, or with
//! `-- hpack` for some of them.
//!
//! `benches/hpack` compares HPACK with that of others, `benches/compare` whole servers and clients.

mod cores;
mod frames;
mod hpack;
#[path = "../sets/mod.rs"]
mod sets;
mod validation;

fn main() {
    divan::main();
}
