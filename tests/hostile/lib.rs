//! Every published attack, run against a live server or client: the answer to it, its cost, and the
//! service for other peers in the meantime. See `README.md` beside this file.
//!
//! The attacker is a [`Peer`](support::Peer) that sends scripted frames. Each test runs in
//! [`bounded`](memory::bounded) or [`measured`](memory::measured). Tests that measure memory run
//! alone, since the allocator counts for the whole process.
#![cfg(test)]

mod bad_fields;
mod both_frames;
mod both_goaway;
mod both_windows;
mod client_fields;
mod client_floods;
mod client_gzip;
mod client_http1;
mod client_messages;
mod client_pushes;
mod client_settings;
mod client_slow;
mod client_stage;
mod client_uploads;
mod faults_of_system;
mod honest;
mod honest_flow;
mod honest_resets;
mod hpack_errors;
mod http1_slow;
mod http1_smuggling;
mod memory;
mod messages;
mod messages_sent;
mod messages_to_client;
mod neighbour;
mod permits;
mod readme;
mod server_blocks;
mod server_cancels;
mod server_floods;
mod server_mixed;
mod server_readers;
mod server_resets;
mod server_upgrades;
mod slow;
mod slow_crowds;
mod split_input;
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod unread;
#[cfg(target_os = "linux")]
mod unsent;
mod used_up;
mod victim;
