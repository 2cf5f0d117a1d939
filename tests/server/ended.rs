//! Resources of ended connections are released.

use std::io::Write;
use std::time::Duration;

use crate::client::Client;
use crate::support::{bounded, config, eventually, gate, serve_with};

/// Set for the process whose descriptors are counted.
#[cfg(target_os = "linux")]
const ALONE: &str = "H2_SYNC_TEST_DESCRIPTORS_ARE_COUNTED";

#[cfg(target_os = "linux")]
#[test]
fn ended_connection_gives_its_descriptor_back_while_permits_are_held() {
    if std::env::var_os(ALONE).is_some() {
        return count_descriptors();
    }
    let name = "ended::ended_connection_gives_its_descriptor_back_while_permits_are_held";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("all given back"), "{text}");
}

#[cfg(target_os = "linux")]
fn count_descriptors() {
    bounded(|| {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers = 2;
            config.queue_timeout = Duration::MAX;
        });
        let server = serve_with(config, move |request, response| {
            at.wait(request.path());
            Ok(response.write_all(b"hello")?)
        });
        let holders = [Client::of(&server), Client::of(&server)];
        let held = holders.each_ref().map(|client| client.get("/held"));
        bolt.comes();
        bolt.comes();
        let before = open();
        for _ in 0..1_000 {
            let mut client = Client::of(&server);
            client.get("/waits");
            client.ping();
        }
        eventually(|| server.stats().connections == 2);
        eventually(|| open() == before);
        // Handlers of an ended connection continue, without its descriptor.
        let [first, mut second] = holders;
        drop(first);
        eventually(|| server.stats().connections == 1);
        eventually(|| open() == before - 2);
        assert_eq!(server.stats().handlers_running, 2);
        bolt.open();
        assert_eq!(second.reply(held[1]).text(), "hello");
        println!("all given back");
    });
}

#[test]
fn permit_that_becomes_free_goes_past_connections_that_have_ended() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers = 1;
            config.queue_timeout = Duration::MAX;
        });
        let server = serve_with(config, move |request, response| {
            at.wait(request.path());
            Ok(response.write_all(request.path().as_bytes())?)
        });
        let mut first = Client::of(&server);
        let held = first.get("/held");
        bolt.comes();
        for _ in 0..10 {
            let mut client = Client::of(&server);
            client.get("/gone");
            client.ping();
        }
        eventually(|| server.stats().connections == 1);
        let mut last = Client::of(&server);
        let waits = last.get("/waits");
        last.ping();
        bolt.let_one();
        assert_eq!(first.reply(held).text(), "/held");
        assert_eq!(bolt.comes(), "/waits");
        bolt.open();
        assert_eq!(last.reply(waits).text(), "/waits");
    });
}
