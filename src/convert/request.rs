//! Requests: `Headers` to and from `request::Parts`.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Request, Version};

use super::error::ConvertError;
use super::fields::{Values, push_fields};
use crate::hpack::Headers;

/// The `:protocol` of an extended CONNECT (RFC 8441), such as `websocket`. It is an extension of a
/// request, in the sense of [`http::Extensions`].
///
/// ```
/// use h2_sync::convert::Protocol;
/// use h2_sync::Headers;
/// use http::Request;
///
/// let (parts, ()) = Request::connect("https://example.com/chat")
///     .extension(Protocol::from_static("websocket"))
///     .body(())?
///     .into_parts();
/// let headers = Headers::from(&parts);
/// assert_eq!(headers.get(":protocol"), Some("websocket"));
/// assert_eq!(headers.path(), Some("/chat"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Protocol(Cow<'static, str>);

impl Protocol {
    /// Creates a protocol from its name in IANA's registry of upgrade tokens.
    pub const fn from_static(name: &'static str) -> Self {
        Protocol(Cow::Borrowed(name))
    }

    /// Returns the name of the protocol.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Protocol {
    fn from(name: &str) -> Self {
        Protocol(Cow::Owned(name.to_owned()))
    }
}

impl AsRef<str> for Protocol {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Converts a request.
///
/// | pseudo-header field | source |
/// | --- | --- |
/// | `:method` | the method |
/// | `:scheme` | the URI, or else `http` |
/// | `:authority` | the URI without userinfo, or else the `host` field; absent without both |
/// | `:path` | the path and query of the URI, or else `/`; `*` stays `*` |
/// | `:protocol` | the extension [`Protocol`] |
///
/// CONNECT has neither `:scheme` nor `:path` (RFC 9113, Section 8.5), unless there is a `Protocol`
/// (RFC 8441, Section 4).
///
/// The `host` field itself is dropped. If the URI has another authority, the URI takes precedence,
/// as in HTTP/1.1 (RFC 9112, Section 3.2.2). The other fields are converted as from `&HeaderMap`.
/// The version is ignored.
///
/// ```
/// use h2_sync::{headers, Headers};
/// use http::Request;
///
/// let request = Request::get("https://example.com/search?q=1").header("accept", "*/*").body(())?;
/// assert_eq!(
///     Headers::from(&request.into_parts().0),
///     headers!(
///         ":method" => "GET",
///         ":scheme" => "https",
///         ":authority" => "example.com",
///         ":path" => "/search?q=1",
///         "accept" => "*/*",
///     ),
/// );
/// # Ok::<(), http::Error>(())
/// ```
impl From<&Parts> for Headers {
    fn from(parts: &Parts) -> Self {
        let protocol = parts.extensions.get::<Protocol>();
        let octets = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let pseudo = 64 + parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
        let octets = octets.sum::<usize>() + pseudo;
        let mut headers = Headers::with_capacity(parts.headers.len() + 5, octets);

        headers.push(":method", parts.method.as_str());
        let is_tunnel = parts.method == Method::CONNECT && protocol.is_none();
        if !is_tunnel {
            headers.push(":scheme", parts.uri.scheme_str().unwrap_or("http"));
        }
        if let Some(authority) = authority(parts) {
            headers.push(":authority", authority);
        }
        if !is_tunnel {
            push_path(&mut headers, parts);
        }
        if let Some(protocol) = protocol {
            headers.push(":protocol", protocol.as_str());
        }
        push_fields(&mut headers.writer(), &parts.headers, |name| name != HOST);
        headers
    }
}

/// The same conversion as from `&request::Parts`.
impl From<Parts> for Headers {
    fn from(parts: Parts) -> Self {
        Headers::from(&parts)
    }
}

fn push_path(headers: &mut Headers, parts: &Parts) {
    match parts.uri.path_and_query().map_or("", PathAndQuery::as_str) {
        "" => headers.push(":path", "/"),
        query if query.starts_with('?') => headers.push(":path", format!("/{query}")),
        path => headers.push(":path", path),
    }
}

fn authority(parts: &Parts) -> Option<&[u8]> {
    let Some(authority) = parts.uri.authority() else {
        return parts.headers.get(HOST).map(HeaderValue::as_bytes);
    };
    // RFC 9113, Section 8.3.1: `:authority` has no userinfo for http and https.
    authority.as_str().rsplit('@').next().map(str::as_bytes)
}

/// Converts a request.
///
/// The URI gets scheme, authority and path. Without `:authority`, the `host` field is used; without
/// both, the URI is only a path. For CONNECT the URI is the authority. For OPTIONS with the `:path`
/// `*` it is `*`, and the authority becomes the `host` field. `:protocol` becomes the extension
/// [`Protocol`]. The version is HTTP/2.
///
/// The other fields are converted as to `HeaderMap`.
///
/// # Errors
///
/// If `:method` is missing, or if `http` does not accept a field, such as a `:path` with characters
/// that [`Uri`] does not allow.
///
/// ```
/// use h2_sync::headers;
/// use http::{request, Method, Version};
///
/// let headers = headers!(
///     ":method" => "GET",
///     ":scheme" => "https",
///     ":authority" => "example.com",
///     ":path" => "/search?q=1",
/// );
/// let parts = request::Parts::try_from(&headers)?;
/// assert_eq!((parts.method, parts.version), (Method::GET, Version::HTTP_2));
/// assert_eq!(parts.uri, "https://example.com/search?q=1");
/// # Ok::<(), h2_sync::convert::ConvertError>(())
/// ```
impl TryFrom<&Headers> for Parts {
    type Error = ConvertError;

    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.version = Version::HTTP_2;
        let pseudo = Pseudo::of(headers);
        let method = pseudo.method.as_ref().ok_or(ConvertError::missing(b":method"))?;
        parts.method = Method::from_bytes(method).map_err(|_| ConvertError::value(b":method"))?;
        parts.headers = HeaderMap::try_from(headers)?;
        if let Some(protocol) = &pseudo.protocol {
            let name =
                std::str::from_utf8(protocol).map_err(|_| ConvertError::value(b":protocol"))?;
            parts.extensions.insert(Protocol::from(name));
        }
        parts.uri = pseudo.into_uri(&parts.method, &mut parts.headers)?;
        Ok(parts)
    }
}

