//! Our `client::Client` against an nginx that reloads, or stops and starts, during requests.

use std::fs::{self, File};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use h2_sync::client::{Body, Client};
use h2_sync::{Error, ErrorKind};

use crate::body;
use crate::client_support::{Octets, config};
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

/// nginx with its workers, which end with it.
struct Nginx {
    folder: Folder,
    program: std::path::PathBuf,
    server: Option<peer::Server>,
}

impl Nginx {
    fn start(name: &str) -> Option<Self> {
        let program = peer::find("nginx")?;
        let folder = Folder::new(name);
        fs::create_dir(folder.join("files")).unwrap();
        let mut nginx = Nginx { folder, program, server: None };
        nginx.server = Some(peer::Server::start(|port| {
            let config = CONFIG.replace("PORT", &port.to_string());
            fs::write(nginx.folder.join("nginx.conf"), config).unwrap();
            nginx.command()
        }));
        body::write_file(&nginx.folder.join("files/source"), LEN).unwrap();
        Some(nginx)
    }

    /// A client, and the URL of the server.
    fn client(&self) -> (Client, String) {
        let address = self.server.as_ref().unwrap().address;
        (Client::with_config(config()).unwrap(), format!("http://{address}"))
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
        // Must not panic: the test may be unwinding already.
        let _ = self.command().args(["-s", "stop"]).status();
    }
}

/// Uploads a body of each kind in turn, and downloads a file.
fn ask(
    client: &Client,
    url: &str,
    nginx: &Nginx,
    thread: usize,
    number: usize,
) -> Result<(), Error> {
    let name = format!("{url}/{thread}-{}", number % 4);
    let known = LEN as u64;
    let body = match number % 4 {
        0 => Body::from(body::piece(0, LEN)),
        1 => Body::from_reader_with_len(Octets { at: 0, end: LEN }, known),
        2 => Body::from(File::open(nginx.folder.join("files/source")).unwrap()),
        _ => return get(client, url),
    };
    let response = client.put(name).body(body).send()?;
    assert!(response.status().is_success(), "{}", response.status());
    Ok(())
}

fn get(client: &Client, url: &str) -> Result<(), Error> {
    let response = client.get(format!("{url}/source")).send()?;
    assert!(response.status().is_success(), "{}", response.status());
    assert_eq!(response.bytes()?.len(), LEN);
    Ok(())
}

/// Runs `ask` on several threads until `lead` returns, which can read the number of finished
/// requests.
pub(crate) fn under_load(ask: impl Fn(usize, usize) + Sync, lead: impl FnOnce(&dyn Fn(usize))) {
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ask, done, is_over) = (&ask, &done, &is_over);
            scope.spawn(move || {
                let _end = End(is_over);
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    ask(thread, number);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _end = End(&is_over);
        lead(&|more| {
            let until = done.load(Ordering::Relaxed) + more;
            while done.load(Ordering::Relaxed) < until {
                assert!(!is_over.load(Ordering::Relaxed), "a thread has failed");
                thread::yield_now();
            }
        });
    });
}

/// Stops the other threads if one panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_request_fails_while_nginx_reloads() {
    let Some(nginx) = Nginx::start("client-reload") else { return };
    let (client, url) = nginx.client();
    under_load(
        |thread, number| ask(&client, &url, &nginx, thread, number).unwrap(),
        |wait_for| {
            wait_for(100);
            for _ in 0..5 {
                nginx.signal("reload");
                wait_for(100);
            }
        },
    );
}

#[test]
fn requests_end_in_an_answer_or_a_clear_error_while_nginx_stops_and_starts() {
    let Some(mut nginx) = Nginx::start("client-restart") else { return };
    let (client, url) = nginx.client();
    let mut server = nginx.server.take().unwrap();
    // Odd while nginx is, or may be, stopped.
    let stops = AtomicUsize::new(0);
    let answers = AtomicUsize::new(0);
    under_load(
        |thread, number| {
            let before = stops.load(Ordering::SeqCst);
            let error = match ask(&client, &url, &nginx, thread, number) {
                Ok(()) => {
                    answers.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Err(error) => error,
            };
            let was_up = before % 2 == 0 && stops.load(Ordering::SeqCst) == before;
            assert!(!was_up, "nginx was there: {error}");
            assert_tells_of_the_stop(&error);
        },
        |wait_for| {
            for signal in ["stop", "quit", "stop", "quit"] {
                wait_for(100);
                stops.fetch_add(1, Ordering::SeqCst);
                nginx.signal(signal);
                server.wait();
                // These requests find no listener.
                wait_for(2 * THREADS);
                server.start_again(&mut nginx.command());
                stops.fetch_add(1, Ordering::SeqCst);
                // Requests from here on are answered.
                get(&client, &url).unwrap();
            }
            wait_for(100);
        },
    );
    assert!(answers.load(Ordering::SeqCst) >= 100);
    nginx.server = Some(server);
}

/// Asserts that nothing was sent or the connection ended: never a timeout or an error of our own.
fn assert_tells_of_the_stop(error: &Error) {
    let is_gone = matches!(error.kind(), ErrorKind::Closed | ErrorKind::Transport);
    assert!(is_gone && !error.is_timeout(), "{error:?}");
    assert!(error.is_retry_safe() || !error.is_connect(), "{error:?}");
    assert!(error.phase().is_some() && error.url().is_some(), "{error:?}");
}
