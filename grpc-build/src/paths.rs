//! Paths in the form that the compiler of `.proto` files expects.

use std::path::{Component, Path, PathBuf, absolute};

/// Returns the absolute path of a file or folder without `.` and `..`, since the compiler compares
/// paths component by component. A path that does not exist is returned unchanged, to be looked up
/// below the import folders.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let Some(absolute) = absolute(path).ok().filter(|path| path.exists()) else {
        return path.to_owned();
    };
    let mut clean = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            // The root is its own parent.
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved_in_paths_that_exist() {
        let here = absolute(".").unwrap();
        assert_eq!(clean(Path::new("./src/../src/lib.rs")), here.join("src/lib.rs"));
        assert_eq!(clean(Path::new(".")), here);
        assert_eq!(clean(Path::new("/../..")), Path::new("/"));
    }

    #[test]
    fn path_that_does_not_exist_is_unchanged() {
        let name = Path::new("google/protobuf/empty.proto");
        assert_eq!(clean(name), name);
    }
}
