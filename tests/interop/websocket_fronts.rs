//! nginx and HAProxy between our client and our server: WebSockets over HTTP/1.1, over HTTP/2, and
//! translated between the two.

use h2_sync::client::Versions;

use crate::files::Folder;
use crate::nginx;
use crate::peer::Server;
use crate::websocket::{assert_echoes, client, connect, echo, haproxy};

/// Exchanges messages through a front, with compression.
#[track_caller]
fn assert_passes(front: &Server, versions: Versions) {
    let websocket = connect(&client(versions), front.address, "/");
    let handshake = websocket.handshake();
    assert!(handshake.deflate().is_some());
    assert_eq!(handshake.protocol(), Some("second"));
    assert_echoes(websocket);
}

#[test]
fn messages_pass_through_nginx() {
    let server = echo();
    let folder = Folder::new("websocket-nginx");
    let behind = server.local_addr().unwrap().to_string();
    let Some(front) = nginx::deployed(&folder, &behind) else { return };
    assert_passes(&front, Versions::Http1);
}

#[test]
fn messages_pass_through_haproxy_in_every_pair_of_versions() {
    let server = echo();
    let behind = server.local_addr().unwrap().to_string();
    for (near, versions) in [("", Versions::Http1), ("proto h2", Versions::Http2)] {
        for far in ["", "proto h2"] {
            let folder = Folder::new("websocket-haproxy");
            let Some(front) = haproxy(&folder, near, &behind, far) else { return };
            assert_passes(&front, versions);
        }
    }
}
