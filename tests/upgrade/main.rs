//! HTTP/2 without TLS: detection of the protocol, the upgrade from HTTP/1.1 on both sides, and
//! requests that must be refused.

mod accept;
mod client;
mod detect;
mod ignored;
mod malformed;
mod sessions;
mod support;
