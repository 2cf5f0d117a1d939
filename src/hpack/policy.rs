//! The encoder's policy of which fields enter the dynamic table.

use super::field::{FIELD_OVERHEAD, Field};
use super::indexing::Indexing;
use super::static_table as names;

/// Cookies shorter than this many octets could be guessed, and are never indexed.
const MIN_INDEXED_COOKIE: usize = 20;

/// Decides how to send a field that is in neither table. `name` is the index of its name in the
/// static table, and `table_size` the maximum size of the dynamic table.
#[inline]
pub(super) fn indexing(field: &Field<'_>, name: Option<usize>, table_size: usize) -> Indexing {
    // RFC 7541, Section 7.1.3: secrets that can be guessed. An attacker who can add guesses to our
    // messages could see from their length whether a guess is in the table.
    if field.sensitive {
        return Indexing::Never;
    }
    match name {
        Some(names::AUTHORIZATION | names::PROXY_AUTHORIZATION) => return Indexing::Never,
        Some(names::COOKIE) if field.value.len() < MIN_INDEXED_COOKIE => return Indexing::Never,
        // These differ in most messages, and would evict fields that repeat.
        Some(
            names::PATH
            | names::AGE
            | names::CONTENT_LENGTH
            | names::CONTENT_RANGE
            | names::ETAG
            | names::IF_MODIFIED_SINCE
            | names::IF_NONE_MATCH
            | names::LAST_MODIFIED
            | names::LOCATION
            | names::RANGE
            | names::SET_COOKIE,
        ) => return Indexing::Without,
        _ => {}
    }
    // So large that it would evict nearly everything else.
    if field.name.len() + field.value.len() + FIELD_OVERHEAD > table_size / 4 * 3 {
        return Indexing::Without;
    }
    Indexing::Incremental
}
