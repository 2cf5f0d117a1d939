//! Tables in a `README.md` that refer to tests, as `file::test` in backquotes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder below `tests/` of the package.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Returns all tests in the folder, as `file::test`.
pub(crate) fn tests(folder: &Path) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".rs"))
        else {
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        let mut is_test = false;
        for line in text.lines() {
            assert!(!line.starts_with("#[ignore"), "{file}: a test is ignored");
            if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                let name = rest.split('(').next().unwrap();
                tests.insert(format!("{file}::{name}"));
            }
            is_test = line == "#[test]";
        }
    }
    tests
}

/// Returns the tests that a text refers to.
pub(crate) fn named(text: &str) -> BTreeSet<String> {
    text.split('`').filter(|name| name.contains("::")).map(str::to_owned).collect()
}
