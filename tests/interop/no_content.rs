//! Responses whose status forbids content, from handlers that write a body with its length anyway:
//! other clients accept them.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use h2_sync::server::{Handle, Request, Response, Server};

use crate::peer;
use crate::server_examples::curl;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const STATUSES: [u16; 3] = [204, 205, 304];

fn answer(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    response.set_status(request.path()[1..].parse::<u16>()?)?;
    response.set_header("content-length", 7)?;
    Ok(response.write_all(b"content")?)
}

/// A server that answers `/204` with 204, and so on.
fn server() -> (Handle, String) {
    let server = Server::bind("127.0.0.1:0").unwrap().serve(answer).unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    (server, url)
}

#[test]
fn curl_takes_statuses_without_content() {
    let (server, url) = server();
    for status in STATUSES {
        let Some(output) = curl(&[], &format!("{url}/{status}")) else { return };
        assert!(output.success && output.text == format!("HTTP/2 {status}"), "{output:?}");
    }
    server.shutdown(Duration::from_secs(10));
}

#[test]
fn nghttp_takes_statuses_without_content() {
    let Some(nghttp) = peer::find("nghttp") else { return };
    let (server, url) = server();
    for status in STATUSES {
        let mut command = Command::new(&nghttp);
        let output = peer::run(command.arg("-nv").arg(format!("{url}/{status}")));
        assert!(output.success && !output.text.contains("[ERROR]"), "{}", output.text);
        assert!(output.text.contains(&format!(":status: {status}")), "{}", output.text);
        assert!(!output.text.contains("RST_STREAM"), "{}", output.text);
    }
    server.shutdown(Duration::from_secs(10));
}

#[test]
fn node_takes_statuses_without_content() {
    const CLIENT: &str = "
        const session = require('node:http2').connect(process.argv[1]);
        let left = process.argv.length - 2;
        for (const status of process.argv.slice(2)) {
            const stream = session.request({ ':path': '/' + status });
            let octets = 0;
            stream.on('response', (head) => console.log(head[':status']));
            stream.on('data', (piece) => (octets += piece.length));
            stream.on('end', () => { if (octets) throw new Error(octets + ' octets'); });
            stream.on('close', () => { if (--left === 0) session.close(); });
        }";
    let Some(node) = peer::find("node") else { return };
    let (server, url) = server();
    let mut command = Command::new(node);
    command.args(["-e", CLIENT, &url]).args(STATUSES.map(|status| status.to_string()));
    let output = peer::run(&mut command);
    let mut told: Vec<_> = output.text.lines().collect();
    told.sort_unstable();
    assert!(output.success && told == ["204", "205", "304"], "{}", output.text);
    server.shutdown(Duration::from_secs(10));
}
