//! The protocol, without sockets or sleeps.

mod close;
mod compression;
mod examples;
mod fragments;
mod joined;
mod limits;
mod masks;
mod peer;
mod ping;
mod text;
