//! The tables of modules in the documentation, held against the `mod` lines of the sources.

use std::collections::BTreeSet;

/// The modules that a file declares, but for those of tests.
///
/// With `only_public`, those declared by `pub mod`.
pub(crate) fn declared(source: &str, only_public: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        let public = line.strip_prefix("pub ");
        let item = if only_public { public } else { Some(public.unwrap_or(line)) };
        let name = item.and_then(|item| item.strip_prefix("mod ")?.strip_suffix(';'));
        if let Some(name) = name.filter(|_| !is_test) {
            found.insert(name.to_owned());
        }
        is_test = line == "#[cfg(test)]";
    }
    found
}

/// The names in backquotes in one column of the table whose heading begins with `heading`.
///
/// The rows may stand in doc comments; the `/` at the end of a folder's name does not count.
pub(crate) fn told(text: &str, heading: &str, column: usize) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let table = lines.skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(column + 1));
    let quoted = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    quoted.map(|name| name.trim_end_matches('/').to_owned()).collect()
}

/// What one of the two has and the other has not.
pub(crate) fn differences(declared: &BTreeSet<String>, told: &BTreeSet<String>) -> Vec<String> {
    let missing = declared.difference(told).map(|name| format!("`{name}` is not in the table"));
    let invented = told.difference(declared).map(|name| format!("there is no module `{name}`"));
    missing.chain(invented).collect()
}

mod planted {
    use super::*;

    #[test]
    fn declared_modules_are_read_without_tests_and_inline_modules() {
        let source =
            "pub mod a;\nmod b;\n#[cfg(test)]\nmod tests;\nmod readme {}\n#[cfg(x)]\npub mod c;";
        assert_eq!(declared(source, false), ["a", "b", "c"].map(str::to_owned).into());
        assert_eq!(declared(source, true), ["a", "c"].map(str::to_owned).into());
    }

    #[test]
    fn a_difference_between_table_and_modules_is_found() {
        let text = "//! | module | what |\n//! | --- | --- |\n//! | [`a`](mod@a) | `x` |\n//! | `d/`, `b` | |\n//!\n//! | `e` |";
        let told = told(text, "| module |", 0);
        let found = differences(&declared("mod a;\nmod b;\nmod c;", false), &told);
        assert_eq!(found, ["`c` is not in the table", "there is no module `d`"]);
    }
}
