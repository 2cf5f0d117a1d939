//! gRPC with other implementations: Python's grpcio, grpc-go, and the proxies nginx, HAProxy and nghttpx.
//!
//! A peer that is not installed is skipped, unless the environment variable `H2_SYNC_INTEROP` is
//! `require`: then its absence fails the test. `.ci/run` installs them all.

mod battery;
mod both_roles;
mod files;
mod go;
#[path = "../../../../tests/interop/peer.rs"]
#[allow(dead_code)]
mod peer;
mod proxies;
mod python;
