//! Restarts under load: no request is lost, and no client that honours GOAWAY sees an error.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Client, Config, Versions};
use h2_sync_deploy::chain::Chain;
use h2_sync_deploy::fleet::Pair;
use h2_sync_deploy::h2load::H2load;
use h2_sync_deploy::load::{Kind, Report, THREADS, Target, under_load};

/// The server under test.
fn backend() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_backend"))
}

/// How long the load runs undisturbed before and after each step.
const CALM: Duration = Duration::from_millis(500);

#[track_caller]
fn assert_all_answered(reports: &[Report]) {
    for report in reports {
        println!("{report}");
        assert!(report.errors.is_empty(), "{report:?}");
        assert!(report.requests > 10, "{report:?}");
    }
}

fn restart_both(pair: &mut Pair) {
    for which in 0..2 {
        thread::sleep(CALM);
        assert!(pair.restart(which).unwrap(), "backend {which} has cut requests");
    }
    thread::sleep(CALM);
}

#[test]
fn rolling_restart_behind_haproxy_loses_no_request() {
    let Some(mut pair) = Pair::behind_haproxy(backend()).unwrap() else { return };
    let Some(h2load) = H2load::start(pair.front, 4).unwrap() else { return };
    let reports = under_load(&Target::all(pair.front), || {
        restart_both(&mut pair);
    });
    assert_all_answered(&reports);
    let counts = h2load.finish().unwrap();
    assert_eq!((counts.refused, counts.failed), (0, 0), "{counts:?}");
    assert!(counts.succeeded > 0, "{counts:?}");
}

#[test]
fn restart_behind_nginx_loses_no_request() {
    let Some(mut pair) = Pair::behind_nginx(backend()).unwrap() else { return };
    let (authority, grpc) = (pair.front.to_string(), Some(pair.grpc.to_string()));
    let target = Target { authority, grpc, is_http2: false };
    let reports = under_load(&target, || {
        thread::sleep(CALM);
        assert!(pair.restart(0).unwrap(), "the backend has cut requests");
        thread::sleep(CALM);
    });
    assert_all_answered(&reports);
}

#[test]
fn socket_that_is_handed_over_loses_no_request() {
    let mut chain = Chain::start(backend()).unwrap();
    let Some(h2load) = H2load::start(chain.address, 3).unwrap() else { return };
    let reports = under_load(&Target::all(chain.address), || {
        for _ in 0..2 {
            thread::sleep(CALM);
            assert!(chain.hand_over().unwrap(), "a predecessor has cut requests");
        }
        thread::sleep(CALM);
    });
    assert_all_answered(&reports);
    // It opens no connection after a GOAWAY, and does not repeat what that leaves out.
    let counts = h2load.finish().unwrap();
    assert_eq!(counts.refused, 0, "{counts:?}");
    assert!(counts.succeeded > 0, "{counts:?}");
}

#[test]
fn rolling_restart_with_http1_to_the_backends_loses_no_request() {
    let Some(mut pair) = Pair::behind_haproxy_over_http1(backend()).unwrap() else { return };
    // gRPC needs HTTP/2 all the way.
    let target = Target { grpc: None, ..Target::all(pair.front) };
    let reports = under_load(&target, || restart_both(&mut pair));
    assert_all_answered(&reports);
}

#[test]
fn rolling_restart_behind_envoy_loses_no_request() {
    let Some(mut pair) = Pair::behind_envoy(backend()).unwrap() else { return };
    let reports = under_load(&Target::all(pair.front), || restart_both(&mut pair));
    assert_all_answered(&reports);
}

#[test]
fn killed_process_costs_no_more_than_its_open_requests() {
    let Some(mut pair) = Pair::behind_haproxy(backend()).unwrap() else { return };
    let reports = under_load(&Target::all(pair.front), || {
        thread::sleep(CALM);
        pair.kill(0).unwrap();
        thread::sleep(2 * CALM);
    });
    for report in &reports {
        println!("{report}");
        // Each thread has one request open at a time.
        assert!(report.errors.len() <= THREADS, "{report:?}");
        assert!(report.requests > 10, "{report:?}");
    }
    assert!(reports.iter().any(|report| report.kind == Kind::WebSocket));
}

#[test]
fn killed_process_costs_what_was_in_its_handlers() {
    let Some(mut pair) = Pair::behind_haproxy(backend()).unwrap() else { return };
    let url = |path: &str| format!("http://{}/{path}", pair.front);
    let client = |versions| {
        let mut config = Config::default();
        (config.versions, config.prior_knowledge) = (versions, versions == Versions::Http2);
        Client::with_config(config).unwrap()
    };
    let clients = [client(Versions::Http1), client(Versions::Http2)];

    // Requests in the handlers of both, each of which tells its process.
    let mut held = Vec::new();
    for client in clients.iter().cycle().take(12) {
        let (upload, response) = client.post(url("hold")).open().unwrap();
        let mut response = BufReader::new(response);
        let mut process = String::new();
        response.read_line(&mut process).unwrap();
        held.push((upload, response, process.trim().parse::<u32>().unwrap()));
    }
    let [killed, other] = [0, 1].map(|which| pair.id(which));
    let of = |process| held.iter().filter(|(.., it)| *it == process).count();
    assert!(of(killed) > 0 && of(other) > 0 && of(killed) + of(other) == held.len());
    let urls = [url("hello"), url("slow")];
    pair.kill(0).unwrap();

    // Requests that come later are answered, whether HAProxy knows of the end or not.
    for _ in 0..20 {
        for (client, url) in clients.iter().flat_map(|it| urls.iter().map(move |url| (it, url))) {
            assert_eq!(client.get(url).send().unwrap().status(), 200);
        }
    }
    for (mut upload, mut response, process) in held {
        let mut body = String::new();
        let is_sent = upload.write_all(b"bye").and_then(|()| Ok(upload.finish()?));
        let result = is_sent.and_then(|()| response.read_to_string(&mut body).map(drop));
        assert_eq!(result.is_ok() && body == "bye", process == other, "{process}: {result:?}");
    }
}
