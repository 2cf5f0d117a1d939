//! What cannot be converted.

use std::fmt;

/// Why [`Headers`](crate::Headers) cannot be made into a type of the [`http`] crate.
///
/// Headers that a [`Session`](crate::Session) has received are valid in HTTP/2 and nearly always
/// convert; those that do not have a value that `http` is stricter about, a `:path` with odd
/// characters most of all. A server best answers such a request with status 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertError {
    what: What,
    /// The name of the field.
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Name,
    Value,
    Missing,
    TooMany,
}

impl ConvertError {
    /// The name of the field that is missing or not valid; empty where it is none in particular.
    pub fn field(&self) -> &str {
        &self.name
    }

    pub(super) fn name(name: &[u8]) -> Self {
        ConvertError { what: What::Name, name: shown(name) }
    }

    pub(super) fn value(name: &[u8]) -> Self {
        ConvertError { what: What::Value, name: shown(name) }
    }

    pub(super) fn missing(name: &[u8]) -> Self {
        ConvertError { what: What::Missing, name: shown(name) }
    }

    pub(super) fn too_many() -> Self {
        ConvertError { what: What::TooMany, name: String::new() }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.what {
            What::Name => write!(f, "{name:?} is not a field name"),
            What::Value => write!(f, "the value of {name:?} is not valid"),
            What::Missing => write!(f, "{name:?} is missing"),
            What::TooMany => f.write_str("there are more fields than a header map takes"),
        }
    }
}

impl std::error::Error for ConvertError {}

/// Enough of a name to see which one it is.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned()
}
