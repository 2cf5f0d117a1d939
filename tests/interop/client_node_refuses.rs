//! Our `client::Client`, whose requests Node.js refuses or fails, beside a download.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use h2_sync::Error;
use h2_sync::client::{Client, Response};

use crate::client_support::config;
use crate::peer::{self, PATIENCE};

const THREADS: usize = 8;

/// The requests of each thread. Together they are more than a budget for resets has at once.
const REQUESTS: usize = 300;

/// More than a window: what the server does not read is not sent.
const UPLOAD_LEN: usize = 200_000;

#[test]
fn uploads_that_node_answers_early_leave_a_download_alone() {
    beside_a_download("refused", |sent| {
        // The response is there, although the upload was reset.
        assert_eq!(sent.expect("the response arrives").status(), 413);
    });
}

#[test]
fn requests_that_node_fails_midway_leave_a_download_alone() {
    beside_a_download("failed", |sent| {
        let error = sent.and_then(Response::bytes).expect_err("the body is not complete");
        assert!(error.to_string().contains("INTERNAL_ERROR"), "{error}");
    });
}

/// Posts to `route` from many threads, while one response on the same connection goes on.
fn beside_a_download(route: &str, check: fn(Result<Response, Error>)) {
    let Some(node) = peer::find("node") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_refuses.mjs");
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&node);
        command.arg(&script).arg(port.to_string());
        command
    });
    let client = Client::with_config(config()).unwrap();
    let url = format!("http://{}/{route}", server.address);
    let requests = THREADS * REQUESTS;
    let download = client.get(format!("http://{}/download/{requests}", server.address));
    let download = download.send().unwrap();
    let (ended, all) = mpsc::channel();
    for _ in 0..THREADS {
        let (client, url, ended) = (client.clone(), url.clone(), ended.clone());
        thread::spawn(move || {
            for _ in 0..REQUESTS {
                check(client.post(&*url).body(vec![b'x'; UPLOAD_LEN]).send());
            }
            ended.send(()).unwrap();
        });
    }
    drop(ended);
    for _ in 0..THREADS {
        all.recv_timeout(PATIENCE).expect("each thread comes to its end");
    }
    assert!(download.text().unwrap().ends_with("well"));
    assert_eq!(client.connections().len(), 1);
}
