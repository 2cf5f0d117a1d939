//! The rules. Each function says what breaks its rule, with file and line.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::Import;
use crate::tree::{File, Module, Tree};

/// The floor of every module under the root of the crate.
const FLOORS: &[&[&str]] = &[
    &["budget", "histogram", "meter", "hpack", "frame", "logging"],
    &["proto", "http1", "ws"],
    &["error", "transport", "convert", "kernel_thread"],
    &["wire", "tls", "upgrade"],
    &["exchange", "session", "h1"],
    &["halves"],
    &["client", "server"],
    &["websocket"],
    &["guide"],
];

const MAX_LINES: usize = 450;

const ASYNC_RUNTIMES: &[&str] = &[
    "actix-rt",
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-std",
    "embassy",
    "futures",
    "glommio",
    "mio",
    "monoio",
    "pollster",
    "smol",
    "tokio",
];

/// Imports go to lower floors only, and every module has its floor.
pub(crate) fn floors(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for (module, file, import) in tree.imports() {
        let Some(here) = top(module) else { continue };
        let Some(floor) = floor(here) else { continue };
        for way in tree.resolve(import) {
            let Some(there) = top(&way).filter(|there| *there != here) else { continue };
            let rule = match self::floor(there) {
                Some(other) if other < floor => continue,
                Some(other) if other == floor => format!("both are on floor {floor}"),
                Some(other) => format!("that is up from floor {floor} to floor {other}"),
                None => "which has no floor".to_owned(),
            };
            broken.push(format!("{}: {here} imports {there}: {rule}", place(file, import)));
        }
    }
    let tops: BTreeSet<_> = tree.files.keys().filter_map(|module| top(module)).collect();
    for top in tops.into_iter().filter(|top| floor(top).is_none() && *top != "macros") {
        broken.push(format!("src/{top}: it has no floor; give it one in tests/floors/rules.rs"));
    }
    broken
}

/// What a path into the crate begins with is a module, a re-export of `lib.rs` or a macro.
/// Otherwise the other rules would not see where it leads.
pub(crate) fn known_names(tree: &Tree) -> Vec<String> {
    tree.imports()
        .filter(|(module, _, import)| {
            let name = import.path.first().filter(|_| !module.is_empty());
            let leads_nowhere = tree.resolve(import).last().is_none_or(Vec::is_empty);
            leads_nowhere && name.is_some_and(|name| !tree.is_macro(name))
        })
        .map(|(_, file, import)| {
            format!("{}: crate::{} is not known", place(file, import), import.path.join("::"))
        })
        .collect()
}

/// No circle of imports between the modules under the root of the crate.
pub(crate) fn circles_of_modules(tree: &Tree) -> Vec<String> {
    let mut graph = Graph::default();
    for (module, file, import) in tree.imports() {
        for way in tree.resolve(import) {
            if let (Some(here), Some(there)) = (top(module), top(&way)) {
                graph.add(here, there, || place(file, import));
            }
        }
    }
    graph.circle().into_iter().collect()
}

/// No circle of imports between files.
pub(crate) fn circles_of_files(tree: &Tree) -> Vec<String> {
    let mut graph = Graph::default();
    for (module, file, import) in tree.imports() {
        // A front's re-exports give names to others; it does not use them itself.
        if file.is_front() && import.is_reexport {
            continue;
        }
        let Some(there) = tree.resolve(import).pop() else { continue };
        graph.add(&module.join("::"), &there.join("::"), || place(file, import));
    }
    graph.circle().into_iter().collect()
}

/// `mod.rs` and `lib.rs` hold docs, `mod` and `use`.
pub(crate) fn fronts(tree: &Tree) -> Vec<String> {
    let fronts = tree.files.values().filter(|file| file.is_front() && !file.is_tests());
    fronts
        .filter_map(|file| {
            let line = file.contents.items.first()?;
            Some(format!("{}:{line}: it holds docs and re-exports only", file.name))
        })
        .collect()
}

