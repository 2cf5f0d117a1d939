//! The header section of a request in either version.

use std::cell::OnceCell;
use std::fmt;

use http::header::{HOST, HeaderMap};
use http::{Extensions, Method, Uri, Version, request};

use super::plain::Target;
use crate::convert::fits_in_a_map;
use crate::hpack::Headers;
use crate::http1::encoded_target;

/// The header section of a request as received, with its converted forms.
pub(super) enum RequestHead {
    Http2 { fields: Headers, method: Method, parts: OnceCell<Box<request::Parts>> },
    Http1(Box<Http1>),
}

pub(super) struct Http1 {
    parts: request::Parts,
    /// The scheme of the connection.
    scheme: &'static str,
    uri: OnceCell<Uri>,
    fields: OnceCell<Headers>,
}

impl RequestHead {
    /// Returns `None` if the types of `http` cannot represent the message.
    pub(super) fn of_http2(fields: Headers) -> Option<Self> {
        let target = Target::of(&fields);
        let method = Method::from_bytes(target.method?).ok()?;
        let parts = if method == Method::CONNECT || !target.is_plain() || !fits_in_a_map(&fields) {
            let parts = match request::Parts::try_from(&fields) {
                Ok(parts) => parts,
                Err(_) => request::Parts::try_from(&with_encoded_path(&fields)?).ok()?,
            };
            OnceCell::from(Box::new(parts))
        } else {
            OnceCell::new()
        };
        Some(RequestHead::Http2 { fields, method, parts })
    }

    /// A request of HTTP/1.x, on a connection for URIs of `scheme`.
    pub(super) fn of_http1(request: http::Request<()>, scheme: &'static str) -> Self {
        let (parts, ()) = request.into_parts();
        let (uri, fields) = Default::default();
        RequestHead::Http1(Box::new(Http1 { parts, scheme, uri, fields }))
    }

    pub(super) fn version(&self) -> Version {
        match self {
            RequestHead::Http2 { .. } => Version::HTTP_2,
            RequestHead::Http1(head) => head.parts.version,
        }
    }

    pub(super) fn method(&self) -> &Method {
        match self {
            RequestHead::Http2 { method, .. } => method,
            RequestHead::Http1(head) => &head.parts.method,
        }
    }

    pub(super) fn uri(&self) -> &Uri {
        match self {
            RequestHead::Http2 { fields, parts, .. } => &http2_parts(fields, parts).uri,
            RequestHead::Http1(head) => head.uri.get_or_init(|| head.absolute_uri()),
        }
    }

    /// Returns the target without scheme and authority: `:path`.
    pub(super) fn path_and_query(&self) -> Option<&str> {
        match self {
            RequestHead::Http2 { fields, .. } => fields.path(),
            RequestHead::Http1(head) if head.parts.method == Method::CONNECT => None,
            RequestHead::Http1(head) => Some(head.parts.uri.path_and_query()?.as_str()),
        }
    }

    pub(super) fn authority(&self) -> Option<&str> {
        match self {
            RequestHead::Http2 { fields, .. } => fields.authority().or_else(|| fields.get("host")),
            RequestHead::Http1(head) => head.authority(),
        }
    }

