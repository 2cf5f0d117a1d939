//! Targets of requests that the types of `http` can hold for sure: nearly all are like that, and need
//! not be converted to know.

use crate::convert::{is_plain_authority, is_plain_path};
use crate::hpack::Headers;

/// What a request is for, as it came.
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
                // Pseudo-header fields stand first. One that has nothing to do with the target, or
                // none.
                name if name.first() == Some(&b':') => {}
                b"host" => target.authority = target.authority.or(Some(field.value)),
                _ if target.authority.is_some() => break,
                _ => {}
            }
        }
        target
    }

    /// Whether the types of `http` can hold it, as is plain to see. Nearly all are like that, and
    /// need not be converted to know; the others are tried.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.scheme, Some(b"http" | b"https"))
            && self.path.is_some_and(is_plain_path)
            && self.authority.is_none_or(is_plain_authority)
    }
}
