//! Urgency and incremental delivery (RFC 9218): the `priority` field and PRIORITY_UPDATE.

use std::fmt;

/// How a response is to be scheduled among the others (RFC 9218, Section 4).
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
    /// Urgency 3, not incremental (RFC 9218, Section 4).
    fn default() -> Self {
        Priority { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// A priority with `urgency` 0 (first) to 7 (last); a larger one counts as 7.
    pub fn new(urgency: u8, incremental: bool) -> Self {
        Priority { urgency: urgency.min(7), incremental }
    }

    /// 0 (first) to 7 (last).
    pub fn urgency(self) -> u8 {
        self.urgency
    }

    /// Whether parts of the response are of use before all of it is there.
    pub fn incremental(self) -> bool {
        self.incremental
    }

    /// Reads a Priority Field Value, a dictionary of structured fields. What is not understood
    /// or out of range counts as not said (RFC 9218, Section 4).
    pub fn parse(value: &[u8]) -> Self {
        let mut priority = Priority::default();
        for member in value.split(|&octet| octet == b',') {
            // Parameters of a member (`;…`) have no meaning here.
            let item = member.split(|&octet| octet == b';').next().unwrap_or_default();
            match item.trim_ascii() {
                [b'u', b'=', digit @ b'0'..=b'7'] => priority.urgency = digit - b'0',
                b"i" | b"i=?1" => priority.incremental = true,
                b"i=?0" => priority.incremental = false,
                _ => {}
            }
        }
        priority
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
            ("", 3, false),
        ] {
            assert_eq!(
                Priority::parse(text.as_bytes()),
                Priority::new(urgency, incremental),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_out_of_range_counts_as_not_said() {
        for text in ["u=8", "u=-1", "u=10", "u", "u=x", "i=1", "\u{0}", ",,,"] {
            assert_eq!(Priority::parse(text.as_bytes()), Priority::default(), "{text:?}");
        }
    }
}
