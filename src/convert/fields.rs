//! Regular fields: `Headers` to and from `HeaderMap`.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, COOKIE, HeaderMap, HeaderName, HeaderValue, TE};

use super::error::ConvertError;
use crate::hpack::{Field, Headers, Writer};

/// The connection-specific fields (RFC 9113, Section 8.2.2), which make an HTTP/2 message
/// malformed. `te` is another one, but may have the value "trailers".
const CONNECTION_SPECIFIC: [&str; 6] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Converts the fields of an HTTP/1.1 or HTTP/2 message, without connection-specific ones.
///
/// The conversion drops `connection` and the fields that it names, `http2-settings`, `keep-alive`,
/// `proxy-connection`, `transfer-encoding`, `upgrade`, and `te` except for `trailers` (RFC 9113,
/// Section 8.2.2). These describe an HTTP/1.1 connection, not the message.
///
/// [Sensitive](HeaderValue::is_sensitive) values stay sensitive, and are never indexed.
///
/// ```
/// use h2_sync::{headers, Headers};
/// use http::{header, HeaderMap, HeaderValue};
///
/// let mut map = HeaderMap::new();
/// map.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
/// map.insert(header::CONNECTION, HeaderValue::from_static("close"));
///
/// assert_eq!(Headers::from(&map), headers!("content-type" => "text/plain"));
/// ```
impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let octets = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let mut headers = Headers::with_capacity(map.len(), octets);
        push_fields(&mut headers.writer(), map, |_| true);
        headers
    }
}

/// The same conversion as from `&HeaderMap`.
impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        Headers::from(&map)
    }
}

/// Converts the regular fields. Pseudo-header fields (such as `:status`) are dropped: a `HeaderMap`
/// cannot hold them, and `request::Parts` and `response::Parts` have members for them.
///
/// Fields of the same name keep their order. Several `cookie` fields are joined into one, as RFC
/// 9113, Section 8.2.3 requires outside of HTTP/2. Sensitive fields become sensitive values.
///
/// All values share one allocation, which lives as long as any of them.
///
/// # Errors
///
/// If `http` does not accept a name or a value, or if there are more fields than a `HeaderMap`
/// holds (about 24,000). Headers from a `Session` are within that number.
///
/// ```
/// use h2_sync::headers;
/// use http::HeaderMap;
///
/// let response = headers!(":status" => "200", "set-cookie" => "a=1", "set-cookie" => "b=2");
/// let map = HeaderMap::try_from(&response)?;
/// assert_eq!(map.len(), 2);
/// assert_eq!(map["set-cookie"], "a=1");
/// # Ok::<(), h2_sync::convert::ConvertError>(())
/// ```
impl TryFrom<&Headers> for HeaderMap {
    type Error = ConvertError;

    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let too_many = |_| ConvertError::too_many();
        let mut map = HeaderMap::try_with_capacity(headers.len()).map_err(too_many)?;
        let mut cookie = Cookie::default();
        let mut values = Values::new(headers);
        for field in headers {
            let value = values.next(&field);
            if is_pseudo(&field) {
                continue;
            }
            let name =
                HeaderName::from_bytes(field.name).map_err(|_| ConvertError::name(field.name))?;
            if name == COOKIE {
                cookie.push(value, field.sensitive);
                continue;
            }
            let value = header_value(&field, value)?;
            map.try_append(name, value).map_err(too_many)?;
        }
        if let Some((value, sensitive)) = cookie.finish() {
            let field = Field { name: COOKIE.as_str().as_bytes(), value: &value, sensitive };
            let value = header_value(&field, value.clone())?;
            map.try_append(COOKIE, value).map_err(too_many)?;
        }
        Ok(map)
    }
}

/// Whether the fields of a received message convert to a `HeaderMap` without an error: they are few
/// and short enough. The core has checked their octets.
pub(crate) fn fits_in_a_map(headers: &Headers) -> bool {
    // Each field counts 32 octets. A map holds 24,000 fields, with names of less than 64 KiB.
    headers.section_size() <= 64 << 10
}

/// Appends the fields of `map` that HTTP/2 allows and that are wanted.
pub(crate) fn push_fields(
    headers: &mut Writer<'_>,
    map: &HeaderMap,
    wanted: impl Fn(&HeaderName) -> bool,
) {
    let named = map.contains_key(CONNECTION).then(|| named_by_connection(map));
    let mut has_te = false;
    for (name, value) in map {
        let name_octets = name.as_str().as_bytes();
        has_te |= name == TE;
        if CONNECTION_SPECIFIC.contains(&name.as_str())
            || named.as_ref().is_some_and(|named| named.contains(name_octets))
            || name == TE
            || !wanted(name)
        {
            continue;
        }
        if value.is_sensitive() {
            headers.push_sensitive(name_octets, value);
        } else {
            headers.push(name_octets, value);
        }
    }
    if has_te && tokens(map, &TE).any(|token| token.eq_ignore_ascii_case(b"trailers")) {
        headers.push("te", "trailers");
    }
}

/// Returns the fields named by `connection`, which are connection-specific too (RFC 9110, Section
/// 7.6.1).
fn named_by_connection(map: &HeaderMap) -> HashSet<Vec<u8>> {
    tokens(map, &CONNECTION).map(<[u8]>::to_ascii_lowercase).collect()
}

/// Iterates over the members of all lists in the fields of one name.
fn tokens<'a>(map: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let values = map.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|&octet| octet == b',')).map(<[u8]>::trim_ascii)
}

pub(super) fn is_pseudo(field: &Field<'_>) -> bool {
    field.name.first() == Some(&b':')
}

fn header_value(field: &Field<'_>, value: Bytes) -> Result<HeaderValue, ConvertError> {
    let mut value =
        HeaderValue::from_maybe_shared(value).map_err(|_| ConvertError::value(field.name))?;
    value.set_sensitive(field.sensitive);
    Ok(value)
}

/// The values of all fields in one allocation, which is handed out in slices.
pub(super) struct Values {
    rest: Bytes,
}

impl Values {
    pub(super) fn new(headers: &Headers) -> Self {
        let octets = headers.iter().map(|field| field.value.len()).sum();
        let mut all = Vec::with_capacity(octets);
        headers.iter().for_each(|field| all.extend_from_slice(field.value));
        Values { rest: all.into() }
    }

    /// Returns the value of the next field. Must be called for each field, in order.
    pub(super) fn next(&mut self, field: &Field<'_>) -> Bytes {
        // In bounds: these are the fields whose lengths `new` has added up.
        self.rest.split_to(field.value.len())
    }
}

/// Joined cookie crumbs.
#[derive(Default)]
struct Cookie {
    first: Option<Bytes>,
    joined: BytesMut,
    sensitive: bool,
}

impl Cookie {
    fn push(&mut self, crumb: Bytes, sensitive: bool) {
        self.sensitive |= sensitive;
        if let Some(first) = &self.first {
            if self.joined.is_empty() {
                self.joined.extend_from_slice(first);
            }
            self.joined.extend_from_slice(b"; ");
            self.joined.extend_from_slice(&crumb);
        } else {
            self.first = Some(crumb);
        }
    }

    fn finish(self) -> Option<(Bytes, bool)> {
        let whole = if self.joined.is_empty() { self.first? } else { self.joined.freeze() };
        Some((whole, self.sensitive))
    }
}
