//! The steps of `deploy/README.md`, as an operator runs them.

use std::fs;
use std::process::{Command, Stdio};

use h2_sync_deploy::deployed::{file, filled};
use h2_sync_deploy::fleet::{Folder, find, free_address};
use h2_sync_deploy::h2load::counts;

/// Runs the first shell block of a section, with other ports and the backend as the program. Returns
/// its output. `None` if one of these programs is not installed.
fn follow(section: &str, config: &str, programs: &[&str]) -> Option<String> {
    for program in programs {
        find(program)?;
    }
    let readme = fs::read_to_string(file("README.md")).unwrap();
    let (_, section) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let mut block = block.split_once("```").unwrap().0.to_owned();

    let ports = ["127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:9001", "127.0.0.1:9002"];
    let has = fs::read_to_string(file(config)).unwrap();
    let ports = ports.into_iter().filter(|port| has.contains(port));
    let addresses: Vec<_> = ports.map(|port| (port, free_address())).collect();
    for (from, to) in &addresses {
        block = block.replace(from, &to.to_string());
    }
    let folder = Folder::new("readme").unwrap();
    fs::create_dir(folder.path().join("deploy")).unwrap();
    folder.write(&format!("deploy/{config}"), &filled(config, &addresses)).unwrap();
    for (from, to) in [
        ("target/release/examples/graceful", env!("CARGO_BIN_EXE_backend")),
        ("/tmp/app-nginx", "app-nginx"),
    ] {
        block = block.replace(from, to);
    }
    // The backend is built already. What is left behind by a step that fails is ended.
    let before = "set -euo pipefail; cargo() { :; }; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT";
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("{before}\n{block}trap - EXIT")).current_dir(folder.path());
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{block}\n{text}");
    Some(text)
}

#[test]
fn drained_restart_behind_haproxy_aborts_nothing() {
    let programs = ["haproxy", "curl", "h2load"];
    let section = "A drained restart, step by step";
    let Some(text) = follow(section, "haproxy.cfg", &programs) else { return };
    let counts = counts(&text).expect("the output of h2load");
    assert_eq!((counts.refused, counts.failed), (0, 0), "{text}");
    assert!(counts.succeeded > 100, "{text}");
    assert_eq!(text.matches("; aborted 0 requests, 0 connections").count(), 4, "{text}");
}

#[test]
fn drained_restart_behind_nginx_aborts_nothing() {
    let Some(text) = follow("nginx", "nginx.conf", &["nginx", "curl"]) else { return };
    assert_eq!(text.matches("; aborted 0 requests, 0 connections").count(), 3, "{text}");
}
