//! Tests against other implementations: curl, nghttp2's programs, httpx, nginx, h2o, hyper, Node.js,
//! OpenSSL and Chromium.
//!
//! A peer that is not installed is skipped, unless the environment variable `H2_SYNC_INTEROP` is
//! `require`: then its absence fails the test. `.ci/run` installs them all.
//!
//! Everything runs on loopback, on ports that the system chooses.

mod body;
#[cfg(feature = "tls")]
mod chromium;
mod client;
mod curl;
mod files;
mod httpx;
mod hyper;
mod nghttp2;
mod nginx;
mod node;
#[cfg(feature = "tls")]
mod openssl;
mod peer;
#[cfg(feature = "tls")]
mod piped;
mod server;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
