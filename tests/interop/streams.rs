//! A thousand streams on one connection, from eight threads that share its Session.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::client::Client;
use crate::files::Folder;
use crate::hyper::Echo;
use crate::nghttp2::nghttpd;
use crate::server::Server;

const STREAMS: usize = 1_000;

/// Posts a different body on each stream to an echo server.
#[track_caller]
fn assert_all_answered(address: SocketAddr, path: &str) {
    let client = Client::connect(address);
    let bodies: Vec<Bytes> = (0..STREAMS).map(|nth| format!("body {nth}").into()).collect();
    let answers = client.post_all(path, &bodies, 8);
    assert_eq!(answers.len(), STREAMS);
    for (answer, body) in answers.iter().zip(&bodies) {
        assert_eq!((answer.status, &answer.text[..]), (200, &body[..]));
    }
    client.finish();
}

#[test]
fn a_thousand_streams_are_answered_by_our_server() {
    let server = Server::start();
    assert_all_answered(server.address, "/echo");
    server.finish();
}

#[test]
fn a_thousand_streams_are_answered_by_hyper() {
    let server = Echo::start();
    assert_all_answered(server.address, "/");
    assert!(server.finish().is_ok());
}

#[test]
fn a_thousand_streams_are_answered_by_nghttpd() {
    let folder = Folder::new("nghttpd-streams");
    let Some(server) = nghttpd(&folder) else { return };
    assert_all_answered(server.address, "/");
}
