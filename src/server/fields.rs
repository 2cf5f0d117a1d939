//! The header fields of a response under construction.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::convert::push_fields;
use crate::hpack::Writer;

/// A few fields are stored in a list; a map is created when it is needed. The memory of both is
/// reused for the next response.
#[derive(Default)]
pub(super) struct Fields {
    list: Vec<(HeaderName, HeaderValue)>,
    /// Boxed, since responses are moved, and few HTTP/2 responses have a map.
    map: Option<Box<HeaderMap>>,
    /// Whether the fields are in the map, with an empty list; otherwise they are in the list.
    is_map: bool,
}

impl Fields {
    /// Replaces all fields of this name.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        if self.is_map {
            self.map_mut().insert(name, value);
            return;
        }
        if self.list.iter().any(|(other, _)| *other == name) {
            self.list.retain(|(other, _)| *other != name);
        }
        self.list.push((name, value));
    }

    /// Appends a field after those of the same name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        if self.is_map {
            self.map_mut().append(name, value);
        } else {
            self.list.push((name, value));
        }
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        match &self.map {
            Some(map) if self.is_map => map.contains_key(name),
            _ => self.list.iter().any(|(other, _)| other == name),
        }
    }

    pub(super) fn map_mut(&mut self) -> &mut HeaderMap {
        self.is_map = true;
        let map = self.map.get_or_insert_default();
        map.reserve(self.list.len());
        for (name, value) in self.list.drain(..) {
            map.append(name, value);
        }
        map
    }

    /// Removes all fields, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        if let Some(map) = self.map.as_mut().filter(|_| self.is_map) {
            map.clear();
        }
        self.is_map = false;
    }

    /// Frees memory beyond this many fields. There must be no fields.
    pub(super) fn shrink(&mut self, most: usize) {
        self.list.shrink_to(most);
        if self.map.as_ref().is_some_and(|map| map.capacity() > most) {
            self.map = None;
        }
    }

    /// Appends the fields to a header section, except connection-specific ones.
    pub(super) fn push_to(&mut self, section: &mut Writer<'_>) {
        // `connection` can name others; the general conversion handles that.
        if self.is_map || self.list.iter().any(|(name, _)| is_specific(name)) {
            return push_fields(section, self.map_mut(), |_| true);
        }
        for (name, value) in &self.list {
            if value.is_sensitive() {
                section.push_sensitive(name, value);
            } else {
                section.push(name, value);
            }
        }
    }
}

/// Prints the fields.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(map) = self.map.as_ref().filter(|_| self.is_map) {
            return map.fmt(f);
        }
        f.debug_map().entries(self.list.iter().map(|(name, value)| (name, value))).finish()
    }
}

/// Returns whether a field is connection-specific (RFC 9113, Section 8.2.2).
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
        let mut fields = Fields::default();
        set(&mut fields, "a", "1");
        fields.append(HeaderName::from_static("a"), HeaderValue::from_static("2"));
        set(&mut fields, "b", "3");
        let before = section(&mut fields);
        assert_eq!(fields.map_mut().len(), 3);
        assert_eq!(section(&mut fields), before);
    }

    #[test]
    fn cleared_fields_are_gone_from_list_and_map() {
        for as_map in [false, true] {
            let mut fields = Fields::default();
            set(&mut fields, "a", "1");
            if as_map {
                fields.map_mut();
            }
            fields.clear();
            assert!(!fields.contains(&HeaderName::from_static("a")));
            assert_eq!(section(&mut fields), []);
            set(&mut fields, "b", "2");
            assert_eq!(section(&mut fields), [("b".to_owned(), "2".to_owned())]);
            assert_eq!(fields.map_mut().len(), 1);
        }
    }

    #[test]
    fn memory_of_many_fields_is_given_back() {
        for (most, is_kept) in [(8, false), (256, true)] {
            let mut fields = Fields::default();
            for n in 0..100 {
                let name = HeaderName::try_from(format!("x-{n}")).unwrap();
                fields.map_mut().insert(name, HeaderValue::from(n));
            }
            fields.clear();
            fields.shrink(most);
            assert_eq!(fields.map_mut().capacity() >= 100, is_kept, "{most}");
        }
    }

    #[test]
    fn setting_takes_the_place_of_all_of_that_name() {
        for as_map in [false, true] {
            let mut fields = Fields::default();
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
    fn connection_specific_fields_of_http_1_are_left_out() {
        let mut fields = Fields::default();
        set(&mut fields, "connection", "x");
        set(&mut fields, "x", "1");
        set(&mut fields, "y", "2");
        assert_eq!(section(&mut fields), [("y".to_owned(), "2".to_owned())]);
    }
}
