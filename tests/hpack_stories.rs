//! Recorded field blocks of many encoders, and our own beside them.
//!
//! The records are those of the public http2jp/hpack-test-case collection, in a folder beside this
//! crate; without it these tests say `skipped` and pass.

use h2_sync::Headers;
use h2_sync::hpack::{Decoder, Encoder, Limits};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What one encoder's folder has: a story for each connection.
struct Story {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    /// SETTINGS_HEADER_TABLE_SIZE from here on.
    table_size: Option<usize>,
    /// The field block, where the folder is not that of the plain lists.
    block: Option<Vec<u8>>,
    headers: Headers,
}

fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/hpack-test-case");
    if !root.is_dir() {
        println!("skipped: no recorded field blocks at {}", root.display());
        return None;
    }
    Some(root)
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stories(folder: &Path) -> Vec<Story> {
    sorted_entries(folder).iter().map(|path| read_story(path)).collect()
}

fn read_story(path: &Path) -> Story {
    let story: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = story["cases"].as_array().unwrap();
    Story { name: path.display().to_string(), cases: cases.iter().map(read_case).collect() }
}

fn read_case(case: &Value) -> Case {
    let fields = case["headers"].as_array().unwrap().iter();
    let fields = fields.flat_map(|field| field.as_object().unwrap());
    Case {
        table_size: case["header_table_size"].as_u64().map(|size| size as usize),
        block: case["wire"].as_str().map(octets),
        headers: fields.map(|(name, value)| (name, value.as_str().unwrap())).collect(),
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// Compares names and values: the lists do not tell which fields were marked as never indexed.
#[track_caller]
fn assert_same(decoded: &Headers, listed: &Headers, story: &Story) {
    let pairs = |headers: &Headers| -> Vec<(Vec<u8>, Vec<u8>)> {
        headers.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
    };
    assert_eq!(pairs(decoded), pairs(listed), "{}", story.name);
}

#[test]
fn recorded_blocks_decode_to_the_listed_fields() {
    let Some(root) = root() else { return };
    let mut decoded_blocks = 0;
    for story in
        sorted_entries(&root).iter().filter(|path| path.is_dir()).flat_map(|path| stories(path))
    {
        let mut decoder = Decoder::new(Limits::default());
        for case in &story.cases {
            if let Some(bytes) = case.table_size {
                decoder.set_max_table_size(bytes);
            }
            if let Some(block) = &case.block {
                let decoded = decoder.decode(block, true).unwrap().unwrap();
                assert!(!decoded.truncated);
                assert_same(&decoded.headers, &case.headers, &story);
                decoded_blocks += 1;
            }
        }
    }
    assert!(decoded_blocks > 30_000, "{decoded_blocks}");
}

#[test]
fn our_blocks_decode_to_the_same_fields() {
    let Some(root) = root() else { return };
    for story in stories(&root.join("raw-data")) {
        let mut encoder = Encoder::new();
        let mut decoder = Decoder::new(Limits::default());
        for case in &story.cases {
            let mut block = Vec::new();
            encoder.encode(&case.headers, &mut block);
            let decoded = decoder.decode(&block, true).unwrap().unwrap();
            assert_same(&decoded.headers, &case.headers, &story);
        }
    }
}

#[test]
fn our_blocks_are_at_most_2_percent_larger_than_those_of_nghttp2() {
    let Some(root) = root() else { return };
    let (mut plain, mut ours, mut theirs) = (0, 0, 0);
    for story in stories(&root.join("nghttp2")) {
        let mut encoder = Encoder::new();
        for case in &story.cases {
            let mut block = Vec::new();
            encoder.encode(&case.headers, &mut block);
            plain += case.headers.section_size() - 32 * case.headers.len();
            ours += block.len();
            theirs += case.block.as_ref().unwrap().len();
        }
    }
    println!("{plain} octets plain, {ours} by us, {theirs} by nghttp2");
    assert!(ours * 100 <= theirs * 102, "{ours} octets, nghttp2 has {theirs}");
}
