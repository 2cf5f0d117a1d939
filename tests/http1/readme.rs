//! The table in `README.md` is true: it names all tests, and no others.

use std::fs;

use crate::table;

#[test]
fn the_readme_names_every_test() {
    let folder = table::folder("http1");
    let named = table::named(&fs::read_to_string(folder.join("README.md")).unwrap());
    let mut tests = table::tests(&folder);
    assert!(tests.remove("readme::the_readme_names_every_test"));
    let missing: Vec<_> = tests.difference(&named).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:#?}");
    let gone: Vec<_> = named.difference(&tests).collect();
    assert!(gone.is_empty(), "in README.md and not there: {gone:#?}");
}
