//! Printing of octets that a peer chose, for a line of the log.

use std::fmt;

/// The most octets that are printed.
const SHOWN: usize = 64;

/// Octets in quotes, escaped, and cut after 64.
///
/// The peer chooses them: escaping keeps them on one line, and the cut bounds its length.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = match self.0.split_at_checked(SHOWN) {
            Some((shown, rest)) => (shown, !rest.is_empty()),
            None => (self.0, false),
        };
        write!(f, "\"{}\"{}", shown.escape_ascii(), if more { "..." } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_line_ends_are_escaped() {
        assert_eq!(Quoted(b"a\"b\r\n\xff").to_string(), r#""a\"b\r\n\xff""#);
    }

    #[test]
    fn at_most_64_octets_are_shown() {
        let octets = [b'x'; 65];
        assert_eq!(Quoted(&octets[..64]).to_string(), format!("\"{}\"", "x".repeat(64)));
        assert_eq!(Quoted(&octets).to_string(), format!("\"{}\"...", "x".repeat(64)));
    }
}
