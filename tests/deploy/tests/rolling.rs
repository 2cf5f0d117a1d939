//! Restarts under load: no request is lost, and no client that honours GOAWAY sees an error.

use std::path::Path;
use std::thread;
use std::time::Duration;

use h2_sync_deploy::chain::Chain;
use h2_sync_deploy::fleet::Pair;
use h2_sync_deploy::h2load::H2load;
use h2_sync_deploy::load::{under_load, Kind, Report, Target, THREADS};

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

#[test]
fn rolling_restart_behind_haproxy_loses_no_request() {
    let Some(mut pair) = Pair::behind_haproxy(backend()).unwrap() else { return };
    let Some(h2load) = H2load::start(pair.front, 4).unwrap() else { return };
    let reports = under_load(&Target::all(pair.front), || {
        for which in 0..2 {
            thread::sleep(CALM);
            assert!(pair.restart(which).unwrap(), "backend {which} has cut requests");
        }
        thread::sleep(CALM);
    });
    assert_all_answered(&reports);
    let counts = h2load.finish().unwrap();
    assert_eq!((counts.refused, counts.failed), (0, 0), "{counts:?}");
    assert!(counts.succeeded > 100, "{counts:?}");
}

#[test]
fn restart_behind_nginx_loses_no_request() {
    let Some(mut pair) = Pair::behind_nginx(backend()).unwrap() else { return };
    let (authority, grpc) = (pair.front.to_string(), pair.grpc.to_string());
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
    assert!(counts.succeeded > 20, "{counts:?}");
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
