//! The structural rules of `ARCHITECTURE.md`: permitted imports, the length of files, and features
//! that the crate does without.
//!
//! They are checked on the text of the sources. Each rule has a test that the crate keeps it, and
//! one that a violation planted in a small tree is found.

mod imports;
mod rules;
mod tables;
mod tokens;
mod tree;

use std::fs;
use std::path::Path;

use crate::tree::Tree;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn assert_kept(rule: fn(&Tree) -> Vec<String>) {
    let tree = Tree::read(package()).unwrap();
    let broken = rule(&tree);
    assert!(broken.is_empty(), "{} found:\n  {}", broken.len(), broken.join("\n  "));
}

#[test]
fn imports_go_to_lower_floors() {
    assert_kept(rules::floors);
}

#[test]
fn every_path_leads_to_a_known_module() {
    assert_kept(rules::known_names);
}

#[test]
fn modules_have_no_import_circle() {
    assert_kept(rules::circles_of_modules);
}

#[test]
fn files_have_no_import_circle() {
    assert_kept(rules::circles_of_files);
}

#[test]
fn fronts_of_folders_hold_docs_and_reexports() {
    assert_kept(rules::fronts);
}

#[test]
fn files_are_short() {
    assert_kept(rules::lengths);
}

#[test]
fn log_is_written_without_a_lock() {
    assert_kept(rules::logging);
}

#[test]
fn unsafe_code_is_forbidden() {
    assert_kept(rules::no_unsafe);
}

#[test]
fn no_dependency_is_an_async_runtime() {
    let manifest = fs::read_to_string(package().join("Cargo.toml")).unwrap();
    let broken = rules::no_runtime(&manifest);
    assert!(broken.is_empty(), "{broken:?}");
}

/// Compares a table in the documentation with the `mod` lines of a file.
#[track_caller]
fn assert_table(text: &str, heading: &str, column: usize, front: &str, only_public: bool) {
    let source = fs::read_to_string(package().join(front)).unwrap();
    let text = fs::read_to_string(package().join(text)).unwrap();
    let declared = tables::declared(&source, only_public);
    let found = tables::differences(&declared, &tables::told(&text, heading, column));
    assert!(found.is_empty(), "{heading} and {front}: {}", found.join(", "));
}

#[test]
fn the_front_page_lists_all_public_modules() {
    assert_table("src/lib.rs", "| module |", 0, "src/lib.rs", true);
}

#[test]
fn the_front_page_of_the_core_lists_all_its_files() {
    assert_table("src/proto/mod.rs", "| file |", 0, "src/proto/mod.rs", false);
}

#[test]
fn the_code_map_lists_all_modules() {
    assert_table("ARCHITECTURE.md", "| floor |", 1, "src/lib.rs", false);
}

#[test]
fn the_architecture_is_short() {
    let text = fs::read_to_string(package().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= 250, "ARCHITECTURE.md has {} lines", text.lines().count());
}

mod planted {
    use super::*;

    const ROOT: (&str, &str) = ("src/lib.rs", "pub mod frame;\npub use frame::{Frame, Kind as K};");
    const FRAME: (&str, &str) = ("src/frame/mod.rs", "pub struct Frame;\npub enum Kind {}");
    const PROTO: (&str, &str) = ("src/proto/mod.rs", "mod connection;");

