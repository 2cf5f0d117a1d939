//! The fuzz targets with a stable compiler: on their corpus, on inputs made of it, and on those that
//! proptest makes.
#![cfg(test)]

mod properties;
mod replay;
// The parts are shared with the targets of libFuzzer, where they are public.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/lib.rs"]
mod targets;
