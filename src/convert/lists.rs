//! Fields whose values are lists.

use http::header::{HeaderMap, HeaderName};

/// Whether a field that is a list has this item, in upper or lower case (RFC 9110, Section 5.6.1).
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut items = values.flat_map(|value| value.split(','));
    items.any(|other| other.trim().eq_ignore_ascii_case(item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{CONNECTION, HeaderValue};

    #[test]
    fn item_is_found_in_any_line_and_not_as_a_part_of_another() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("close , Upgrade"));
        headers.append(CONNECTION, HeaderValue::from_static("x-a"));
        for (item, is_listed) in [("upgrade", true), ("X-A", true), ("up", false), ("", false)] {
            assert_eq!(lists(&headers, &CONNECTION, item), is_listed, "{item}");
        }
    }
}
