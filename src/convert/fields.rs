//! Regular fields: `Headers` to and from `HeaderMap`.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue, CONNECTION, COOKIE, TE};

use super::error::ConvertError;
use crate::hpack::{Field, Headers, Writer};

/// RFC 9113, Section 8.2.2: fields about one connection of HTTP/1.1, which make a message of
/// HTTP/2 malformed. `te` is another, and may stay with the value "trailers".
const CONNECTION_SPECIFIC: [&str; 6] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// The fields of a message, as of HTTP/1.1 or of HTTP/2, without what HTTP/2 has no place for.
///
/// Left out are `connection` and the fields that it names, `http2-settings`, `keep-alive`,
/// `proxy-connection`, `transfer-encoding` and `upgrade`, and of `te` all but `trailers` (RFC 9113,
/// Section 8.2.2).
/// They speak of one HTTP/1.1 connection and not of the message, so that nothing is lost.
///
/// Values that are [sensitive](HeaderValue::is_sensitive) stay so, and are never indexed.
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

/// Like the conversion from `&HeaderMap`.
impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        Headers::from(&map)
    }
}

/// The regular fields. Pseudo-header fields (`:status` and the like) are left out: a `HeaderMap`
/// cannot hold them, and they have their places in `request::Parts` and `response::Parts`.
///
/// Fields of one name keep their order. Several `cookie` fields become one, as RFC 9113,
/// Section 8.2.3 asks for what is handed on to anything that is not HTTP/2. Sensitive fields make
/// sensitive values.
///
/// All values share one allocation, so one that is kept keeps all of them.
///
/// # Errors
///
/// A name or value that `http` does not take, or more fields than a `HeaderMap` holds (about
/// 24,000). Neither comes out of a `Session`.
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

/// Adds the fields of `map` that HTTP/2 has a place for and that are wanted.
pub(crate) fn push_fields(
    headers: &mut Writer<'_>,
    map: &HeaderMap,
    wanted: impl Fn(&HeaderName) -> bool,
) {
    let named = named_by_connection(map);
    for (name, value) in map {
        let name_octets = name.as_str().as_bytes();
        if CONNECTION_SPECIFIC.contains(&name.as_str())
            || named.contains(name_octets)
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
    if tokens(map, &TE).any(|token| token.eq_ignore_ascii_case(b"trailers")) {
        headers.push("te", "trailers");
    }
}

/// RFC 9110, Section 7.6.1: the fields that `connection` names are about the connection as well.
fn named_by_connection(map: &HeaderMap) -> HashSet<Vec<u8>> {
    tokens(map, &CONNECTION).map(<[u8]>::to_ascii_lowercase).collect()
}

/// The members of all lists in the fields of one name.
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

/// The values of a list in one allocation, to be shared piece by piece.
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

    /// The value of the next field; to be called for each, in order.
    pub(super) fn next(&mut self, field: &Field<'_>) -> Bytes {
        // Never more than is left: these are the same fields that `new` went through.
        self.rest.split_to(field.value.len())
    }
}

/// Cookie crumbs, joined.
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
