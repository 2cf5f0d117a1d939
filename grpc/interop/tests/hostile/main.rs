//! Peers that no honest program is, at our server and at our client: the status that a call ends with,
//! the memory that it takes, and the calls of others in the meantime.
//!
//! Tests that measure memory run alone, since the allocator counts for the whole process.

mod bombs;
mod clients;
mod clients_measured;
#[path = "../../../../tests/hostile/memory.rs"]
mod memory;
mod metadata_limits;
mod servers;
mod servers_measured;
#[path = "../../../../tests/support/mod.rs"]
mod support;
