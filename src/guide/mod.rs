//! A guide to the crate, in pages that can be read in any order.
//!
//! | page | content |
//! | --- | --- |
//! | [`first_steps`] | a server and a client: routes, state, forms, status, headers |
//! | [`bodies`] | streaming in both directions, trailers, back-pressure |
//! | [`errors`] | what an error tells, and which requests are sent again |
//! | [`limits`] | timeouts, cancelling, and bounds on memory and threads |
//! | [`tls`] | certificates, private authorities, client certificates |
//! | [`proxies`] | forward proxies, resolvers, Unix sockets, load balancers in front of a server |
//! | [`production`] | readiness and drain, listeners and processes, restarts, certificates, monitoring |
//! | [`websockets`] | messages in both directions |
//! | [`versions`] | HTTP/2 and HTTP/1.1: how the version is chosen, and what differs |
//! | [`sessions`] | a connection as two channels: actions in, events out |
//! | [`core`] | the protocol without I/O: event loops, simulations, tests |
//! | [`course`] | *HTTP/2 by doing*: each idea of RFC 9113 as a program, with its frames |
//! | [`cookbook`] | recipes: JSON, login, uploads with progress, ranges and resume, events, DNS over HTTPS, … |
//!
//! Every program here is compiled as a test, and run unless it needs an external server. Most of them have a
//! server and a client in one process, so that you can paste one into `main.rs` and change it.

#[doc = include_str!("first_steps.md")]
pub mod first_steps {}
#[doc = include_str!("bodies.md")]
pub mod bodies {}
#[doc = include_str!("errors.md")]
pub mod errors {}
#[doc = include_str!("limits.md")]
pub mod limits {}
#[cfg(feature = "tls")]
#[doc = include_str!("tls.md")]
pub mod tls {}
#[doc = include_str!("proxies.md")]
pub mod proxies {}
#[doc = include_str!("production.md")]
pub mod production {}
#[cfg(feature = "websocket")]
#[doc = include_str!("websockets.md")]
pub mod websockets {}
#[doc = include_str!("versions.md")]
pub mod versions {}
#[doc = include_str!("sessions.md")]
pub mod sessions {}
#[doc = include_str!("core.md")]
pub mod core {}
#[doc = include_str!("course.md")]
pub mod course {}
#[doc = include_str!("cookbook.md")]
pub mod cookbook {}
