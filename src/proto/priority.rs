//! Urgency and incremental delivery (RFC 9218): the `priority` field and PRIORITY_UPDATE.

use std::borrow::Cow;
use std::fmt;

use super::structured::{self, Value};

/// The priority of a response (RFC 9218, Section 4).
///
/// ```
/// use h2_sync::proto::Priority;
///
/// let priority = Priority::parse(b"u=1, i");
/// assert_eq!((priority.urgency(), priority.incremental()), (1, true));
/// assert_eq!(Priority::default().to_string(), "u=3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priority {
    urgency: u8,
    incremental: bool,
}

impl Default for Priority {
    /// Returns urgency 3, not incremental (RFC 9218, Section 4).
    fn default() -> Self {
        Priority { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// Returns a priority with `urgency` 0 (first) to 7 (last); a larger one is reduced to 7.
    pub fn new(urgency: u8, incremental: bool) -> Self {
        Priority { urgency: urgency.min(7), incremental }
    }

    /// Returns the urgency, 0 (first) to 7 (last).
    pub fn urgency(self) -> u8 {
        self.urgency
    }

    /// Whether parts of the response are useful before it is complete.
    pub fn incremental(self) -> bool {
        self.incremental
    }

    /// Parses a Priority Field Value, a dictionary of structured fields (RFC 8941). An unknown or
    /// out-of-range parameter is ignored (RFC 9218, Section 4), and so is everything if the value
    /// is not a dictionary.
    pub fn parse(value: &[u8]) -> Self {
        Self::from_lines([value]).unwrap_or_default()
    }

    /// Parses the lines of a `priority` field as one dictionary (RFC 8941, Section 4.2). `None` if
    /// that fails: the field is then ignored.
    pub(crate) fn from_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let mut value = Cow::Borrowed(lines.next()?);
        for line in lines {
            value.to_mut().extend_from_slice(b", ");
            value.to_mut().extend_from_slice(line);
        }
        let mut priority = Priority::default();
        structured::dictionary(&value, |key, value| match (key, value) {
            // The last of two members with the same key wins, even if it is invalid.
            (b"u", Value::Integer(urgency @ 0..=7)) => priority.urgency = urgency as u8,
            (b"u", _) => priority.urgency = Priority::default().urgency,
            (b"i", value) => priority.incremental = value == Value::Boolean(true),
            _ => {}
        })?;
        Some(priority)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u={}{}", self.urgency, if self.incremental { ", i" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_the_rfc_are_understood() {
        for (text, urgency, incremental) in [
            ("u=5", 5, false),
            ("u=1, i", 1, true),
            ("i", 3, true),
            ("i=?0,u=0", 0, false),
            ("u=2;x=1 , i;y", 2, true),
            ("u=2;i=?0", 2, false),
            ("  u=2, i=?1  ", 2, true),
            ("", 3, false),
            ("u=1, u=6", 6, false),
            ("i, i=?0", 3, false),
            ("u=1, u=9", 3, false),
            ("u=1, u=x, i, i=1", 3, false),
            ("x=\"u=7, i\", u=2", 2, false),
            ("x=(u=7 i), u=2", 3, false),
            ("x=(1 \"u=7\");u=7, u=2", 2, false),
            ("u=2, x=:aGk=:, y=-1.5, z=*tok/en:, w=?0;a;b=1", 2, false),
        ] {
            assert_eq!(
                Priority::parse(text.as_bytes()),
                Priority::new(urgency, incremental),
                "{text}"
            );
        }
    }

    #[test]
    fn priority_values_out_of_range_are_ignored() {
        for text in
            ["u=8", "u=-1", "u=10", "u", "u=x", "u=1.0", "u=(1)", "u=\"1\"", "i=1", "i=\"?1\""]
        {
            assert_eq!(Priority::parse(text.as_bytes()), Priority::default(), "{text:?}");
        }
    }

    #[test]
    fn a_priority_that_is_not_a_dictionary_is_ignored() {
        for text in [
            "u=1,",
            "u=1, ,i",
            ",,,",
            "u=1 i",
            "U=1",
            "u =1",
            "u= 1",
            "u=",
            "i=?2",
            "u=1;",
            "u=1;;",
            "u=1, x=\"",
            "u=1, x=\"\\a\"",
            "u=1, x=(1",
            "u=1, x=(1\"\")",
            "u=1, x=:a",
            "u=1, x=1.",
            "u=1, x=1.0000",
            "u=1, x=1234567890123456",
            "u=1, x=-",
            "u=1, x=@1",
            "u=1, \u{e9}",
            "u=1\u{0}",
            "\tu=1",
        ] {
            assert_eq!(Priority::from_lines([text.as_bytes()]), None, "{text:?}");
            assert_eq!(Priority::parse(text.as_bytes()), Priority::default(), "{text:?}");
        }
    }

    #[test]
    fn several_lines_are_one_dictionary() {
        let read =
            |lines: &[&'static str]| Priority::from_lines(lines.iter().map(|it| it.as_bytes()));
        assert_eq!(read(&["u=1", "i"]), Some(Priority::new(1, true)));
        assert_eq!(read(&["u=1, i", "u=2"]), Some(Priority::new(2, true)));
        assert_eq!(read(&["u=1", "i="]), None);
        assert_eq!(read(&["x=\"", "\", u=1"]), Some(Priority::new(1, false)));
        assert_eq!(read(&[]), None);
    }
}
