//! Our `client::Client` against an nginx that is told to reload and to start anew while requests are
//! under way: no request may fail.

use std::fs::{self, File};
use std::io::Read;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use h2_sync::client::{Body, Client};

use crate::body;
use crate::client_support::{config, Octets};
use crate::files::Folder;
use crate::peer;

const THREADS: usize = 8;

/// The size of an uploaded body, octets.
const LEN: usize = 20_000;

/// Connections end after ten requests, so that many requests cross a GOAWAY.
const CONFIG: &str = "
daemon off;
user root;
worker_processes 1;
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
    keepalive_requests 10;
    server {
        listen 127.0.0.1:PORT http2 reuseport;
        root files;
        location / { dav_methods PUT; }
    }
}
";

/// nginx with its workers, which are told to end with it.
struct Nginx {
    folder: Folder,
    program: std::path::PathBuf,
    server: Option<peer::Server>,
}

impl Nginx {
    fn start() -> Option<Self> {
        let program = peer::find("nginx")?;
        let folder = Folder::new("client-reload");
        fs::create_dir(folder.join("files")).unwrap();
        let mut nginx = Nginx { folder, program, server: None };
        nginx.server = Some(peer::Server::start(|port| {
            let config = CONFIG.replace("PORT", &port.to_string());
            fs::write(nginx.folder.join("nginx.conf"), config).unwrap();
            nginx.command()
        }));
        Some(nginx)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-p").arg(self.folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        command
    }

    fn signal(&self, signal: &str) {
        assert!(self.command().args(["-s", signal]).status().unwrap().success(), "{signal}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.signal("stop");
    }
}

/// Puts a body of each kind in turns, and gets a file.
fn ask(client: &Client, url: &str, nginx: &Nginx, thread: usize, number: usize) {
    let name = format!("{url}/{thread}-{}", number % 4);
    let known = LEN as u64;
    let body = match number % 4 {
        0 => Body::from(body::piece(0, LEN)),
        1 => Body::from_reader_with_len(Octets { at: 0, end: LEN }, known),
        2 => Body::from(File::open(nginx.folder.join("files/source")).unwrap()),
        _ => {
            let response = client.get(format!("{url}/source")).send().unwrap();
            let mut octets = Vec::new();
            response.into_body().read_to_end(&mut octets).unwrap();
            return assert_eq!(octets.len(), LEN);
        }
    };
    let response = client.put(name).body(body).send().unwrap();
    assert!(response.status().is_success(), "{}", response.status());
}

#[test]
fn no_request_fails_while_nginx_reloads() {
    let Some(nginx) = Nginx::start() else { return };
    body::write_file(&nginx.folder.join("files/source"), LEN).unwrap();
    let url = format!("http://{}", nginx.server.as_ref().unwrap().address);
    let client = Client::with_config(config()).unwrap();
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, url, nginx, done, is_over) = (&client, &url, &nginx, &done, &is_over);
            scope.spawn(move || {
                let _end = End(is_over);
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    ask(client, url, nginx, thread, number);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for reload in 1..=5 {
            while done.load(Ordering::Relaxed) < 100 * reload && !is_over.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            nginx.signal("reload");
        }
        while done.load(Ordering::Relaxed) < 600 && !is_over.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(done.load(Ordering::Relaxed) >= 600);
}

/// Ends the others with the thread that fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
