//! OpenSSL's `s_client` against our server.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::BytesMut;
use h2_sync::frame::{DEFAULT_MAX_FRAME_SIZE, Frame, PREFACE, Ping, Settings};

use crate::files::Folder;
use crate::peer;
use crate::piped::Piped;
use crate::server::Server;
use crate::tls::Identity;

/// OpenSSL's client, which trusts the certificate in this file.
fn s_client(program: &Path, address: SocketAddr, certificate: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["s_client", "-alpn", "h2", "-verify_return_error"]);
    command.args(["-connect", &address.to_string(), "-CAfile"]).arg(certificate);
    command
}

#[test]
fn openssl_agrees_on_http_2_in_both_versions_of_tls() {
    let Some(openssl) = peer::find("openssl") else { return };
    let (folder, identity) = (Folder::new("openssl-versions"), Identity::new());
    let (certificate, _) = identity.write_to(&folder);
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let server = Server::start_tls(&identity);
        let output = peer::run(s_client(&openssl, server.address, &certificate).arg(version));
        assert!(output.success, "{}", output.text);
        assert!(output.text.contains("ALPN protocol: h2"), "{}", output.text);
        assert!(output.text.contains(&format!("New, {name}, Cipher is ")), "{}", output.text);
        assert!(output.text.contains("Verify return code: 0 (ok)"), "{}", output.text);
        server.finish();
    }
}

#[test]
fn openssl_carries_an_exchange_of_prefaces() {
    let Some(openssl) = peer::find("openssl") else { return };
    let (folder, identity) = (Folder::new("openssl-prefaces"), Identity::new());
    let (certificate, _) = identity.write_to(&folder);
    let server = Server::start_tls(&identity);
    let mut command = s_client(&openssl, server.address, &certificate);
    // With the end of its input, it ends the connection.
    command.args(["-quiet", "-no_ign_eof"]).stderr(Stdio::null());
    let mut process = Piped::start(&mut command);

    let payload = *b"are you?";
    let mut octets = PREFACE.to_vec();
    Settings::default().encode(&mut octets);
    Ping { ack: false, payload }.encode(&mut octets);
    process.stdin.write_all(&octets).unwrap();

    let mut input = BytesMut::new();
    let mut frames = Vec::new();
    while !matches!(frames.last(), Some(Frame::Ping(_))) {
        let mut octets = [0; 4096];
        let len = process.stdout.read(&mut octets).unwrap();
        assert_ne!(len, 0, "the end comes after {frames:?}");
        input.extend_from_slice(&octets[..len]);
        while let Some(frame) = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap() {
            frames.push(frame);
        }
    }
    assert!(matches!(&frames[0], Frame::Settings(settings) if !settings.ack), "{frames:?}");
    assert!(
        frames.iter().any(|frame| matches!(frame, Frame::Settings(Settings { ack: true, .. })))
    );
    assert!(
        matches!(frames.last(), Some(Frame::Ping(ping)) if ping.ack && ping.payload == payload)
    );
    process.finish();
    server.finish();
}
