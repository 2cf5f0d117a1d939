//! Our `client::Client` against h2o.

use std::fs;
use std::process::Command;

use crate::body;
use crate::client_support::{OCTETS, Served};
use crate::files::Folder;
use crate::peer;

const CONFIG: &str = "
num-threads: 1
listen:
  host: 127.0.0.1
  port: PORT
TLS
hosts:
  default:
    paths:
      /:
        file.dir: FILES
      /gzip:
        file.dir: FILES
        compress: [gzip]
      /to/301:
        redirect: {status: 301, internal: NO, url: /hello}
      /to/302:
        redirect: {status: 302, internal: NO, url: /hello}
      /to/307:
        redirect: {status: 307, internal: NO, url: /hello}
      /to/308:
        redirect: {status: 308, internal: NO, url: /hello}
      /echo:
        mruby.handler: |
          Proc.new do |env|
            [200, {}, [env['rack.input'].read]]
          end
";

fn start(folder: &Folder, tls: &str) -> Option<peer::Server> {
    let program = peer::find("h2o")?;
    fs::create_dir(folder.join("files")).unwrap();
    Some(peer::Server::start(|port| {
        let files = folder.join("files").display().to_string();
        let config = CONFIG.replace("PORT", &port.to_string()).replace("FILES", &files);
        fs::write(folder.join("h2o.conf"), config.replace("TLS", tls)).unwrap();
        let mut command = Command::new(&program);
        command.arg("-c").arg(folder.join("h2o.conf"));
        command
    }))
}

#[track_caller]
fn assert_serves(h2o: &Served) {
    body::write_file(&h2o.file("files/large"), OCTETS).unwrap();
    // By its name it may be compressed.
    body::write_file(&h2o.file("files/large.txt"), OCTETS).unwrap();
    fs::write(h2o.file("files/hello"), "hello").unwrap();
    h2o.assert_gets("/large", OCTETS);
    h2o.assert_gets("/gzip/large.txt", OCTETS);
    h2o.assert_echoes("/echo", OCTETS);
    h2o.assert_redirects(&[301, 302, 307, 308]);
    h2o.assert_keeps_its_connection("/hello");
}

#[test]
fn h2o_gives_files_echoes_and_redirects() {
    let folder = Folder::new("client-h2o");
    let Some(server) = start(&folder, "") else { return };
    assert_serves(&Served::clear(server, Some(folder)));
}

#[test]
fn h2o_gives_files_echoes_and_redirects_over_tls() {
    let (folder, identity) = (Folder::new("client-h2o-tls"), crate::tls::Identity::new());
    let (certificate, key) = identity.write_to(&folder);
    let (certificate, key) = (certificate.display(), key.display());
    let tls = format!("  ssl:\n    certificate-file: {certificate}\n    key-file: {key}");
    let Some(server) = start(&folder, &tls) else { return };
    assert_serves(&Served::secure(server, folder, &identity));
}
