//! Which fields the encoder puts into the dynamic table.

use super::field::{Field, FIELD_OVERHEAD};
use super::indexing::Indexing;
use super::static_table as names;

/// A cookie shorter than this is easy to guess, octet by octet.
const MIN_INDEXED_COOKIE: usize = 20;

/// Decides how a field is sent that no table has, if the static table has its name at `name` and
/// the dynamic table is of this size.
#[inline]
pub(super) fn indexing(field: &Field<'_>, name: Option<usize>, table_size: usize) -> Indexing {
    // RFC 7541, Section 7.1.3: what is secret and can be guessed, since who can make us send
    // guesses beside it sees from the length whether the table has them.
    if field.sensitive {
        return Indexing::Never;
    }
    match name {
        Some(names::AUTHORIZATION | names::PROXY_AUTHORIZATION) => return Indexing::Never,
        Some(names::COOKIE) if field.value.len() < MIN_INDEXED_COOKIE => return Indexing::Never,
        // These differ in most messages, and would push out what comes again.
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
    // So large that it would push out nearly everything else.
    if field.name.len() + field.value.len() + FIELD_OVERHEAD > table_size / 4 * 3 {
        return Indexing::Without;
    }
    Indexing::Incremental
}
