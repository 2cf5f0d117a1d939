//! The life of server processes: listening sockets that come from a service manager, and those that
//! are handed over to a successor while clients send requests.
//!
//! The other process is this program again, which runs the test [`process::serves`] alone.
#![cfg(all(test, unix))]

mod activation;
mod handover;
mod load;
mod process;
