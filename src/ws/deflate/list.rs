//! The field `sec-websocket-extensions` (RFC 6455, Section 9.1).

/// One extension with its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extension<'a> {
    pub(super) name: &'a str,
    pub(super) params: Vec<(&'a str, Option<&'a str>)>,
}

/// The extensions of one field value, in order.
pub(super) fn extensions(value: &str) -> impl Iterator<Item = Extension<'_>> {
    split(value, ',').map(str::trim).filter(|item| !item.is_empty()).map(|item| {
        let mut parts = split(item, ';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let params = parts.map(|param| match param.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquote(value.trim_start()))),
            None => (param, None),
        });
        Extension { name, params: params.collect() }
    })
}

/// Splits the text at separators outside of quotes.
fn split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |c| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match c {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' => is_escaped = is_quoted && !was_escaped,
            _ => {}
        }
        c == separator && !is_quoted
    })
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_come_in_order_with_their_parameters() {
        let all: Vec<_> = extensions(r#"a; x="1,;2" ; y = 3, , b;z"#).collect();
        assert_eq!(
            all,
            [
                Extension { name: "a", params: vec![("x", Some("1,;2")), ("y", Some("3"))] },
                Extension { name: "b", params: vec![("z", None)] },
            ]
        );
    }
}
