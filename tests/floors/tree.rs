//! The modules of a crate, and where the paths between them lead.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::imports::{self, Contents, Import};

/// The path of a module from the root of the crate, which is empty itself.
pub(crate) type Module = Vec<String>;

/// One source file, which is one module.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the package: `src/frame/mod.rs`.
    pub(crate) name: String,
    pub(crate) lines: usize,
    pub(crate) text: String,
    pub(crate) contents: Contents,
}

impl File {
    /// Whether it is the first file of a folder, which holds docs and re-exports.
    pub(crate) fn is_front(&self) -> bool {
        self.name.ends_with("/mod.rs") || self.name.ends_with("/lib.rs")
    }

    /// Files of tests may import what they want.
    pub(crate) fn is_tests(&self) -> bool {
        self.name.contains("/tests/") || self.name.ends_with("/tests.rs")
    }
}

/// All files under `src/`.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<Module, File>,
}

impl Tree {
    /// Takes (name, text) of the files, such as `("src/lib.rs", "…")`.
    pub(crate) fn new(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files = BTreeMap::new();
        for (name, text) in sources {
            let module = module(&name);
            let contents = imports::read(&module, &text);
            files.insert(module, File { lines: text.lines().count(), name, text, contents });
        }
        Self { files }
    }

    /// Reads the files in `package/src`.
    pub(crate) fn read(package: &Path) -> io::Result<Self> {
        let mut sources = Vec::new();
        let mut folders = vec![package.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(package).map_err(io::Error::other)?;
                    let name = name.to_string_lossy().replace('\\', "/");
                    sources.push((name, fs::read_to_string(&path)?));
                }
            }
        }
        Ok(Self::new(sources))
    }

    /// All imports of the files that are no tests.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (&Module, &File, &Import)> {
        self.files
            .iter()
            .filter(|(_, file)| !file.is_tests())
            .flat_map(|(module, file)| file.contents.imports.iter().map(move |i| (module, file, i)))
            .filter(|(module, _, import)| !import.is_bare || self.leads_below(module, import))
    }

    /// The modules that an import leads through: the one it names, and if that has the name from
    /// another module, that one, and so on to the one that defines it.
    pub(crate) fn resolve(&self, import: &Import) -> Vec<Module> {
        let mut way = Vec::new();
        let mut path = import.path.clone();
        // There are no longer chains of re-exports, and a cycle would not compile.
        for _ in 0..8 {
            let module = (0..=path.len()).rev().find_map(|end| {
                let module = &path[..end];
                self.files.contains_key(module).then(|| module.to_vec())
            });
            let Some(module) = module else { break };
            let rest = path[module.len()..].to_vec();
            let onward = rest.first().and_then(|name| {
                let imports = &self.files[&module].contents.imports;
                imports.iter().find(|import| import.name.as_ref() == Some(name))
            });
            way.push(module);
            match onward {
                Some(onward) => path = [&onward.path[..], &rest[1..]].concat(),
                None => break,
            }
        }
        way
    }

    /// Whether a name right under the root of the crate is a macro.
    pub(crate) fn is_macro(&self, name: &str) -> bool {
        self.files.values().any(|file| file.contents.macros.iter().any(|it| it == name))
    }

    /// Whether a path without a keyword goes to a module below this one, not to another crate.
    fn leads_below(&self, module: &Module, import: &Import) -> bool {
        let below = import.path.get(..=module.len());
        below.is_some_and(|path| self.files.contains_key(path))
    }
}

/// The module that a file is: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module(name: &str) -> Module {
    let path = name.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    let is_front = module.last().is_some_and(|last| last == "mod");
    if is_front || module == ["lib"] {
        module.pop();
    }
    module
}