/// No file is too long to have one idea.
pub(crate) fn lengths(tree: &Tree) -> Vec<String> {
    let long = tree.files.values().filter(|file| file.lines > MAX_LINES);
    long.map(|file| format!("{}: {} lines, over {MAX_LINES}", file.name, file.lines)).collect()
}

/// The macros of `log` are used by one file, which knows of locks.
pub(crate) fn logging(tree: &Tree) -> Vec<String> {
    let levels = ["error", "warn", "info", "debug", "trace", "log"];
    let calls: Vec<_> = levels.iter().map(|level| format!(" log::{level}!")).collect();
    let others = tree.files.values().filter(|file| file.name != "src/logging.rs");
    let lines = others.flat_map(|file| (1..).zip(file.text.lines()).map(move |it| (file, it)));
    lines
        .filter(|(_, (_, line))| {
            let line = format!(" {line}").replace("::log::", " log::").replace('(', " ");
            calls.iter().any(|call| line.contains(call))
        })
        .map(|(file, (number, _))| {
            format!("{}:{number}: the logger may be called under a lock: use `logging`", file.name)
        })
        .collect()
}

/// The crate forbids unsafe code.
pub(crate) fn no_unsafe(tree: &Tree) -> Vec<String> {
    let root = tree.files.get(&Vec::new()).map_or("", |file| &file.text);
    let forbids = root.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]");
    let rule = "src/lib.rs: there is no #![forbid(unsafe_code)]";
    if forbids { Vec::new() } else { vec![rule.to_owned()] }
}

/// No async runtime in any section of dependencies but those for tests.
pub(crate) fn no_runtime(manifest: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut is_dependencies = false;
    for (line, text) in (1..).zip(manifest.lines().map(str::trim)) {
        let mut name = None;
        if let Some(section) = text.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_dependencies = section.ends_with("dependencies") && !section.contains("dev-");
            if let Some((kind, dependency)) = section.rsplit_once("dependencies.") {
                name = Some(dependency).filter(|_| !kind.ends_with("dev-"));
            }
        } else if is_dependencies {
            name = text.split(['=', '.']).next();
        }
        let name = name.unwrap_or_default().trim().trim_matches('"');
        let renamed = text.split('"').skip(1).step_by(2).filter(|_| is_dependencies);
        for runtime in ASYNC_RUNTIMES {
            let is_it = |name: &str| name == *runtime || name.starts_with(&format!("{runtime}-"));
            if is_it(name) || renamed.clone().any(is_it) {
                broken.push(format!("Cargo.toml:{line}: {name} is an async runtime"));
            }
        }
    }
    broken
}

/// Which imports there are between things with names, and where.
#[derive(Default)]
struct Graph {
    edges: BTreeMap<String, BTreeMap<String, String>>,
}

impl Graph {
    fn add(&mut self, from: &str, to: &str, place: impl FnOnce() -> String) {
        let targets = self.edges.entry(from.to_owned()).or_default();
        if from != to && !targets.contains_key(to) {
            targets.insert(to.to_owned(), place());
        }
    }

    /// Tells of one circle, if there is any.
    fn circle(&self) -> Option<String> {
        let mut done = BTreeSet::new();
        self.edges.keys().find_map(|start| self.walk(start, &mut Vec::new(), &mut done))
    }

    fn walk<'a>(
        &'a self,
        at: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        if let Some(start) = way.iter().position(|before| *before == at) {
            way.push(at);
            let edges = way[start..].windows(2);
            let told = edges.map(|edge| {
                format!("{}: {} imports {}", self.edges[edge[0]][edge[1]], edge[0], edge[1])
            });
            return Some(format!("a circle:\n    {}", told.collect::<Vec<_>>().join("\n    ")));
        }
        if done.contains(at) {
            return None;
        }
        way.push(at);
        let targets = self.edges.get(at).into_iter().flat_map(BTreeMap::keys);
        let found = targets.into_iter().find_map(|target| self.walk(target, way, done));
        way.pop();
        done.insert(at);
        found
    }
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&name))
}

fn top(module: &Module) -> Option<&str> {
    module.first().map(String::as_str)
}

fn place(file: &File, import: &Import) -> String {
    format!("{}:{}", file.name, import.line)
}
