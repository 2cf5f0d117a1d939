//! HTTP/2 without TLS: who speaks what, the upgrade from HTTP/1.1 at both ends, and everything that
//! is not to be let through.

mod accept;
mod client;
mod detect;
mod ignored;
mod malformed;
mod sessions;
mod support;
