//! Tests against other implementations: curl, nghttp2's programs, httpx and hypercorn, nginx, h2o,
//! hyper, Node.js, OpenSSL, Chromium and tinyproxy; of HTTP/1.x also Python's http.client, ab and wrk; of
//! WebSocket Autobahn|Testsuite, Node's ws and Python's websockets.
//!
//! A peer that is not installed is skipped, unless the environment variable `H2_SYNC_INTEROP` is
//! `require`: then its absence fails the test. `.ci/run` installs them all.
//!
//! Everything runs on loopback, on ports that the system chooses.
#![cfg(test)]

mod body;
mod chromium;
mod chromium_leaves;
mod client;
mod client_h2o;
mod client_haproxy;
mod client_http1;
mod client_hyper;
mod client_hypercorn;
mod client_nghttpd;
mod client_nginx;
mod client_node;
mod client_node_refuses;
mod client_proxy;
mod client_reload;
mod client_support;
mod curl;
// It is public in tests/deploy, which shares the file.
#[allow(unreachable_pub)]
mod deployed;
mod devtools;
mod doh_example;
mod files;
mod httpx;
mod hyper;
mod inspect_example;
#[allow(dead_code)] // A part of the example `inspect`.
#[path = "../../examples/inspect/hub.rs"]
mod inspect_hub;
#[allow(dead_code)] // A part of the example `inspect`.
#[path = "../../examples/inspect/windows.rs"]
mod inspect_windows;
mod nghttp2;
mod nginx;
mod no_content;
mod node;
mod openssl;
mod peer;
mod piped;
mod proxy_example;
mod server;
mod server_curl;
mod server_ending;
mod server_examples;
mod server_files;
mod server_fronts;
mod server_http1;
mod server_nghttp2;
#[path = "../support/smuggling.rs"]
mod smuggling;
mod streams;
mod tls;
mod upgrade;
mod websocket;
mod websocket_autobahn;
mod websocket_chat;
mod websocket_chromium;
mod websocket_fronts;
mod websocket_peers;
