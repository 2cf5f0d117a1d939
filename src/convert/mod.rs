//! [`Headers`](crate::Headers) to and from the types of the [`http`] crate, which the ecosystem
//! speaks.
//!
//! A field section of HTTP/2 holds everything but the body: `:method`, `:path` and the like are
//! fields among the others. In the types of `http` these have places of their own:
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
//! Towards `Headers` nothing can fail. Fields that belong to one connection of HTTP/1.1 are left
//! out, so that a message of HTTP/1.1 can be passed on; whatever else HTTP/2 does not allow is told
//! when it is to be sent. From `Headers` a field may turn out not to be one that `http` takes, which
//! gives a [`ConvertError`]. The mark of a sensitive value goes along both ways.
//!
//! Each conversion says how it treats what the two sides see differently.

mod error;
mod fields;
mod request;
mod response;

pub use error::ConvertError;
pub(crate) use fields::push_fields;
pub use request::Protocol;

#[cfg(test)]
mod tests;
