//! A program of another implementation, as a client of our server and as a server for our client.

use std::process::Command;

use h2_sync::tls::{Acceptor, Connector};
use h2_sync_grpc::client::Channel;
use h2_sync_grpc_interop::{serve_tls, serve_with};

use crate::battery::{self, Way, with_all};
use crate::files::{Folder, Identity};
use crate::peer;

/// Runs a client with the address of our server.
pub(crate) fn client_succeeds(mut client: Command) {
    let server = serve_with(Default::default(), with_all);
    let output = peer::run(client.arg(server.address()));
    assert!(output.success, "{}", output.text);
}

/// Runs a client over TLS. It gets the address, with this name of the host, and the certificate.
pub(crate) fn client_succeeds_over_tls(mut client: Command, folder: &str, host: &str) {
    let (folder, identity) = (Folder::new(folder), Identity::new());
    let Identity { certificate, key } = &identity;
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let server = serve_tls(acceptor, with_all);
    let file = folder.write("certificate.pem", certificate);
    let address = server.address().replace("127.0.0.1", host);
    let output = peer::run(client.arg(address).arg(file));
    assert!(output.success, "{}", output.text);
}

/// Starts a server with the port to listen on, without and with compression, and calls it.
pub(crate) fn server_answers(server: impl Fn() -> Command) {
    for gzip in [false, true] {
        let server = peer::Server::start(|port| {
            let mut command = server();
            command.arg(port.to_string()).args(gzip.then_some("gzip"));
            command
        });
        let channel = Channel::new(&format!("http://{}", server.address)).unwrap();
        battery::run(&channel, Way::default());
        if !gzip {
            battery::ten_thousand_calls(&channel);
        }
    }
}

/// Starts a server with the port, the certificate and the key, and calls it over TLS.
pub(crate) fn server_answers_over_tls(server: impl Fn() -> Command, folder: &str) {
    let (folder, identity) = (Folder::new(folder), Identity::new());
    let files = [
        folder.write("certificate.pem", &identity.certificate),
        folder.write("key.pem", &identity.key),
    ];
    let server = peer::Server::start(|port| {
        let mut command = server();
        command.arg(port.to_string()).args(&files);
        command
    });
    let trusted = Connector::with_only_roots(identity.certificate.as_bytes()).unwrap();
    let url = format!("https://localhost:{}", server.address.port());
    battery::run(&Channel::builder(&url).tls(trusted).build().unwrap(), Way::default());
}