    pub(super) fn scheme(&self) -> Option<&str> {
        match self {
            RequestHead::Http2 { fields, .. } => fields.scheme(),
            RequestHead::Http1(head) if head.parts.method == Method::CONNECT => None,
            RequestHead::Http1(head) => Some(head.parts.uri.scheme_str().unwrap_or(head.scheme)),
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        match self {
            RequestHead::Http2 { fields, parts, .. } => &http2_parts(fields, parts).headers,
            RequestHead::Http1(head) => &head.parts.headers,
        }
    }

    /// Returns the first value of a field by its lower-case name, if it is text; of `cookie` all.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let headers = match self {
            // RFC 9113, Section 8.2.3: `cookie` may come in several fields, which are one.
            RequestHead::Http2 { fields, parts, .. }
                if name == "cookie" && fields.get_all(name).nth(1).is_some() =>
            {
                &http2_parts(fields, parts).headers
            }
            RequestHead::Http2 { fields, .. } => return fields.get(name),
            RequestHead::Http1(head) => &head.parts.headers,
        };
        std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
    }

    /// Returns all fields, pseudo-header fields first.
    pub(super) fn fields(&self) -> &Headers {
        match self {
            RequestHead::Http2 { fields, .. } => fields,
            RequestHead::Http1(head) => head.fields.get_or_init(|| {
                let (mut parts, ()) = http::Request::new(()).into_parts();
                parts.method = head.parts.method.clone();
                parts.uri = head.whole_uri();
                parts.headers = head.parts.headers.clone();
                Headers::from(parts)
            }),
        }
    }

    /// Returns the extensions of the converted request: the protocol of an extended CONNECT.
    pub(super) fn extensions(&self) -> Option<&Extensions> {
        match self {
            RequestHead::Http2 { fields, parts, .. } => {
                Some(&http2_parts(fields, parts).extensions)
            }
            RequestHead::Http1(_) => None,
        }
    }

    /// Returns the map of the fields, to reuse its memory for the next HTTP/1.x request.
    pub(super) fn into_headers(self) -> Option<HeaderMap> {
        match self {
            RequestHead::Http2 { .. } => None,
            RequestHead::Http1(head) => Some(head.parts.headers),
        }
    }
}

impl Http1 {
    /// The codec has checked that `host` agrees with an absolute target.
    fn authority(&self) -> Option<&str> {
        let target = self.parts.uri.authority().map(|authority| authority.as_str());
        target.or_else(|| std::str::from_utf8(self.parts.headers.get(HOST)?.as_bytes()).ok())
    }

    /// Returns the target with scheme and authority, if a URI can have both, as in HTTP/2 (RFC
    /// 9112, Section 3.3).
    fn absolute_uri(&self) -> Uri {
        match self.parts.uri.path() {
            "*" => self.parts.uri.clone(),
            _ => self.whole_uri(),
        }
    }

    /// Returns the target with scheme and authority, also if it is `*`.
    fn whole_uri(&self) -> Uri {
        let target = &self.parts.uri;
        let is_whole = target.scheme().is_some() || self.parts.method == Method::CONNECT;
        let Some(authority) = self.authority().filter(|it| !it.is_empty() && !is_whole) else {
            return target.clone();
        };
        let mut parts = target.clone().into_parts();
        parts.scheme = self.scheme.parse().ok();
        parts.authority = authority.parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| target.clone())
    }
}

/// Percent-encodes in `:path` what a URI cannot have.
fn with_encoded_path(fields: &Headers) -> Option<Headers> {
    let mut encoded = Headers::with_capacity(fields.len(), fields.section_size());
    for field in fields {
        match field.name {
            b":path" => encoded.push(":path", encoded_target(field.value)?),
            name if field.sensitive => encoded.push_sensitive(name, field.value),
            name => encoded.push(name, field.value),
        }
    }
    Some(encoded)
}

fn http2_parts<'a>(
    fields: &Headers,
    parts: &'a OnceCell<Box<request::Parts>>,
) -> &'a request::Parts {
    parts.get_or_init(|| {
        // `of_http2` has seen to it that this works. If it should not, there is an empty request.
        let parts = request::Parts::try_from(fields);
        debug_assert!(parts.is_ok(), "{parts:?}");
        Box::new(parts.unwrap_or_else(|_| http::Request::new(()).into_parts().0))
    })
}

/// Omits the fields of HTTP/1.x, which do not mark sensitive ones.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestHead::Http2 { fields, .. } => fields.fmt(f),
            RequestHead::Http1(head) => {
                write!(f, "{} {}", head.parts.method, head.parts.uri.path())
            }
        }
    }
}
