//! Tests against other implementations: curl, nghttp2's programs, httpx and hypercorn, nginx, h2o,
//! hyper, Node.js, OpenSSL, Chromium and tinyproxy; of HTTP/1.x also Python's http.client, ab and wrk; of
//! WebSocket Autobahn|Testsuite, Node's ws and Python's websockets.
//!
//! A peer that is not installed is skipped, unless the environment variable `H2_SYNC_INTEROP` is
//! `require`: then its absence fails the test. `.ci/run` installs them all.
//!
//! Everything runs on loopback, on ports that the system chooses.

mod body;
#[cfg(feature = "tls")]
mod chromium;
#[cfg(feature = "tls")]
mod chromium_leaves;
mod client;
#[cfg(feature = "gzip")]
mod client_h2o;
mod client_haproxy;
#[cfg(all(feature = "gzip", feature = "tls"))]
mod client_http1;
mod client_hyper;
mod client_hypercorn;
mod client_nghttpd;
#[cfg(feature = "gzip")]
mod client_nginx;
mod client_node;
mod client_node_refuses;
#[cfg(feature = "tls")]
mod client_proxy;
mod client_reload;
mod client_support;
mod curl;
#[cfg(feature = "tls")]
mod devtools;
mod files;
mod httpx;
mod hyper;
mod nghttp2;
mod nginx;
mod no_content;
mod node;
#[cfg(feature = "tls")]
mod openssl;
mod peer;
#[cfg(feature = "tls")]
mod piped;
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
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
#[cfg(feature = "websocket")]
mod websocket;
#[cfg(feature = "websocket")]
mod websocket_autobahn;
#[cfg(feature = "websocket")]
mod websocket_chat;
#[cfg(all(feature = "websocket", feature = "tls"))]
mod websocket_chromium;
#[cfg(feature = "websocket")]
mod websocket_fronts;
#[cfg(feature = "websocket")]
mod websocket_peers;
