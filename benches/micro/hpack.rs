//! Field blocks, there and back; an item is a field.

use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use h2_sync::hpack::{Decoder, Encoder, Limits, huffman};

use crate::sets::{self, Set};

const SETS: [&str; 3] = ["requests", "responses", "recorded"];

/// The set of this name; the first one where there are no recorded sections.
fn set(name: &str) -> Set {
    match name {
        "recorded" => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            sets::recorded(&root).unwrap_or_else(sets::requests)
        }
        "responses" => sets::responses(),
        _ => sets::requests(),
    }
}

#[divan::bench(args = SETS)]
fn encode(bencher: Bencher<'_, '_>, name: &str) {
    let set = set(name);
    let mut block = Vec::new();
    bencher.counter(ItemsCount::new(set.fields())).bench_local(|| {
        for sections in &set.connections {
            let mut encoder = Encoder::new();
            for headers in sections {
                block.clear();
                encoder.encode(headers, &mut block);
                black_box(&block);
            }
        }
    });
}

#[divan::bench(args = SETS)]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let set = set(name);
    let blocks: Vec<Vec<Vec<u8>>> = set.connections.iter().map(|it| encode_all(it)).collect();
    bencher.counter(ItemsCount::new(set.fields())).bench_local(|| {
        for blocks in &blocks {
            let mut decoder = Decoder::new(Limits::default());
            for block in blocks {
                black_box(decoder.decode(block, true).unwrap());
            }
        }
    });
}

fn encode_all(sections: &[h2_sync::Headers]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new();
    let block = |headers| {
        let mut block = Vec::new();
        encoder.encode(headers, &mut block);
        block
    };
    sections.iter().map(block).collect()
}

/// All names and values of the requests, each by itself.
fn strings() -> Vec<Vec<u8>> {
    let set = sets::requests();
    let fields = set.connections.iter().flatten().flatten();
    fields.flat_map(|field| [field.name.to_vec(), field.value.to_vec()]).collect()
}

fn octets(strings: &[Vec<u8>]) -> BytesCount {
    BytesCount::new(strings.iter().map(Vec::len).sum::<usize>())
}

#[divan::bench]
fn huffman_encode(bencher: Bencher<'_, '_>) {
    let strings = strings();
    let mut coded = Vec::new();
    bencher.counter(octets(&strings)).bench_local(|| {
        coded.clear();
        strings.iter().for_each(|text| huffman::encode(text, &mut coded));
        black_box(&coded);
    });
}

/// By octets of text, as above.
#[divan::bench]
fn huffman_decode(bencher: Bencher<'_, '_>) {
    let strings = strings();
    let code = |text: &Vec<u8>| {
        let mut coded = Vec::new();
        huffman::encode(text, &mut coded);
        coded
    };
    let coded: Vec<Vec<u8>> = strings.iter().map(code).collect();
    let mut text = Vec::new();
    bencher.counter(octets(&strings)).bench_local(|| {
        text.clear();
        coded.iter().for_each(|coded| huffman::decode(coded, &mut text).unwrap());
        black_box(&text);
    });
}
