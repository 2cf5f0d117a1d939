//! Proxies between our client and our server.

use std::path::Path;
use std::process::Command;

use h2_sync_grpc::client::Channel;
use h2_sync_grpc_interop::{Running, serve};

use crate::battery::{self, Way};
use crate::files::Folder;
use crate::peer;

const NGINX: &str = "
worker_processes 1;
daemon off;
pid FOLDER/pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:PORT http2;
        location / {
            grpc_pass grpc://BEHIND;
            grpc_read_timeout 300s;
            grpc_send_timeout 300s;
        }
    }
}
";

const HAPROXY: &str = "
defaults
    mode http
    timeout client 300s
    timeout server 300s
    timeout connect 10s
frontend near
    bind 127.0.0.1:PORT proto h2
    default_backend far
backend far
    server own BEHIND proto h2
";

/// Makes calls through a proxy with this configuration.
fn through(name: &str, config: &str, command: impl Fn(&Path, &Path) -> Command) {
    let server = serve();
    let folder = Folder::new(name);
    let proxy = peer::Server::start(|port| {
        let config = filled(config, &folder, port, &server);
        command(&folder.write("config", &config), folder.path())
    });
    let channel = Channel::new(&format!("http://{}", proxy.address)).unwrap();
    battery::run(&channel, Way { is_proxied: true });
}

fn filled(config: &str, folder: &Folder, port: u16, server: &Running) -> String {
    let folder = folder.path().display().to_string();
    let config = config.replace("FOLDER", &folder).replace("PORT", &port.to_string());
    config.replace("BEHIND", &server.address())
}

#[test]
fn calls_pass_nginx() {
    let Some(program) = peer::find("nginx") else { return };
    through("nginx", NGINX, |config, folder| {
        let mut command = Command::new(&program);
        command.arg("-c").arg(config).arg("-p").arg(folder).args(["-e", "stderr"]);
        command
    });
}

#[test]
fn calls_pass_haproxy() {
    let Some(program) = peer::find("haproxy") else { return };
    through("haproxy", HAPROXY, |config, _| {
        let mut command = Command::new(&program);
        command.arg("-f").arg(config);
        command
    });
}

#[test]
fn calls_pass_nghttpx() {
    let Some(program) = peer::find("nghttpx") else { return };
    let server = serve();
    let behind = server.address().replace(':', ",");
    let proxy = peer::Server::start(|port| {
        let mut command = Command::new(&program);
        command.args(["--conf=/dev/null", "--workers=1", "--log-level=ERROR"]);
        command.arg(format!("--frontend=127.0.0.1,{port};no-tls"));
        command.arg(format!("--backend={behind};;proto=h2"));
        command
    });
    let channel = Channel::new(&format!("http://{}", proxy.address)).unwrap();
    battery::run(&channel, Way { is_proxied: true });
}
