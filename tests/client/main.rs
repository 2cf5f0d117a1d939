//! The client through its public API: against this crate's server over loopback and memory, and
//! against a peer that handles frames itself.

mod bodies;
mod building;
mod cancelling;
mod connection;
mod crowd;
mod early;
mod errors;
mod faults;
#[path = "../support/mod.rs"]
mod frames;
mod give_up;
#[cfg(feature = "gzip")]
mod gzip;
mod health;
mod http1;
mod http1_peer;
mod http1_pool;
mod http1_proxies;
#[cfg(feature = "json")]
mod json;
mod meanwhile;
mod peer;
mod pool;
mod proxies;
mod pushes;
mod reaching;
mod redirects;
mod requests;
mod retries;
#[cfg(feature = "tls")]
mod soak;
mod stats;
mod support;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
mod upgrades;
mod versions;
mod waiting;
