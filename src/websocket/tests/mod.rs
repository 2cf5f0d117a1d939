//! WebSockets over HTTP/1.1 and over HTTP/2, without their opening handshakes.

mod ending;
mod peer;
mod sending;
mod talk;
mod time;