/// The pseudo-header fields of a request.
#[derive(Default)]
struct Pseudo {
    method: Option<Bytes>,
    scheme: Option<Bytes>,
    authority: Option<Bytes>,
    path: Option<Bytes>,
    protocol: Option<Bytes>,
}

impl Pseudo {
    fn of(headers: &Headers) -> Self {
        let mut pseudo = Pseudo::default();
        let mut values = Values::new(headers);
        for field in headers {
            let value = values.next(&field);
            let place = match field.name {
                b":method" => &mut pseudo.method,
                b":scheme" => &mut pseudo.scheme,
                b":authority" => &mut pseudo.authority,
                b":path" => &mut pseudo.path,
                b":protocol" => &mut pseudo.protocol,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        pseudo
    }

    fn into_uri(self, method: &Method, headers: &mut HeaderMap) -> Result<Uri, ConvertError> {
        let host = || headers.get(HOST).map(|host| Bytes::copy_from_slice(host.as_bytes()));
        let authority = match self.authority.or_else(host) {
            Some(authority) => Some(
                Authority::from_maybe_shared(authority)
                    .map_err(|_| ConvertError::value(b":authority"))?,
            ),
            None => None,
        };
        let mut uri = uri::Parts::default();
        if *method == Method::CONNECT && self.protocol.is_none() {
            uri.authority = Some(authority.ok_or(ConvertError::missing(b":authority"))?);
            return Uri::from_parts(uri).map_err(|_| ConvertError::value(b":authority"));
        }
        let path = self.path.ok_or(ConvertError::missing(b":path"))?;
        let is_asterisk = &path[..] == b"*";
        let path =
            PathAndQuery::from_maybe_shared(path).map_err(|_| ConvertError::value(b":path"))?;
        uri.path_and_query = Some(path);
        match authority {
            Some(authority) if is_asterisk => {
                let host = HeaderValue::from_str(authority.as_str());
                let host = host.map_err(|_| ConvertError::value(b":authority"))?;
                headers.try_insert(HOST, host).map_err(|_| ConvertError::too_many())?;
            }
            Some(authority) => {
                let scheme = self.scheme.ok_or(ConvertError::missing(b":scheme"))?;
                let scheme =
                    Scheme::try_from(&scheme[..]).map_err(|_| ConvertError::value(b":scheme"))?;
                (uri.scheme, uri.authority) = (Some(scheme), Some(authority));
            }
            None => {}
        }
        Uri::from_parts(uri).map_err(|_| ConvertError::value(b":path"))
    }
}
