//! Tests against other implementations: curl, nghttp2's programs, httpx, nginx and hyper.
//!
//! A peer that is not installed is skipped, unless the environment variable `H2_SYNC_INTEROP` is
//! `require`: then its absence fails the test. `.ci/run` installs them all.
//!
//! Everything runs on loopback, on ports that the system chooses.

mod body;
mod client;
mod curl;
mod files;
mod httpx;
mod hyper;
mod nghttp2;
mod nginx;
mod peer;
mod server;
mod streams;
