//! curl against the high-level server.

use crate::body;
use crate::files::Folder;
use crate::server_examples::{curl, start};

#[track_caller]
fn assert_kitchen_sink(tls: &[&str], args: &[&str], path: &str, wanted: &str) {
    let Some(server) = start("kitchen_sink", tls) else { return };
    let Some(output) = curl(args, &server.url(path)) else { return };
    assert!(output.success && output.text == wanted, "{output:?}");
}

#[test]
fn curl_gets() {
    assert_kitchen_sink(&[], &[], "/", "hello worldHTTP/2 200");
}

#[test]
fn curl_gets_over_tls() {
    assert_kitchen_sink(&["--tls"], &["--http2"], "/", "hello worldHTTP/2 200");
}

#[test]
fn curl_posts_and_waits_for_100_continue() {
    let args = ["--verbose", "--header", "expect: 100-continue", "--data", "some octets"];
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let Some(output) = curl(&args, &server.url("/sink")) else { return };
    assert!(output.success && output.text.contains("< HTTP/2 100"), "{output:?}");
    assert!(output.text.starts_with("11 octets\nHTTP/2 200"), "{output:?}");
}

#[test]
fn curl_gets_no_body_with_head() {
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let Some(output) = curl(&["--head"], &server.url("/")) else { return };
    assert!(output.success && output.text.contains("content-length: 11"), "{output:?}");
    assert!(!output.text.contains("hello"), "{output:?}");
}

#[test]
fn curl_is_told_of_a_panic() {
    assert_kitchen_sink(&[], &[], "/panic", "HTTP/2 500");
}

#[test]
fn curl_is_told_that_a_response_has_failed_half_way() {
    let Some(server) = start("kitchen_sink", &[]) else { return };
    let Some(output) = curl(&[], &server.url("/fail-late")) else { return };
    assert!(!output.success && output.text.contains("INTERNAL_ERROR"), "{output:?}");
}

#[test]
fn curl_gets_its_64_mib_back() {
    let Some(server) = start("echo", &[]) else { return };
    let folder = Folder::new("server-echo");
    let (sent, received) = (folder.join("sent"), folder.join("received"));
    body::write_file(&sent, 64 << 20).unwrap();
    let (data, out) = (format!("@{}", sent.display()), received.display().to_string());
    let Some(output) = curl(&["--data-binary", &data, "--output", &out], &server.url("/")) else {
        return;
    };
    assert!(output.success && output.text == "HTTP/2 200", "{output:?}");
    assert_eq!(body::check_file(&received, 64 << 20), Ok(()));
}
