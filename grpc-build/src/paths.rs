//! Paths as the compiler of `.proto` files takes them.

use std::path::{absolute, Component, Path, PathBuf};

/// The absolute path of a file or folder without `.` and `..`, since the compiler compares paths by
/// their parts. A path that does not exist here is looked up in the folders of imports, as it is.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let Some(absolute) = absolute(path).ok().filter(|path| path.exists()) else {
        return path.to_owned();
    };
    let mut clean = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            // The root has itself as its parent.
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
    fn path_that_does_not_exist_stays_as_it_is() {
        let name = Path::new("google/protobuf/empty.proto");
        assert_eq!(clean(name), name);
    }
}
