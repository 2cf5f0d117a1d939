//! The table in `README.md` is true: it names all tests, and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// `file::test` of all tests in this folder.
fn tests(folder: &Path) -> BTreeSet<String> {
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

#[test]
fn the_readme_names_every_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let named: BTreeSet<_> =
        readme.split('`').filter(|name| name.contains("::")).map(str::to_owned).collect();
    let mut tests = tests(&folder);
    assert!(tests.remove("readme::the_readme_names_every_test"));
    let missing: Vec<_> = tests.difference(&named).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:#?}");
    let gone: Vec<_> = named.difference(&tests).collect();
    assert!(gone.is_empty(), "in README.md and not there: {gone:#?}");
}
