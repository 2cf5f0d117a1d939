//! Comments as documentation. Code in them is marked as text, since `cargo test` would compile it
//! as Rust.

use prost_types::FileDescriptorSet;

/// The indentation that marks code in Markdown. The generator of messages adds one space.
const INDENT: usize = 3;

/// Marks code in all comments as text.
pub(crate) fn make_docs(files: &mut FileDescriptorSet) {
    let infos = files.file.iter_mut().filter_map(|file| file.source_code_info.as_mut());
    for location in infos.flat_map(|info| &mut info.location) {
        let leading = location.leading_comments.iter_mut();
        for comment in leading.chain(&mut location.trailing_comments) {
            *comment = without_code(comment);
        }
    }
}

/// Returns the comment with its code in fences of the language `text`.
fn without_code(comment: &str) -> String {
    let lines: Vec<_> = comment.lines().collect();
    let indent = |line: &str| {
        let white = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
        white.map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>()
    };
    let is_blank = |line: &str| line.trim().is_empty();
    let base = lines.iter().filter(|line| !is_blank(line)).map(|line| indent(line)).min();
    let base = base.unwrap_or_default();
    let is_indented = |line: &str| !is_blank(line) && indent(line) >= base + INDENT;
    let mut docs: Vec<String> = Vec::with_capacity(lines.len());
    let fence = |mark: &str| format!("{:base$}{mark}", "");
    // The mark that closes the current code block.
    let mut open: Option<&str> = None;
    let mut n = 0;
    while let Some(line) = lines.get(n) {
        n += 1;
        let text = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark));
        match (open, mark) {
            (Some(end), _) => {
                open = (!text.starts_with(end)).then_some(end);
                docs.push((*line).to_owned());
            }
            (None, Some(mark)) => {
                open = Some(mark);
                let language = text.trim_start_matches(|c| mark.starts_with(c)).trim();
                docs.push(match language {
                    "" | "rust" => {
                        format!("{}text", line.trim_end().trim_end_matches("rust").trim_end())
                    }
                    _ => (*line).to_owned(),
                });
            }
            (None, None) => {
                let begins = n == 1 || is_blank(lines[n - 2]);
                if !(begins && is_indented(line)) {
                    docs.push((*line).to_owned());
                    continue;
                }
                let rest = &lines[n - 1..];
                let len =
                    rest.iter().take_while(|line| is_blank(line) || is_indented(line)).count();
                let len = len - rest[..len].iter().rev().take_while(|line| is_blank(line)).count();
                docs.push(fence("```text"));
                docs.extend(rest[..len].iter().map(|&line| line.to_owned()));
                docs.push(fence("```"));
                n += len - 1;
            }
        }
    }
    if let Some(end) = open {
        docs.push(fence(end));
    }
    docs.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comment_without_code_stays_as_it_is() {
        let comment = " A list:\n - one\n   goes on\n - two\n\n The end.";
        assert_eq!(without_code(comment), comment);
        assert_eq!(without_code(""), "");
    }

    #[test]
    fn indented_code_is_fenced() {
        let comment = " For example:\n\n     let a = b[1];\n\n     a\n\n The end.";
        let docs = " For example:\n\n ```text\n     let a = b[1];\n\n     a\n ```\n\n The end.";
        assert_eq!(without_code(comment), docs);
        assert_eq!(without_code(" For:\n\n\tcode"), " For:\n\n ```text\n\tcode\n ```");
    }

    #[test]
    fn fence_without_a_language_becomes_text() {
        let docs = " ```text\n {\n\n      indented\n }\n ```\n ```json\n {}\n ```";
        assert_eq!(without_code(&docs.replace("```text", "```")), docs);
        assert_eq!(without_code(&docs.replace("```text", "```rust")), docs);
        assert_eq!(without_code(" ~~~\n code"), " ~~~text\n code\n ~~~");
    }
}
