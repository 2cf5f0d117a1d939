//! Responses: `Headers` to and from `response::Parts`.

use http::header::HeaderMap;
use http::response::Parts;
use http::{Response, StatusCode, Version};

use super::error::ConvertError;
use super::fields::push_fields;
use crate::hpack::Headers;

/// Converts a response: `:status`, and the fields as from `&HeaderMap`. The version is ignored.
///
/// ```
/// use h2_sync::{headers, Headers};
/// use http::Response;
///
/// let response = Response::builder().status(404).header("content-length", "0").body(())?;
/// let headers = Headers::from(&response.into_parts().0);
/// assert_eq!(headers, headers!(":status" => "404", "content-length" => "0"));
/// # Ok::<(), http::Error>(())
/// ```
impl From<&Parts> for Headers {
    fn from(parts: &Parts) -> Self {
        let octets = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let octets = octets.sum::<usize>() + ":status".len() + 3;
        let mut headers = Headers::with_capacity(parts.headers.len() + 1, octets);
        headers.push(":status", parts.status.as_str());
        push_fields(&mut headers.writer(), &parts.headers, |_| true);
        headers
    }
}

/// The same conversion as from `&response::Parts`.
impl From<Parts> for Headers {
    fn from(parts: Parts) -> Self {
        Headers::from(&parts)
    }
}

/// Converts a response, with version HTTP/2. The fields are converted as to `HeaderMap`.
///
/// # Errors
///
/// If `:status` is missing or does not have three digits, or if `http` does not accept a field.
///
/// ```
/// use h2_sync::headers;
/// use http::{response, StatusCode};
///
/// let parts = response::Parts::try_from(&headers!(":status" => "204"))?;
/// assert_eq!(parts.status, StatusCode::NO_CONTENT);
/// # Ok::<(), h2_sync::convert::ConvertError>(())
/// ```
impl TryFrom<&Headers> for Parts {
    type Error = ConvertError;

    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let (mut parts, ()) = Response::new(()).into_parts();
        let status = headers.get_bytes(":status").ok_or(ConvertError::missing(b":status"))?;
        parts.status =
            StatusCode::from_bytes(status).map_err(|_| ConvertError::value(b":status"))?;
        parts.version = Version::HTTP_2;
        parts.headers = HeaderMap::try_from(headers)?;
        Ok(parts)
    }
}
