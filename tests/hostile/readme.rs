//! Checks that the tables in `README.md` name all tests, and only existing ones.

use std::fs;
use std::path::Path;

use crate::support::table;

const KIT: [&str; 3] = ["memory::", "neighbour::", "readme::"];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(folder().join("README.md")).unwrap()
}

#[test]
fn the_readme_names_every_test() {
    let tests = table::tests(folder());
    let named = table::named(&readme());
    let gone: Vec<_> = named.difference(&tests).collect();
    assert!(gone.is_empty(), "in README.md and not there: {gone:#?}");
    // Helpers have tests of their own.
    let is_kit = |name: &str| KIT.iter().any(|module| name.starts_with(module));
    let missing: Vec<_> = tests.difference(&named).filter(|name| !is_kit(name)).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:#?}");
}

#[test]
fn every_row_of_the_readme_names_a_test() {
    let readme = readme();
    let rows = readme.lines().filter(|line| line.starts_with("| "));
    // The first two rows of each table are its header.
    let rows = rows.filter(|row| !row.starts_with("| ---") && !row.ends_with("| Tests |"));
    let without: Vec<_> = rows.clone().filter(|row| table::named(row).is_empty()).collect();
    assert!(without.is_empty(), "rows without a test: {without:#?}");
    assert!(rows.count() >= 24, "too few rows");
}
