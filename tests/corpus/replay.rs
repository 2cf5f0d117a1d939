//! The fuzz targets with a stable compiler: on everything in their corpus, and on inputs made of
//! it by a generator that makes the same ones in each run.
//!
//! `H2_SYNC_FUZZ_ROUNDS` says how many inputs are made for each target. After a failure, the
//! input that failed stands at the end of the output, to be put into `fuzz/corpus/<target>/`.

use std::path::Path;
use std::thread;

use crate::targets;

/// A few seconds in sum without optimization.
const ROUNDS: usize = 1_500;

/// The longest input that is made.
const MAX_LEN: usize = 2_000;

macro_rules! replay {
    ($($target:ident)*) => {$(
        #[test]
        fn $target() {
            run(stringify!($target), targets::$target);
        }
    )*};
}

replay! {
    client_receive
    frame_decode
    header_validation
    hpack_decode
    hpack_round_trip
    http1_client
    http1_messages
    http1_server
    huffman
    multipart
    server_receive
    settings
    two_cores_joined
    upgrade_request
    upgrade_response
    websocket_client
    websocket_server
}

fn run(name: &str, target: fn(&[u8])) {
    let corpus = read_corpus(name);
    assert!(!corpus.is_empty(), "{name} has a corpus");
    for input in &corpus {
        check(target, input);
    }
    let rounds = std::env::var("H2_SYNC_FUZZ_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut mutator = Mutator { state: 9113, corpus };
    for _ in 0..rounds {
        check(target, &mutator.next_input());
    }
}

fn read_corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).expect("the corpus is in the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    // In the same order everywhere.
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

fn check(target: fn(&[u8]), input: &[u8]) {
    let failing = ShownOnPanic(input);
    target(failing.0);
}

struct ShownOnPanic<'a>(&'a [u8]);

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let octets: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
            eprintln!("the input, for `xxd -r -p`: {octets}");
        }
    }
}

/// Makes inputs of what is in the corpus.
struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    fn next_input(&mut self) -> Vec<u8> {
        let index = self.below(self.corpus.len());
        let mut input = self.corpus[index].clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut input);
        }
        input.truncate(MAX_LEN);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(20) + 1);
        match self.below(6) {
            0 => {
                let octet = self.octet();
                input.insert(at, octet);
            }
            1 => {
                input.drain(at..end);
            }
            2 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            3 => {
                let other = self.below(self.corpus.len());
                let from = self.below(self.corpus[other].len() + 1);
                input.truncate(at);
                input.extend_from_slice(&self.corpus[other][from..]);
            }
            4 => {
                let bit = 1 << self.below(8);
                input.iter_mut().skip(at).take(1).for_each(|octet| *octet ^= bit);
            }
            _ => {
                let value = [0x00, 0x01, 0x7f, 0x80, 0xff, self.octet()][self.below(6)];
                input.iter_mut().skip(at).take(1).for_each(|octet| *octet = value);
            }
        }
    }

    fn octet(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// 0 to `end - 1`, by SplitMix64.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
