//! The files of `deploy/`, with other addresses in them.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a file in `deploy/`.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

/// Reads a file of `deploy/`, with other addresses in place of those in it.
///
/// # Panics
///
/// If there is no such file, or an address is not in it.
pub fn filled<T: Display>(name: &str, addresses: &[(&str, T)]) -> String {
    let mut text = fs::read_to_string(file(name)).expect("a file of deploy/");
    for (from, to) in addresses {
        text = replaced(&text, from, to);
    }
    text
}

/// Replaces each occurrence of a text.
///
/// # Panics
///
/// If the text does not occur.
pub fn replaced(text: &str, from: &str, to: impl Display) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replace(from, &to.to_string())
}
