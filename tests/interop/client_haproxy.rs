//! Our `client::Client` against HAProxy, with our own server behind it.

use std::fs;
use std::io;
use std::process::Command;
use std::thread;

use h2_sync::client::{Body, Client};
use h2_sync::server::{Handle, Request, Response};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::client_support::{Octets, Served, config};
use crate::files::Folder;
use crate::peer;

/// Four streams at once on each connection. `/hello` and the redirects are HAProxy's own.
const CONFIG: &str = "
global
    tune.h2.max-concurrent-streams 4
defaults
    mode http
    timeout client 300s
    timeout server 300s
    timeout connect 10s
frontend near
    bind 127.0.0.1:PORT TLS
    http-request return status 200 content-type text/plain string hello if { path /hello }
    http-request redirect code 301 location /hello if { path /to/301 }
    http-request redirect code 302 location /hello if { path /to/302 }
    http-request redirect code 307 location /hello if { path /to/307 }
    http-request redirect code 308 location /hello if { path /to/308 }
    http-request deny deny_status 503 if { path /broken }
    default_backend far
backend far
    server own BEHIND proto h2
";

const THREADS: usize = 8;

/// Less than the windows of both ends. HAProxy stops reading a connection while the other one is
/// blocked, so it misses WINDOW_UPDATE behind DATA, and both directions can deadlock.
const ECHOED: usize = 512 << 10;

/// HAProxy, and the server behind it.
struct Haproxy {
    program: std::path::PathBuf,
    folder: Folder,
    server: Option<peer::Server>,
    _behind: Handle,
}

impl Haproxy {
    fn start(name: &str, tls: &str) -> Option<Self> {
        let program = peer::find("haproxy")?;
        let behind = h2_sync::server::Server::bind("127.0.0.1:0").unwrap().serve(echo).unwrap();
        let address = behind.local_addr().unwrap().to_string();
        let folder = Folder::new(name);
        let mut haproxy = Haproxy { program, folder, server: None, _behind: behind };
        haproxy.server = Some(peer::Server::start(|port| {
            let config = CONFIG.replace("PORT", &port.to_string()).replace("BEHIND", &address);
            fs::write(haproxy.folder.join("haproxy.cfg"), config.replace("TLS", tls)).unwrap();
            haproxy.command()
        }));
        Some(haproxy)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-db").arg("-q").arg("-f").arg(self.folder.join("haproxy.cfg"));
        command
    }
}

/// Echoes the body, with trailers.
fn echo(request: &mut Request, response: &mut Response) -> io::Result<()> {
    io::copy(request, response)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("outcome", HeaderValue::from_static("fine"));
    response.set_trailers(trailers);
    Ok(())
}

#[track_caller]
fn assert_serves(haproxy: &Served) {
    haproxy.assert_echoes("/echo", ECHOED);
    haproxy.assert_redirects(&[301, 302, 307, 308]);
    let body = Body::from_reader(Octets { at: 0, end: 100 });
    let mut echoed = haproxy.client.post(haproxy.url("/")).body(body).send().unwrap();
    assert_eq!(echoed.trailers().unwrap().expect("they come back")["outcome"], "fine");
    let broken = haproxy.client.get(haproxy.url("/broken")).send().unwrap();
    assert_eq!(broken.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop((echoed, broken));
    haproxy.assert_keeps_its_connection("/hello");
}

#[test]
fn haproxy_passes_bodies_and_trailers_on_and_redirects() {
    let Some(mut haproxy) = Haproxy::start("client-haproxy", "proto h2") else { return };
    assert_serves(&Served::clear(haproxy.server.take().unwrap(), None));
}

#[test]
fn haproxy_passes_bodies_and_trailers_on_and_redirects_over_tls() {
    let (keys, identity) = (Folder::new("client-haproxy-keys"), crate::tls::Identity::new());
    let (certificate, key) = identity.write_to(&keys);
    let pem = keys.join("both.pem");
    fs::write(&pem, fs::read_to_string(certificate).unwrap() + &fs::read_to_string(key).unwrap())
        .unwrap();
    let tls = format!("ssl crt {} alpn h2", pem.display());
    let Some(mut haproxy) = Haproxy::start("client-haproxy-tls", &tls) else { return };
    assert_serves(&Served::secure(haproxy.server.take().unwrap(), keys, &identity));
}

#[test]
fn requests_over_the_streams_of_haproxy_wait_for_their_turn() {
    let Some(haproxy) = Haproxy::start("client-haproxy-line", "proto h2") else { return };
    let url = format!("http://{}/", haproxy.server.as_ref().unwrap().address);
    let mut config = config();
    config.max_connections_per_origin = 2;
    let client = Client::with_config(config).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 * THREADS {
            scope.spawn(|| {
                for _ in 0..10 {
                    let body = Body::from_reader(Octets { at: 0, end: 10_000 });
                    let response = client.post(&*url).body(body).send().unwrap();
                    assert_eq!(response.bytes().unwrap().len(), 10_000);
                }
            });
        }
    });
    assert!(client.connections().len() <= 2);
}

#[test]
fn no_request_fails_while_one_haproxy_takes_over_from_another() {
    let Some(mut haproxy) = Haproxy::start("client-haproxy-reload", "proto h2") else { return };
    let mut server = haproxy.server.take().unwrap();
    let url = format!("http://{}/", server.address);
    let mut config = config();
    // The system resets connections that the old process has not accepted when it stops to listen.
    config.retry_idempotent = true;
    let client = Client::with_config(config).unwrap();
    crate::client_reload::under_load(
        |_, number| {
            let body = match number % 3 {
                0 => Body::empty(),
                1 => Body::from(crate::body::piece(0, 10_000)),
                _ => Body::from_reader(Octets { at: 0, end: 10_000 }),
            };
            let response = client.put(&*url).body(body).send().unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            response.bytes().unwrap();
        },
        |wait_for| {
            wait_for(100);
            for _ in 0..3 {
                // The old process is told to finish its requests.
                let before = server.id().to_string();
                server.replace(haproxy.command().arg("-sf").arg(before));
                wait_for(100);
            }
        },
    );
}
