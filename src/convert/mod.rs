//! Conversions between [`Headers`](crate::Headers) and the types of the [`http`] crate.
//!
//! An HTTP/2 field section contains everything except the body: `:method`, `:path` and other
//! pseudo-header fields are fields like any other. In the types of `http` they have separate
//! members:
//!
//! ```text
//!                        ┌─ request::Parts   method, uri ◀─▶ :method :scheme :authority :path
//!   Headers ◀──────────▶ ├─ response::Parts  status      ◀─▶ :status
//!                        └─ HeaderMap        headers     ◀─▶ all other fields
//! ```
//!
//! ```
//! use h2_sync::Headers;
//! use http::{request, Request};
//!
//! let request = Request::get("http://example.com/a?b").header("accept", "*/*").body(())?;
//! let (parts, ()) = request.into_parts();
//! let headers = Headers::from(&parts);
//! assert_eq!(headers.authority(), Some("example.com"));
//! assert_eq!(headers.path(), Some("/a?b"));
//!
//! let back = request::Parts::try_from(&headers)?;
//! assert_eq!(back.uri, parts.uri);
//! assert_eq!(back.headers, parts.headers);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Converting to `Headers` cannot fail. Connection-specific fields of HTTP/1.1 are dropped, so that
//! an HTTP/1.1 message can be forwarded; other violations of HTTP/2 are reported when the message
//! is sent. Converting from `Headers` fails with a [`ConvertError`] if `http` does not accept a
//! field. Sensitive values stay sensitive in both directions.
//!
//! Each conversion documents how it handles the differences.

mod error;
mod fields;
mod lists;
mod plain;
mod request;
mod response;

pub use error::ConvertError;
pub(crate) use fields::{fits_in_a_map, push_fields};
pub(crate) use lists::lists;
pub(crate) use plain::{is_plain_authority, is_plain_path};
pub use request::Protocol;

#[cfg(test)]
mod tests;
