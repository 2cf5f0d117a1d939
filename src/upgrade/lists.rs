//! Fields whose value is a list (RFC 9110, Section 5.6.1).

use http::HeaderMap;

/// Returns whether a list has this member, ignoring case.
pub(super) fn lists(map: &HeaderMap, name: &str, wanted: &str) -> bool {
    map.get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|&octet| octet == b','))
        .any(|member| member.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}
