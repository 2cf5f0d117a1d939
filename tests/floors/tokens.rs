//! Rust source as a list of words and signs, without comments, strings and numbers.

/// A word or a sign of the source, and the line it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// An identifier, `::`, or one other character.
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Splits `source` up. What cannot name a module is left out: comments, and literals of all kinds.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < source.len() {
        let rest = &source[at..];
        let (len, is_token) = next(rest);
        if is_token {
            found.push(Token { text: &rest[..len], line });
        }
        line += rest[..len].matches('\n').count();
        at += len;
    }
    found
}

/// How long the piece at the start of `rest` is, and whether it is a token.
fn next(rest: &str) -> (usize, bool) {
    let first = rest.chars().next().unwrap_or(' ');
    if rest.starts_with("//") {
        (rest.find('\n').unwrap_or(rest.len()), false)
    } else if rest.starts_with("/*") {
        (block_comment(rest), false)
    } else if let Some(len) = string(rest) {
        (len, false)
    } else if first == '\'' {
        (quote(rest), false)
    } else if first.is_ascii_digit() {
        (word(rest), false)
    } else if first == '_' || first.is_alphabetic() {
        (word(rest), true)
    } else if rest.starts_with("::") {
        (2, true)
    } else {
        (first.len_utf8(), !first.is_whitespace())
    }
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len())
}

/// A block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        if rest[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// A string literal with whatever stands before its first quote: `"…"`, `b"…"`, `r#"…"#`, `br"…"`.
fn string(rest: &str) -> Option<usize> {
    let letters = rest.find(|c| !matches!(c, 'b' | 'c' | 'r'))?;
    if letters > 2 {
        return None;
    }
    let raw = rest[..letters].ends_with('r');
    let hashes = if raw { rest[letters..].find(|c| c != '#')? } else { 0 };
    let start = letters + hashes;
    if !rest[start..].starts_with('"') {
        return None;
    }
    let body = start + 1;
    if raw {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len()));
    }
    let mut escaped = false;
    for (at, c) in rest[body..].char_indices() {
        match c {
            '"' if !escaped => return Some(body + at + 1),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    Some(rest.len())
}

/// A character literal, or the quote that starts a lifetime.
fn quote(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        // The character after the backslash may be a quote itself.
        Some((_, '\\')) => rest[3..].find('\'').map_or(rest.len(), |at| 3 + at + 1),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[test]
fn comments_and_literals_are_no_tokens() {
    let source = "a /* b /* c */ d */ \"e\\\"\" 'f' '\\'' &'g r#\"h\"i\"# 0x1f // j\nb'k' l::m";
    let texts: Vec<_> = tokens(source).into_iter().map(|token| token.text).collect();
    // The letter before a character literal is left, and does no harm.
    assert_eq!(texts, ["a", "&", "g", "b", "l", "::", "m"]);
}

#[test]
fn lines_are_counted_through_strings_and_comments() {
    let found = tokens("a\n\"\n\"\n/*\n*/ b");
    assert_eq!(found, [Token { text: "a", line: 1 }, Token { text: "b", line: 5 }]);
}
