//! A folder for the files of one test.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A folder for one test, removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Creates it, empty. `test` must be unique.
    pub(crate) fn new(test: &str) -> Self {
        // The test is in `target/debug/deps`.
        let program = env::current_exe().unwrap();
        let target = program.ancestors().nth(3).unwrap();
        let path = target.join("tmp").join(format!("interop-{test}"));
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            println!("{}: {error}", self.path.display());
        }
    }
}
