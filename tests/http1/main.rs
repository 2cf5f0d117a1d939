//! The codec of HTTP/1.1 by its public API. See `README.md` beside this file.

mod bad_requests;
mod bad_responses;
mod client;
mod client_requests;
mod good_requests;
mod good_responses;
mod limits;
// Shared with the fuzz targets, where it is public.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/messages.rs"]
mod messages;
mod pieces;
mod readme;
mod round_trips;
mod server;
mod server_responses;
#[path = "../support/table.rs"]
mod table;
