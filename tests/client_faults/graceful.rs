//! A server that shuts down gracefully during requests, while another one continues on its
//! listener.

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use h2_sync::client::Client;
use h2_sync::server::{Handle, Request, Response, Server};

use crate::log::Log;
use crate::{LONG, Tally, ask};

/// Runs one round. No request fails: those in progress are answered, and those that arrive too late
/// are sent again to the other server.
pub(crate) fn round(client: &Client, round: usize, log: &Log) -> Tally {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (server, processed) = start(&listener, log);
    let (tally, next) = thread::scope(|scope| {
        let asking = scope.spawn(move || ask(client, &url, &round.to_string(), 100, 100));
        for _ in 0..=round % 100 {
            processed.recv_timeout(LONG).unwrap();
        }
        let (next, _) = start(&listener, log);
        server.shutdown(LONG);
        (asking.join().unwrap(), next)
    });
    assert!(tally.errors.is_empty(), "{:?}", tally.errors);
    next.shutdown(LONG);
    tally
}

fn start(listener: &TcpListener, log: &Log) -> (Handle, Receiver<()>) {
    let (sender, processed) = mpsc::channel();
    let log = log.clone();
    let echo = move |request: &mut Request, response: &mut Response| {
        while request.next_chunk()?.is_some() {}
        let id = request.path().trim_start_matches('/').to_owned();
        log.add(&id);
        // The receiver is gone once it is shut down.
        let _ = sender.send(());
        response.write_all(id.as_bytes())
    };
    let server = Server::from_listener(listener.try_clone().unwrap());
    (server.serve(echo).unwrap(), processed)
}
