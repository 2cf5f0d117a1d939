//! Errors of conversions.

use std::fmt;

/// The reason why [`Headers`](crate::Headers) cannot be converted to a type of the [`http`] crate.
///
/// Headers that a [`Session`](crate::Session) has received are valid in HTTP/2, and nearly always
/// convert. The exceptions have values for which `http` has stricter rules, usually a `:path` with
/// unusual characters. A server should answer such a request with status 400.
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
    /// Returns the name of the field that is missing or invalid; empty if no single field is to
    /// blame.
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
            What::Name => write!(f, "invalid field name {name:?}"),
            What::Value => write!(f, "invalid value of {name:?}"),
            What::Missing => write!(f, "{name:?} is missing"),
            What::TooMany => f.write_str("more fields than a header map can hold"),
        }
    }
}

impl std::error::Error for ConvertError {}

/// Shortens a long name for an error text.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned()
}
