//! Field sections to measure with: two committed sets, and recorded ones where they are at hand.
//!
//! A file of a set has one field a line, as `name: value`, and an empty line between sections. Each
//! file is one connection: what a browser sends while it loads two pages of a shop, and what comes
//! back from a server behind a cache.

use std::fs;
use std::path::Path;

use h2_sync::Headers;
use serde_json::Value;

/// The field sections of some connections, in order.
pub(crate) struct Set {
    pub(crate) connections: Vec<Vec<Headers>>,
}

impl Set {
    /// How many fields there are.
    pub(crate) fn fields(&self) -> usize {
        self.connections.iter().flatten().map(Headers::len).sum()
    }
}

/// Requests of a browser.
pub(crate) fn requests() -> Set {
    Set { connections: vec![read(include_str!("requests.txt"))] }
}

/// The responses to them.
pub(crate) fn responses() -> Set {
    Set { connections: vec![read(include_str!("responses.txt"))] }
}

/// The recorded field sections of the public collection http2jp/hpack-test-case, one connection for
/// each of its stories, if the collection lies beside the crate, which is at `root`.
pub(crate) fn recorded(root: &Path) -> Option<Set> {
    let mut paths: Vec<_> = fs::read_dir(root.join("../shared/hpack-test-case/raw-data"))
        .ok()?
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let connections = paths.iter().map(|path| read_story(&fs::read(path).unwrap())).collect();
    Some(Set { connections })
}

fn read(text: &str) -> Vec<Headers> {
    let section = |lines: &str| lines.lines().map(read_field).collect();
    text.split("\n\n").map(section).collect()
}

fn read_field(line: &str) -> (&str, &str) {
    // Behind the name: that of a pseudo-header field begins with a colon.
    line.split_once(": ").unwrap()
}

fn read_story(json: &[u8]) -> Vec<Headers> {
    let story: Value = serde_json::from_slice(json).unwrap();
    story["cases"].as_array().unwrap().iter().map(read_case).collect()
}

fn read_case(case: &Value) -> Headers {
    let fields = case["headers"].as_array().unwrap().iter();
    let fields = fields.flat_map(|field| field.as_object().unwrap());
    fields.map(|(name, value)| (name, value.as_str().unwrap())).collect()
}
