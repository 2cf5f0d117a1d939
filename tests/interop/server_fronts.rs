//! nginx and HAProxy in front of our server: they and our handler agree on the boundaries of
//! requests, for all inputs of the table in `../support/smuggling.rs`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::server::{Handle, Server};

use crate::files::Folder;
use crate::peer;
use crate::smuggling::{BODIES, HEADS, HONEST, SMUGGLED};

const NGINX: &str = r#"
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events {}
http {
    log_format answered "$upstream_status $uri";
    access_log front.log answered;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_timeout 1s;
    client_header_timeout 2s;
    client_body_timeout 2s;
    upstream behind { server BEHIND; keepalive 4; }
    server {
        listen 127.0.0.1:PORT;
        location / {
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header connection "";
            proxy_request_buffering off;
            proxy_ignore_client_abort on;
        }
    }
}
"#;

const HAPROXY: &str = "
global
    log stdout format raw local0 info
defaults
    mode http
    log global
    option dontlognull
    log-format \"%[status] %HPO %s\"
    timeout client 2s
    timeout server 20s
    timeout connect 10s
    timeout http-keep-alive 1s
    http-reuse always
frontend near
    bind 127.0.0.1:PORT
    default_backend far
backend far
    server own BEHIND
";

/// Paths of requests that a handler has read to the end.
type Seen = Arc<Mutex<Vec<String>>>;

fn behind() -> (Handle, Seen) {
    let seen = Seen::default();
    let theirs = Arc::clone(&seen);
    let server = Server::bind("127.0.0.1:0").unwrap();
    let server = server.serve(move |request, response| {
        let mut body = Vec::new();
        request.read_to_end(&mut body)?;
        theirs.lock().unwrap().push(request.path().to_owned());
        response.write_all(&body)
    });
    (server.unwrap(), seen)
}

/// Sends octets, and reads until the front closes.
fn send(address: SocketAddr, octets: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // The front may have closed already.
    let _ = stream.write_all(octets.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// The paths of the requests with a 200 in the log of the front.
fn answered(log: &Path, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("200 ") && is_ours(line));
    let mut paths: Vec<_> = lines.map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    paths.sort();
    paths
}

fn check(front: SocketAddr, log: &Path, seen: &Seen, is_ours: impl Fn(&str) -> bool) {
    let cases: Vec<_> = HEADS.iter().chain(BODIES).collect();
    let threads = cases.chunks(8).map(|cases| {
        let cases = cases.to_vec();
        thread::spawn(move || {
            for (_, octets, _) in cases {
                send(front, &format!("{HONEST}{octets}{SMUGGLED}"));
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // The log may be written late.
    let begin = Instant::now();
    loop {
        let mut handled = seen.lock().unwrap().clone();
        handled.sort();
        let counted = answered(log, &is_ours);
        if handled == counted || begin.elapsed() > Duration::from_secs(60) {
            assert_eq!(handled, counted, "what the handler saw, and what the front counted");
            let honest = handled.iter().filter(|path| *path == "/honest").count();
            assert_eq!(honest, HEADS.len() + BODIES.len());
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn start(
    folder: &Folder,
    config: &str,
    server: &Handle,
    command: impl Fn(&Path) -> Command,
) -> peer::Server {
    let behind = server.local_addr().unwrap().to_string();
    peer::Server::start(|port| {
        let config = config.replace("PORT", &port.to_string()).replace("BEHIND", &behind);
        fs::write(folder.join("front.conf"), config).unwrap();
        command(folder.path())
    })
}

#[test]
fn nginx_counts_the_requests_that_the_handler_sees() {
    let Some(program) = peer::find("nginx") else { return };
    let (server, seen) = behind();
    let folder = Folder::new("front-nginx");
    let front = start(&folder, NGINX, &server, |folder| {
        let mut command = Command::new(&program);
        command.arg("-p").arg(folder).args(["-c", "front.conf", "-e", "stderr"]);
        command
    });
    check(front.address, &folder.join("front.log"), &seen, |_| true);
}

#[test]
fn haproxy_counts_the_requests_that_the_handler_sees() {
    let Some(program) = peer::find("haproxy") else { return };
    let (server, seen) = behind();
    let folder = Folder::new("front-haproxy");
    let front = start(&folder, HAPROXY, &server, |folder| {
        let mut command = Command::new("sh");
        let line = "exec \"$0\" -f front.conf > front.log";
        command.args(["-c", line]).arg(&program).current_dir(folder);
        command
    });
    check(front.address, &folder.join("front.log"), &seen, |line| line.ends_with(" own"));
}
