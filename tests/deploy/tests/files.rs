//! The files of `deploy/` that are not run elsewhere, and the format of metrics.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use h2_sync::client::Client;
use h2_sync::server::{Request, Response, Server};
use h2_sync_deploy::deployed::file;
use h2_sync_deploy::fleet::{Folder, Process, find, free_address, missing};

#[path = "../../../examples/shared/openmetrics.rs"]
mod openmetrics;

/// Runs a program with this input. Returns its output, if it succeeds.
#[track_caller]
fn succeeds(command: &mut Command, input: &str) -> String {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}\n{input}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a program in Python with this input. `None` if Python or the module is not installed.
fn python(module: &str, program: &str, input: &str) -> Option<String> {
    let python = find("python3")?;
    let import = format!("import {module}");
    let imports = Command::new(&python).args(["-c", &import]).stderr(Stdio::null()).status();
    if !imports.unwrap().success() {
        missing(&format!("module {module} of Python"));
        return None;
    }
    Some(succeeds(Command::new(python).args(["-c", program]), input))
}

#[test]
fn metrics_are_read_by_the_parser_of_prometheus() {
    const PARSE: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
for family in families(sys.stdin.read()):
    for sample in family.samples:
        print(sample.name, sample.labels, float(sample.value))
";
    let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    let server = Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap();
    let client = Client::new().unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    client.get(url).send().unwrap().text().unwrap();
    let text = openmetrics::text(&server.stats(), Some(&client.stats()));
    assert!(openmetrics::MEDIA_TYPE.starts_with("application/openmetrics-text"));
    let Some(samples) = python("prometheus_client", PARSE, &text) else { return };
    for sample in [
        "http_requests_total {} 1.0",
        "http_connections_opened_total {'protocol': 'http/1.1'} 1.0",
        "http_request_queue_seconds_bucket {'le': '+Inf'} 1.0",
        "http2_budgets_exhausted_total {'budget': 'glitches'} 0.0",
        "http_client_connections {'state': 'idle'} 1.0",
        "http_client_wait_seconds_count {} 1.0",
    ] {
        assert!(samples.lines().any(|line| line == sample), "{sample} in\n{samples}");
    }
}

#[test]
fn units_of_systemd_are_valid() {
    let Some(analyze) = find("systemd-analyze") else { return };
    let folder = Folder::new("systemd").unwrap();
    let service = fs::read_to_string(file("app.service")).unwrap();
    let program = "ExecStart=/usr/local/bin/app";
    assert!(service.contains(program));
    // It has to exist.
    let service = service.replace(program, "ExecStart=/bin/true");
    let service = folder.write("app.service", &service).unwrap();
    let socket = fs::read_to_string(file("app.socket")).unwrap();
    let socket = folder.write("app.socket", &socket).unwrap();
    let mut verify = Command::new(analyze);
    succeeds(verify.arg("verify").arg(service).arg(socket), "");
}

#[test]
fn socket_of_systemd_is_served() {
    let Some(activate) = find("systemd-socket-activate") else { return };
    let address = free_address();
    let mut command = Command::new(activate);
    command.args(["--listen", &address.to_string(), "--fdname", "http"]);
    // It listens on no address of its own.
    command.arg(env!("CARGO_BIN_EXE_backend")).arg("none").stderr(Stdio::null());
    let mut process = Process::start(command.stdout(Stdio::null())).unwrap();
    process.wait_for(address);
    let client = Client::new().unwrap();
    let ready = client.get(format!("http://{address}/ready")).send().unwrap();
    assert_eq!(ready.status(), 200);
    drop((ready, client));
    process.signal("TERM");
    assert!(process.wait().success());
}

#[test]
fn manifest_of_kubernetes_has_probes_and_time_for_the_drain() {
    const PARSE: &str = "
import sys, yaml
documents = list(yaml.safe_load_all(sys.stdin.read()))
print(*(document['kind'] for document in documents))
pod = documents[0]['spec']['template']['spec']
container = pod['containers'][0]
print(container['readinessProbe']['httpGet']['path'], pod['terminationGracePeriodSeconds'])
print(*container['lifecycle']['preStop']['exec']['command'])
";
    let text = fs::read_to_string(file("kubernetes.yaml")).unwrap();
    let Some(printed) = python("yaml", PARSE, &text) else { return };
    assert_eq!(printed, "Deployment Service PodDisruptionBudget\n/ready 60\nsleep 5\n");
}
