//! The header fields of a response while they are set.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::convert::push_fields;
use crate::hpack::Writer;

/// A few fields are best in a list; a map is made when somebody asks for one.
#[derive(Debug)]
pub(super) enum Fields {
    List(Vec<(HeaderName, HeaderValue)>),
    Map(HeaderMap),
}

impl Fields {
    /// None; `list` is the memory of former ones.
    pub(super) fn new(list: Vec<(HeaderName, HeaderValue)>) -> Self {
        Fields::List(list)
    }

    /// In place of those with the same name.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        match self {
            Fields::List(list) => {
                if list.iter().any(|(other, _)| *other == name) {
                    list.retain(|(other, _)| *other != name);
                }
                list.push((name, value));
            }
            Fields::Map(map) => drop(map.insert(name, value)),
        }
    }

    /// Behind those with the same name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        match self {
            Fields::List(list) => list.push((name, value)),
            Fields::Map(map) => drop(map.append(name, value)),
        }
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        match self {
            Fields::List(list) => list.iter().any(|(other, _)| other == name),
            Fields::Map(map) => map.contains_key(name),
        }
    }

    pub(super) fn map_mut(&mut self) -> &mut HeaderMap {
        if let Fields::List(list) = self {
            let mut map = HeaderMap::with_capacity(list.len());
            for (name, value) in list.drain(..) {
                map.append(name, value);
            }
            *self = Fields::Map(map);
        }
        match self {
            Fields::Map(map) => map,
            Fields::List(_) => unreachable!("it has just been made a map"),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Fields::List(list) => list.clear(),
            Fields::Map(map) => map.clear(),
        }
    }

    /// The memory, for the next ones.
    pub(super) fn into_list(self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Fields::List(mut list) => {
                list.clear();
                list
            }
            Fields::Map(_) => Vec::new(),
        }
    }

    /// Adds them to a header section, but for those that HTTP/2 has no place for.
    pub(super) fn push_to(&mut self, section: &mut Writer<'_>) {
        match self {
            Fields::List(list) if !list.iter().any(|(name, _)| is_specific(name)) => {
                for (name, value) in list {
                    if value.is_sensitive() {
                        section.push_sensitive(name, value);
                    } else {
                        section.push(name, value);
                    }
                }
            }
            // `connection` can name others, which is best left to who knows.
            _ => push_fields(section, self.map_mut(), |_| true),
        }
    }
}

/// RFC 9113, Section 8.2.2.
fn is_specific(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "keep-alive"
            | "proxy-connection"
            | "http2-settings"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpack::Headers;

    fn section(fields: &mut Fields) -> Vec<(String, String)> {
        let mut section = Headers::new();
        fields.push_to(&mut section.writer());
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        section.iter().map(|field| (text(field.name), text(field.value))).collect()
    }

    fn set(fields: &mut Fields, name: &'static str, value: &'static str) {
        fields.set(HeaderName::from_static(name), HeaderValue::from_static(value));
    }

    #[test]
    fn a_map_has_what_the_list_had() {
        let mut fields = Fields::new(Vec::new());
        set(&mut fields, "a", "1");
        fields.append(HeaderName::from_static("a"), HeaderValue::from_static("2"));
        set(&mut fields, "b", "3");
        let before = section(&mut fields);
        assert_eq!(fields.map_mut().len(), 3);
        assert_eq!(section(&mut fields), before);
    }

    #[test]
    fn setting_takes_the_place_of_all_of_that_name() {
        for as_map in [false, true] {
            let mut fields = Fields::new(Vec::new());
            if as_map {
                fields.map_mut();
            }
            fields.append(HeaderName::from_static("a"), HeaderValue::from_static("1"));
            fields.append(HeaderName::from_static("a"), HeaderValue::from_static("2"));
            set(&mut fields, "a", "3");
            assert_eq!(section(&mut fields), [("a".to_owned(), "3".to_owned())]);
            assert!(fields.contains(&HeaderName::from_static("a")));
        }
    }

    #[test]
    fn what_speaks_of_a_connection_of_http_1_is_left_out() {
        let mut fields = Fields::new(Vec::new());
        set(&mut fields, "connection", "x");
        set(&mut fields, "x", "1");
        set(&mut fields, "y", "2");
        assert_eq!(section(&mut fields), [("y".to_owned(), "2".to_owned())]);
    }
}
