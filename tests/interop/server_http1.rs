//! Clients of HTTP/1.x against the high-level server: curl, Python's `http.client`, ab, wrk and
//! Chromium.

use std::process::Command;

use crate::body;
use crate::files::Folder;
use crate::peer;
use crate::server_examples::{curl, start};

const MIB_100: usize = 100 << 20;

#[test]
fn curl_speaks_each_version_on_one_port() {
    let Some(server) = start("kitchen_sink", &[]) else { return };
    // The upgrade is off, so `--http2` gets its answer in HTTP/1.1.
    for (version, status) in [
        ("--http1.0", "1.1 200"),
        ("--http1.1", "1.1 200"),
        ("--http2", "1.1 200"),
        ("--http2-prior-knowledge", "2 200"),
    ] {
        let Some(output) = curl(&[version], &server.url("/")) else { return };
        assert!(output.success, "{output:?}");
        assert_eq!(output.text, format!("hello worldHTTP/{status}"), "{version}");
    }
}

#[test]
fn curl_speaks_each_version_over_tls_with_and_without_alpn() {
    let Some(server) = start("kitchen_sink", &["--tls"]) else { return };
    for (args, status) in [
        (&["--http1.0"][..], "1.1 200"),
        (&["--http1.1"], "1.1 200"),
        (&["--http1.1", "--no-alpn"], "1.1 200"),
        (&["--http2"], "2 200"),
    ] {
        let Some(output) = curl(args, &server.url("/")) else { return };
        assert!(output.success, "{output:?}");
        assert_eq!(output.text, format!("hello worldHTTP/{status}"), "{args:?}");
    }
}

#[test]
fn curl_waits_for_100_continue_and_is_told_of_failures() {
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let args =
        ["--http1.1", "--verbose", "--header", "expect: 100-continue", "--data", "some octets"];
    let Some(output) = curl(&args, &server.url("/sink")) else { return };
    assert!(output.success && output.text.contains("< HTTP/1.1 100 Continue"), "{output:?}");
    assert!(output.text.starts_with("11 octets\nHTTP/1.1 200"), "{output:?}");
    let Some(output) = curl(&["--http1.1"], &server.url("/panic")) else { return };
    assert!(output.success && output.text == "HTTP/1.1 500", "{output:?}");
    let Some(output) = curl(&["--http1.1"], &server.url("/fail-late")) else { return };
    assert!(!output.success, "{output:?}");
}

/// 100 MiB to the server and back, with this framing of the upload.
fn echo(name: &str, args: &[&str]) {
    let Some(server) = start("echo", &[]) else { return };
    let folder = Folder::new(name);
    let (sent, received) = (folder.join("sent"), folder.join("received"));
    body::write_file(&sent, MIB_100).unwrap();
    let (sent, out) = (sent.display().to_string(), received.display().to_string());
    let upload = ["--http1.1", "--request", "POST", "--upload-file", &sent, "--output", &out];
    let Some(output) = curl(&[&upload[..], args].concat(), &server.url("/")) else { return };
    assert!(output.success && output.text == "HTTP/1.1 200", "{output:?}");
    assert_eq!(body::check_file(&received, MIB_100), Ok(()));
}

#[test]
fn curl_gets_its_100_mib_back_with_a_length() {
    echo("http1-echo-length", &[]);
}

#[test]
fn curl_gets_its_100_mib_back_in_chunks() {
    echo("http1-echo-chunks", &["--header", "transfer-encoding: chunked"]);
}

const PYTHON: &str = r#"
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=60)
for n in range(3):
    connection.request("GET", "/bytes/1000")
    response = connection.getresponse()
    assert response.status == 200 and len(response.read()) == 1000
connection.request("HEAD", "/")
response = connection.getresponse()
assert response.getheader("content-length") == "11" and response.read() == b""
connection.request("POST", "/echo", body=iter([b"chunk " * 10000] * 100), encode_chunked=True)
assert connection.getresponse().read() == b"chunk " * 1000000
connection.request("POST", "/echo", body=b"x" * 3000000)
assert connection.getresponse().read() == b"x" * 3000000
connection.request("GET", "/no/such/path")
response = connection.getresponse()
assert response.status == 404, response.status
response.read()
connection.request("POST", "/hold-not", body=b"y" * 100000)
response = connection.getresponse()
response.read()
connection.request("GET", "/")
assert connection.getresponse().read() == b"hello world"
print("fine")
"#;

#[test]
fn python_keeps_a_connection_for_requests_of_all_kinds() {
    let Some(python) = peer::find("python3") else { return };
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let output = peer::run(Command::new(python).args(["-c", PYTHON]).arg(server.address()));
    assert!(output.success && output.text == "fine\n", "{}", output.text);
}

#[test]
fn ab_has_no_failed_requests() {
    let Some(ab) = peer::find("ab") else { return };
    let Some(server) = start("kitchen_sink", &[]) else { return };
    for keep_alive in [&["-k"][..], &[]] {
        let mut command = Command::new(&ab);
        command.args(["-q", "-n", "1000", "-c", "10"]).args(keep_alive);
        let output = peer::run(command.arg(server.url("/")));
        assert!(output.success, "{output:?}");
        for line in ["Complete requests:      1000", "Failed requests:        0"] {
            assert!(output.text.contains(line), "{}", output.text);
        }
        assert!(!output.text.contains("Non-2xx"), "{}", output.text);
    }
}

#[test]
fn wrk_has_no_failed_requests() {
    let Some(wrk) = peer::find("wrk") else { return };
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let mut command = Command::new(wrk);
    command.args(["-t", "1", "-c", "8", "-d", "1s"]).arg(server.url("/"));
    let output = peer::run(&mut command);
    assert!(output.success && output.text.contains("Requests/sec"), "{output:?}");
    for fault in ["Socket errors", "Non-2xx"] {
        assert!(!output.text.contains(fault), "{}", output.text);
    }
}

#[test]
fn chromium_shows_a_page_in_http1() {
    let Some(chromium) = peer::find("chromium") else { return };
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let folder = Folder::new("http1-chromium");
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.arg("--dump-dom").arg(format!("--user-data-dir={}", folder.path().display()));
    let output = peer::run(command.arg(server.url("/headers")));
    assert!(output.success && output.text.contains("HTTP/1.1"), "{}", output.text);
    assert!(output.text.contains(":path: /headers"), "{}", output.text);
}
