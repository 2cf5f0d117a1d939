//! Our client against nginx.

use std::fs;
use std::process::Command;

use crate::body::{self, LARGE};
use crate::client::Client;
use crate::deployed::filled;
use crate::files::Folder;
use crate::peer;

/// One process in the foreground, which ends when it is killed, with all files below its prefix.
const FRAME: &str = "
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
HTTP
}
";

const CONFIG: &str = "
client_max_body_size 0;
server {
    listen 127.0.0.1:PORT LISTEN;
    root files;
    location / {
        dav_methods PUT;
    }
}
";

/// nginx with the folder as its prefix, and the files of its folder `files`.
pub(crate) fn nginx(folder: &Folder) -> Option<peer::Server> {
    start(folder, "http2")
}

/// The same over TLS, with `cert.pem` and `key.pem` from the folder.
pub(crate) fn nginx_tls(folder: &Folder) -> Option<peer::Server> {
    start(folder, "ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem")
}

fn start(folder: &Folder, listen: &str) -> Option<peer::Server> {
    fs::create_dir(folder.join("files")).unwrap();
    start_with(folder, &CONFIG.replace("LISTEN", listen))
}

/// nginx with the folder as its prefix, and these directives in its `http` block, where `PORT` is
/// the port that it is to listen on.
pub(crate) fn start_with(folder: &Folder, http: &str) -> Option<peer::Server> {
    run(folder, &FRAME.replace("HTTP", http), &[])
}

/// nginx with the configuration of `deploy/`, in front of one server. It forwards WebSockets in
/// HTTP/1.1 alone.
pub(crate) fn deployed(folder: &Folder, behind: &str) -> Option<peer::Server> {
    // In place of the port for gRPC, which is not used.
    let grpc = format!("unix:{}", folder.join("grpc.socket").display());
    let config = filled(
        "nginx.conf",
        &[
            ("127.0.0.1:8000", "127.0.0.1:PORT"),
            ("127.0.0.1:8001", &grpc),
            ("127.0.0.1:9001", behind),
            ("server 127.0.0.1:9002", "# server"),
        ],
    );
    run(folder, &config, &["-g", "daemon off; master_process off;"])
}

/// nginx with the folder as its prefix, and this configuration with a port in place of `PORT`.
fn run(folder: &Folder, config: &str, args: &[&str]) -> Option<peer::Server> {
    let program = peer::find("nginx")?;
    Some(peer::Server::start(|port| {
        let config = config.replace("PORT", &port.to_string());
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut command = Command::new(&program);
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]).args(args);
        command
    }))
}

#[test]
fn files_come_from_nginx() {
    let folder = Folder::new("nginx-files");
    let Some(server) = nginx(&folder) else { return };
    body::write_file(&folder.join("files/large"), LARGE).unwrap();
    body::write_file(&folder.join("files/small"), 1).unwrap();
    let client = Client::connect(server.address);
    for (file, octets) in [("/large", LARGE), ("/small", 1)] {
        let answer = client.get(file);
        assert_eq!((answer.status, answer.check.result(octets)), (200, Ok(())), "{file}");
    }
    assert_eq!(client.get("/nothing").status, 404);
    client.finish();
}

#[test]
fn nginx_stores_an_upload() {
    let folder = Folder::new("nginx-upload");
    let Some(server) = nginx(&folder) else { return };
    let client = Client::connect(server.address);
    assert_eq!(client.upload("PUT", "/stored", LARGE).status, 201);
    assert_eq!(body::check_file(&folder.join("files/stored"), LARGE), Ok(()));
    client.finish();
}

#[test]
fn files_and_uploads_pass_through_the_tls_of_nginx() {
    let (folder, identity) = (Folder::new("nginx-tls"), crate::tls::Identity::new());
    identity.write_to(&folder);
    let Some(server) = nginx_tls(&folder) else { return };
    body::write_file(&folder.join("files/large"), LARGE).unwrap();
    let client = Client::connect_tls(server.address, &identity);
    let answer = client.get("/large");
    assert_eq!((answer.status, answer.check.result(LARGE)), (200, Ok(())));
    assert_eq!(client.upload("PUT", "/stored", LARGE).status, 201);
    assert_eq!(body::check_file(&folder.join("files/stored"), LARGE), Ok(()));
    client.finish();
}
