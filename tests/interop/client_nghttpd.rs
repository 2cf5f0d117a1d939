//! Our `client::Client` against nghttpd.

use std::process::Command;

use crate::body;
use crate::client_support::{OCTETS, Served};
use crate::files::Folder;
use crate::peer;

/// nghttpd, which sends trailers behind each response and answers POST with what came.
fn start(folder: &Folder, tls: impl Fn(&mut Command, u16)) -> Option<peer::Server> {
    let program = peer::find("nghttpd")?;
    Some(peer::Server::start(|port| {
        let mut command = Command::new(&program);
        command.args(["--address=127.0.0.1", "--echo-upload", "--trailer=outcome: fine"]);
        command.arg("--htdocs").arg(folder.path());
        tls(&mut command, port);
        command
    }))
}

#[track_caller]
fn assert_serves(nghttpd: &Served) {
    body::write_file(&nghttpd.file("large"), OCTETS).unwrap();
    body::write_file(&nghttpd.file("small"), 1).unwrap();
    nghttpd.assert_gets("/large", OCTETS);
    nghttpd.assert_echoes("/", OCTETS);
    let mut response = nghttpd.client.get(nghttpd.url("/large")).send().unwrap();
    assert_eq!(response.trailers().unwrap().expect("there are some")["outcome"], "fine");
    nghttpd.assert_keeps_its_connection("/small");
}

#[test]
fn nghttpd_gives_files_echoes_and_trailers() {
    let folder = Folder::new("client-nghttpd");
    let no_tls = |command: &mut Command, port: u16| {
        command.arg("--no-tls").arg(port.to_string());
    };
    let Some(server) = start(&folder, no_tls) else { return };
    assert_serves(&Served::clear(server, Some(folder)));
}

#[test]
fn nghttpd_gives_files_echoes_and_trailers_over_tls() {
    let (folder, identity) = (Folder::new("client-nghttpd-tls"), crate::tls::Identity::new());
    let (certificate, key) = identity.write_to(&folder);
    let tls = |command: &mut Command, port: u16| {
        command.arg(port.to_string()).arg(&key).arg(&certificate);
    };
    let Some(server) = start(&folder, tls) else { return };
    assert_serves(&Served::secure(server, folder, &identity));
}
