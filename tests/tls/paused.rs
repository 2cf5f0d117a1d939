//! Connections over TLS that a server leaves without a thread between requests.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::time::Duration;

use h2_sync::client::{self, Client};
use h2_sync::server::{Config, Request, Response, Server};

use crate::support::{Identity, LONG, bounded};
use crate::waits::eventually;

/// More than one record, and more than one read of the server.
const BODY: usize = 100_000;

#[test]
fn connection_without_a_thread_is_served_after_each_pause() {
    bounded(|| {
        let identity = Identity::of("localhost");
        let mut config = Config::default();
        config.idle_thread_timeout = Duration::ZERO;
        let echo = |request: &mut Request, response: &mut Response| -> Result<(), h2_sync::Error> {
            while let Some(piece) = request.next_chunk()? {
                response.send(piece)?;
            }
            Ok(())
        };
        let server = Server::bind("127.0.0.1:0").unwrap().tls(identity.acceptor());
        let server = server.config(config).serve(echo).unwrap();
        let url = format!("https://localhost:{}/", server.local_addr().unwrap().port());
        let mut config = client::Config::default();
        config.tls = Some(identity.connector());
        let client = Client::with_config(config).unwrap();
        for round in 0..4 {
            // Two requests without a pause, then one that takes the server's thread away.
            for _ in 0..2 {
                let body = vec![b'0' + round; BODY];
                let answer = client.post(&url).timeout(LONG).body(body.clone()).send().unwrap();
                assert!(answer.bytes().unwrap() == body);
            }
            eventually(|| server.stats().threads == 1);
        }
        assert_eq!(server.stats().connections, 1);
    });
}