    /// What `rule` says of a tree of these files beside the three above.
    fn broken(rule: fn(&Tree) -> Vec<String>, files: &[(&str, &str)]) -> Vec<String> {
        let sources = [ROOT, FRAME, PROTO].iter().chain(files);
        rule(&Tree::new(sources.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))))
    }

    #[test]
    fn an_import_from_above_is_found() {
        let files = [("src/hpack/mod.rs", "\nuse crate::proto::{\n    self, Connection,\n};")];
        assert_eq!(
            broken(rules::floors, &files),
            [
                "src/hpack/mod.rs:3: hpack imports proto: that is up from floor 0 to floor 1",
                "src/hpack/mod.rs:3: hpack imports proto: that is up from floor 0 to floor 1",
            ],
        );
    }

    #[test]
    fn a_line_that_is_logged_at_once_is_found() {
        let text = "fn f() {\n    if a { log::debug!(\"a\") }\n    logging::debug!(\"b\");\n}";
        let rule = "src/wire/mod.rs:2: the logger may be called under a lock: use `logging`";
        assert_eq!(broken(rules::logging, &[("src/wire/mod.rs", text)]), [rule]);
        assert!(broken(rules::logging, &[("src/logging.rs", text)]).is_empty());
    }

    #[test]
    fn an_import_of_a_sibling_is_found() {
        let files = [("src/hpack/field.rs", "fn f() -> super::super::frame::Kind {}")];
        let rule = "src/hpack/field.rs:1: hpack imports frame: both are on floor 0";
        assert_eq!(broken(rules::floors, &files), [rule]);
    }

    #[test]
    fn an_import_through_the_root_is_found() {
        let files = [("src/hpack/field.rs", "mod inline {\n    type A = crate::K;\n}")];
        let rule = "src/hpack/field.rs:2: hpack imports frame: both are on floor 0";
        assert_eq!(broken(rules::floors, &files), [rule]);
    }

    #[test]
    fn an_import_in_an_inline_module_is_found() {
        let files = [("src/hpack/field.rs", "#[cfg(test)]\nmod tests {\n use crate::wire::Wire;}")];
        let linked = [files[0], ("src/wire/mod.rs", "")];
        let rule = "src/hpack/field.rs:3: hpack imports wire: that is up from floor 0 to floor 3";
        assert_eq!(broken(rules::floors, &linked), [rule]);
    }

    #[test]
    fn a_module_without_a_floor_is_found() {
        let files = [("src/util.rs", ""), ("src/wire/mod.rs", "use super::util;")];
        assert_eq!(
            broken(rules::floors, &files),
            [
                "src/wire/mod.rs:1: wire imports util: which has no floor",
                "src/util: it has no floor; give it one in tests/floors/rules.rs",
            ],
        );
    }

    #[test]
    fn imports_from_below_text_and_tests_are_free() {
        let files = [
            ("src/proto/connection.rs", "use crate::frame::Frame;\nuse super::super::K;"),
            ("src/hpack/mod.rs", "//! [`crate::wire::Wire`]\nconst A: &str = \"crate::wire::B\";"),
            ("src/hpack/tests/pair.rs", "use crate::wire::Wire;"),
            ("src/hpack/tests.rs", "use crate::wire::Wire;"),
            ("src/hpack/mac.rs", "macro_rules! m { () => { $crate::wire::l() } }\nuse http::Uri;"),
        ];
        assert_eq!(broken(rules::floors, &files), [""; 0]);
        assert_eq!(broken(rules::known_names, &files), [""; 0]);
    }

    #[test]
    fn an_unknown_name_is_found() {
        let files = [("src/wire/mod.rs", "macro_rules! m {() => {}}\nuse crate::{m, nowhere::A};")];
        let rule = "src/wire/mod.rs:2: crate::nowhere::A is not known";
        assert_eq!(broken(rules::known_names, &files), [rule]);
    }

    #[test]
    fn a_circle_of_modules_is_found() {
        let files = [
            ("src/client/mod.rs", "use crate::server::S;"),
            ("src/server/mod.rs", "\nuse crate::client::C;"),
        ];
        assert_eq!(
            broken(rules::circles_of_modules, &files),
            ["a circle:\n    src/client/mod.rs:1: client imports server\
              \n    src/server/mod.rs:2: server imports client"],
        );
    }

    #[test]
    fn a_circle_of_files_is_found_through_a_reexport() {
        let files = [
            ("src/wire/mod.rs", "mod a;\nmod b;\npub(crate) use self::{a::A, b::*};"),
            ("src/wire/a.rs", "use super::b;"),
            ("src/wire/b.rs", "\n\nuse super::A;"),
        ];
        assert_eq!(
            broken(rules::circles_of_files, &files),
            ["a circle:\n    src/wire/a.rs:1: wire::a imports wire::b\
              \n    src/wire/b.rs:3: wire::b imports wire::a"],
        );
    }

    #[test]
    fn code_in_a_front_is_found() {
        let files = [("src/wire/mod.rs", "mod a;\nuse a::A;\nimpl A {}")];
        let rule = "src/wire/mod.rs:3: it holds docs and re-exports only";
        assert!(broken(rules::fronts, &files).contains(&rule.to_owned()));
    }

    #[test]
    fn a_long_file_is_found() {
        let text = "//\n".repeat(451);
        let rule = "src/wire/a.rs: 451 lines, over 450";
        assert_eq!(broken(rules::lengths, &[("src/wire/a.rs", &text)]), [rule]);
    }

    #[test]
    fn a_crate_that_does_not_forbid_unsafe_code_is_found() {
        assert_eq!(
            broken(rules::no_unsafe, &[("src/lib.rs", "// #![forbid(unsafe_code)]")]).len(),
            1
        );
    }

    #[test]
    fn a_runtime_is_found_in_every_kind_of_dependencies() {
        let manifest = "[dependencies]\nbytes = \"1\"\ntokio = { version = \"1\" }\n\
            rt = { package = \"async-std\" }\n[dependencies.smol]\n\
            [target.'cfg(unix)'.dependencies]\nfutures-util.version = \"1\"\n\
            [dev-dependencies]\ntokio = \"1\"\n[dev-dependencies.mio]\n[features]\nsmol = []";
        let lines: Vec<_> = rules::no_runtime(manifest)
            .iter()
            .map(|rule| rule.split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(lines, ["Cargo.toml:3:", "Cargo.toml:4:", "Cargo.toml:5:", "Cargo.toml:7:"]);
    }
}
