//! Autobahn|Testsuite against our server and our client, over HTTP/1.1 and, with HAProxy between
//! the two, over HTTP/2.
//!
//! Of its groups of cases, 1 to 7 and 10 run here: framing, control frames, reserved bits, opcodes,
//! fragments, UTF-8 and closing. The environment variable `H2_SYNC_AUTOBAHN` names others, such as
//! `12.*,13.*` for those of compression, which take minutes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use h2_sync::client::{Client, Versions};
use serde_json::{Value, json};

use crate::files::Folder;
use crate::peer::{self, Server};
use crate::websocket::{client, connect, echo, haproxy, send_back};

const CASES: &str = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*";

const AGENT: &str = "h2-sync";

fn cases() -> Vec<String> {
    let cases = env::var("H2_SYNC_AUTOBAHN").unwrap_or_else(|_| CASES.to_owned());
    cases.split(',').map(str::to_owned).collect()
}

/// `wstest` in this mode, with this specification. `None` if it is not installed.
fn wstest(folder: &Folder, mode: &str, spec: &Value) -> Option<Command> {
    let Some(program) = peer::look_for("wstest") else {
        // It needs Python 2.7, which many systems no longer have.
        println!("skipped: no Python 2.7 with autobahntestsuite");
        return None;
    };
    let file = folder.join("spec.json");
    fs::write(&file, spec.to_string()).unwrap();
    let mut command = Command::new(&program);
    command.args(["--webport", "0", "--mode", mode, "--spec"]).arg(file);
    // Its packages are beside the folder of the program.
    command.env("PYTHONUSERBASE", program.ancestors().nth(2).unwrap());
    command.env("PYTHONWARNINGS", "ignore");
    Some(command)
}

/// Checks Autobahn's verdict on each case, and on its close.
#[track_caller]
fn assert_is_content(reports: &Path) {
    let index = fs::read_to_string(reports.join("index.json")).unwrap();
    let mut index: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(&index).unwrap();
    let cases = index.remove(AGENT).expect("the report of our end");
    let mut failed = Vec::new();
    for (case, report) in &cases {
        let verdicts = [&report["behavior"], &report["behaviorClose"]];
        if !verdicts.iter().all(|verdict| *verdict == "OK" || *verdict == "INFORMATIONAL") {
            failed.push(format!("{case}: {} {}", verdicts[0], verdicts[1]));
        }
    }
    println!("{} cases, {} failed", cases.len(), failed.len());
    assert!(failed.is_empty(), "{} of {} cases: {failed:#?}", failed.len(), cases.len());
    assert!(cases.len() >= 200 || env::var_os("H2_SYNC_AUTOBAHN").is_some());
}

/// Runs all cases against the server at this address.
#[track_caller]
fn assert_server_passes(folder: &Folder, address: &str) {
    let reports = folder.join("reports");
    let spec = json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": format!("ws://{address}") }],
        "cases": cases(),
    });
    let Some(mut wstest) = wstest(folder, "fuzzingclient", &spec) else { return };
    let output = peer::run(&mut wstest);
    assert!(output.success, "{}", output.text);
    assert_is_content(&reports);
}

/// Starts the server that runs all cases against clients.
fn fuzzing_server(folder: &Folder) -> Option<Server> {
    let spec = |port: u16| {
        json!({
            "outdir": folder.join("reports"),
            "url": format!("ws://127.0.0.1:{port}"),
            "cases": cases(),
        })
    };
    wstest(folder, "fuzzingserver", &spec(0))?;
    Some(Server::start(|port| wstest(folder, "fuzzingserver", &spec(port)).unwrap()))
}

/// Runs our client through all cases of the server at this address.
#[track_caller]
fn assert_client_passes(folder: &Folder, client: &Client, address: &str) {
    let connect = |path: &str| connect(client, address, path);
    let count = connect("/getCaseCount").read().unwrap().expect("a number");
    let count: usize = count.as_text().unwrap().parse().unwrap();
    for case in 1..=count {
        // Most cases end in an error, which Autobahn judges.
        let _ = send_back(&mut connect(&format!("/runCase?case={case}&agent={AGENT}")));
    }
    let _ = send_back(&mut connect(&format!("/updateReports?agent={AGENT}")));
    assert_is_content(&folder.join("reports"));
}

#[test]
fn server_passes_over_http_1() {
    let server = echo();
    let folder = Folder::new("autobahn-server-1");
    assert_server_passes(&folder, &server.local_addr().unwrap().to_string());
}

#[test]
fn server_passes_over_http_2() {
    let server = echo();
    let folder = Folder::new("autobahn-server-2");
    let behind = server.local_addr().unwrap().to_string();
    let Some(front) = haproxy(&folder, "", &behind, "proto h2") else { return };
    assert_server_passes(&folder, &front.address.to_string());
}

#[test]
fn client_passes_over_http_1() {
    let folder = Folder::new("autobahn-client-1");
    let Some(server) = fuzzing_server(&folder) else { return };
    assert_client_passes(&folder, &client(Versions::Http1), &server.address.to_string());
}

#[test]
fn client_passes_over_http_2() {
    let folder = Folder::new("autobahn-client-2");
    let Some(server) = fuzzing_server(&folder) else { return };
    let behind = server.address.to_string();
    let Some(front) = haproxy(&folder, "proto h2", &behind, "") else { return };
    assert_client_passes(&folder, &client(Versions::Http2), &front.address.to_string());
}
