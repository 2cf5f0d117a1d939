//! A quick check for request targets that the types of `http` certainly accept. Nearly all are like that, and
//! need not be converted to find out.

use crate::convert::{is_plain_authority, is_plain_path};
use crate::hpack::Headers;

/// The target of a request, as received.
#[derive(Default)]
pub(super) struct Target<'a> {
    pub(super) method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    pub(super) fn of(fields: &'a Headers) -> Self {
        let mut target = Target::default();
        for field in fields {
            match field.name {
                b":method" => target.method = Some(field.value),
                b":scheme" => target.scheme = Some(field.value),
                b":authority" => target.authority = Some(field.value),
                b":path" => target.path = Some(field.value),
                // Another pseudo-header field, such as `:protocol`, is not part of the target.
                name if name.first() == Some(&b':') => {}
                b"host" => target.authority = target.authority.or(Some(field.value)),
                _ if target.authority.is_some() => break,
                _ => {}
            }
        }
        target
    }

    /// Returns whether the types of `http` certainly accept it. Other targets are converted to find out.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.scheme, Some(b"http" | b"https"))
            && self.path.is_some_and(is_plain_path)
            && self.authority.is_none_or(is_plain_authority)
    }
}
