//! Fields that are lists (RFC 9110, Section 5.6.1).

use http::HeaderMap;

/// Whether one of the members of a list is this, whatever its case.
pub(super) fn lists(map: &HeaderMap, name: &str, wanted: &str) -> bool {
    map.get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|&octet| octet == b','))
        .any(|member| member.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}
