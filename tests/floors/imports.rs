//! Which paths into the crate a source file has.

use crate::tokens::{Token, tokens};

/// A path that starts in the crate, as it stands in a file.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// From the root of the crate: `["frame", "Frame"]` for `crate::frame::Frame`.
    pub(crate) path: Vec<String>,
    /// The name that a `use` gives it in the module where it stands.
    pub(crate) name: Option<String>,
    /// `pub use`, `pub(crate) use`.
    pub(crate) is_reexport: bool,
    /// Whether the path starts with no keyword: it can mean another crate as well.
    pub(crate) is_bare: bool,
    pub(crate) line: usize,
}

/// What a file says, as far as the rules ask for it.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) imports: Vec<Import>,
    /// The names of the macros that it defines.
    pub(crate) macros: Vec<String>,
    /// Lines with an item other than `mod` and `use`.
    pub(crate) items: Vec<usize>,
}

/// Reads the source of `module` (its path from the root of the crate).
pub(crate) fn read(module: &[String], source: &str) -> Contents {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, at: 0, module: module.to_vec(), inline: Vec::new() };
    let mut contents = Contents::default();
    let mut depth = 0;
    while let Some(token) = reader.peek() {
        match token.text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if reader.inline.last() == Some(&depth) {
                    reader.inline.pop();
                    reader.module.pop();
                }
            }
            "mod" if reader.text(2) == "{" => {
                reader.module.push(reader.text(1).to_owned());
                reader.inline.push(depth);
                depth += 1;
                reader.at += 2;
            }
            // What a macro names, it names where it is used.
            "macro_rules" => {
                contents.macros.push(reader.text(2).to_owned());
                reader.at += 2;
                reader.skip_group();
            }
            // `impl Trait + use<'a>` is no import.
            "use" if reader.text(1) != "<" => {
                let is_reexport = reader.is_after_visibility();
                reader.at += 1;
                let mut leaves = Vec::new();
                reader.use_tree(&mut Vec::new(), &mut leaves);
                contents
                    .imports
                    .extend(leaves.into_iter().filter_map(|leaf| reader.import(leaf, is_reexport)));
                continue;
            }
            "crate" | "self" | "super" if reader.starts_path() => {
                let line = token.line;
                let segments = reader.path();
                let leaf = Leaf { segments, name: None, line };
                contents.imports.extend(reader.import(leaf, false));
                continue;
            }
            "fn" | "struct" | "enum" | "trait" | "impl" | "const" | "static" => {
                contents.items.push(token.line);
            }
            _ => {}
        }
        reader.at += 1;
    }
    contents
}

/// One path out of a `use`, or out of an expression or a type.
struct Leaf<'a> {
    segments: Vec<&'a str>,
    name: Option<&'a str>,
    line: usize,
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// The module that the tokens here are in, with the inline ones.
    module: Vec<String>,
    /// The depth in braces at which each inline module began.
    inline: Vec<i32>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// The text `ahead` tokens further on.
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text)
    }

    fn before(&self, back: usize) -> &'a str {
        self.at.checked_sub(back).map_or("", |at| self.tokens[at].text)
    }

    /// Whether a `pub`, or the end of a `pub(…)`, is just before.
    fn is_after_visibility(&self) -> bool {
        matches!(self.before(1), "pub" | ")")
    }

    /// Whether this keyword begins a path (`pub(crate)` does not, `$crate::` is the macro's).
    fn starts_path(&self) -> bool {
        self.text(1) == "::" && !matches!(self.before(1), "::" | "$")
    }

    fn skip_group(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek() {
            match token.text {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// `a::b::c`, up to what is no path any more.
    fn path(&mut self) -> Vec<&'a str> {
        let mut segments = vec![self.text(0)];
        self.at += 1;
        while self.text(0) == "::" && is_word(self.text(1)) {
            segments.push(self.text(1));
            self.at += 2;
        }
        segments
    }

    /// A tree of a `use`, up to the `,`, `}` or `;` after it.
    fn use_tree(&mut self, prefix: &mut Vec<&'a str>, leaves: &mut Vec<Leaf<'a>>) {
        let (start, line) = (prefix.len(), self.peek().map_or(0, |token| token.line));
        while is_word(self.text(0)) || matches!(self.text(0), "*" | "::") {
            if self.text(0) != "::" {
                prefix.push(self.text(0));
            }
            self.at += 1;
            if self.text(0) == "as" {
                break;
            }
        }
        if self.text(0) == "{" {
            self.at += 1;
            while !matches!(self.text(0), "}" | "") {
                self.use_tree(prefix, leaves);
                if self.text(0) == "," {
                    self.at += 1;
                }
            }
            self.at += 1;
        } else {
            let mut segments = prefix.clone();
            if segments.len() > 1 && segments.last() == Some(&"self") {
                segments.pop();
            }
            let mut name = segments.last().copied();
            if self.text(0) == "as" {
                name = Some(self.text(1));
                self.at += 2;
            }
            leaves.push(Leaf { segments, name, line });
        }
        prefix.truncate(start);
    }

    /// Makes a path absolute. `None` if it leaves the crate for sure (`::std`), or is empty.
    fn import(&self, leaf: Leaf<'a>, is_reexport: bool) -> Option<Import> {
        let mut path = self.module.clone();
        let (first, mut segments) = leaf.segments.split_first()?;
        let mut is_bare = false;
        match *first {
            "crate" => path.clear(),
            "self" => {}
            "super" => {
                path.pop();
                while let Some((&"super", rest)) = segments.split_first() {
                    path.pop();
                    segments = rest;
                }
            }
            name => {
                is_bare = true;
                path.push(name.to_owned());
            }
        }
        path.extend(segments.iter().filter(|segment| **segment != "*").map(|s| (*s).to_owned()));
        // A name inside an inline module is seen there alone.
        let name = if self.inline.is_empty() { leaf.name.map(str::to_owned) } else { None };
        Some(Import { path, name, is_reexport, is_bare, line: leaf.line })
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}
