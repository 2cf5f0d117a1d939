//! nghttp and h2load against the high-level server.

use std::process::Command;

use crate::peer;
use crate::server_examples::start;

/// The output of `nghttp -nv` for a route of `kitchen_sink`: a line for each frame and field, after
/// its time.
fn nghttp(path: &str) -> Option<String> {
    let program = peer::find("nghttp")?;
    let server = start("kitchen_sink", &[])?;
    let output = peer::run(Command::new(program).arg("-nv").arg(server.url(path)));
    assert!(output.success && !output.text.contains("[ERROR]"), "{}", output.text);
    Some(output.text)
}

#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part} where it should be: {text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn nghttp_sees_103_before_200() {
    let Some(text) = nghttp("/early-hints") else { return };
    assert_in_order(&text, &[":status: 103", "link: </pushed>", ":status: 200", "DATA"]);
}

#[test]
fn nghttp_sees_trailers_behind_the_body() {
    let Some(text) = nghttp("/trailers") else { return };
    assert_in_order(&text, &[":status: 200", "recv DATA", "octets: 26", "END_STREAM"]);
}

#[test]
fn nghttp_takes_a_pushed_response() {
    let Some(text) = nghttp("/push") else { return };
    assert_in_order(&text, &["PUSH_PROMISE", "promised_stream_id=2", "stream_id=13) :status: 200"]);
    assert_in_order(&text, &["(stream_id=2) :status: 200", "(stream_id=2) content-type: text/css"]);
}

#[track_caller]
fn assert_h2load(tls: &[&str], args: &[&str], requests: usize) {
    let Some(h2load) = peer::find("h2load") else { return };
    let Some(server) = start("kitchen_sink", tls) else { return };
    let mut command = Command::new(h2load);
    command.arg(format!("-n{requests}")).args(args);
    let output = peer::run(command.arg(server.url("/")));
    let result = format!(
        "{requests} total, {requests} started, {requests} done, {requests} succeeded, \
         0 failed, 0 errored, 0 timeout"
    );
    assert!(output.success && output.text.contains(&result), "{}", output.text);
    assert!(output.text.contains(&format!("status codes: {requests} 2xx")), "{}", output.text);
}

#[test]
fn h2load_finds_no_error_with_one_request_at_a_time() {
    assert_h2load(&[], &["-c8", "-m1"], 20_000);
}

#[test]
fn h2load_finds_no_error_with_many_at_once() {
    assert_h2load(&[], &["-c8", "-m100"], 100_000);
}

#[test]
fn h2load_finds_no_error_over_tls() {
    assert_h2load(&["--tls"], &["-c8", "-m32"], 50_000);
}
