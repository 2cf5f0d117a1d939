//! Servers that fail during requests: each request ends in an answer or an error, no POST is
//! processed twice, and no thread or descriptor is leaked.
//!
//! A program of its own, so that its threads and descriptors can be counted. The full run, by hand,
//! has `H2_SYNC_ROUNDS=1000`.
#![cfg(target_os = "linux")]

#[path = "../support/bounded.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod bounded;
mod graceful;
mod killed;
mod log;
#[path = "../support/numbers.rs"]
mod numbers;
mod peer;
mod raw;
#[path = "../support/thread_names.rs"]
mod thread_names;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::{Error, ErrorKind};

use bounded::bounded_by;
use killed::Killed;
use log::Log;
use raw::{Fault, Raw};

const THREADS: usize = 4;

/// The timeout of requests to a server that may have fallen silent.
const TIMEOUT: Duration = Duration::from_millis(300);

/// The kind of error when no server listened.
const NO_SERVER: &str = "no connection";

/// A limit that no round reaches, even on a slow machine.
const LONG: Duration = Duration::from_secs(300);

fn rounds() -> usize {
    env::var("H2_SYNC_ROUNDS").map_or(18, |rounds| rounds.parse().unwrap())
}

fn config() -> Config {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    config.timeout = Some(TIMEOUT);
    config
}

/// The outcomes of the requests.
#[derive(Debug, Default)]
struct Tally {
    /// The requests that were answered.
    answers: Vec<String>,
    retries: u32,
    errors: BTreeMap<String, usize>,
    /// The longest time by which a request exceeded its timeout.
    latest: Duration,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.answers.extend(other.answers);
        self.retries += other.retries;
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        self.latest = self.latest.max(other.latest);
    }

    fn total(&self) -> usize {
        self.answers.len() + self.errors.values().sum::<usize>()
    }
}

/// Sends `requests` from each of several threads. `name` is unique to the round.
fn ask(client: &Client, url: &str, name: &str, requests: usize, body: usize) -> Tally {
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    for request in 0..requests {
                        let id = format!("{name}-{thread}-{request}");
                        let body = if request % 2 == 0 { 0 } else { body };
                        let began = Instant::now();
                        let result = ask_once(client, url, &id, body);
                        let late = began.elapsed().saturating_sub(TIMEOUT);
                        tally.latest = tally.latest.max(late);
                        match result {
                            Ok(retries) => {
                                tally.answers.push(id);
                                tally.retries += retries;
                            }
                            Err(error) => {
                                *tally.errors.entry(kind(&error)).or_default() += 1;
                            }
                        }
                    }
                    tally
                })
            })
            .collect();
        asking.into_iter().for_each(|thread| tally.add(thread.join().unwrap()));
    });
    assert_eq!(tally.total(), THREADS * requests);
    tally
}

/// Whether the request of this name was a GET; the others were POSTs.
fn is_get(id: &str) -> bool {
    let number = id.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
    number.is_some_and(|number| number % 2 == 0)
}

/// Sends a request. Returns the number of retries before the correct answer.
fn ask_once(client: &Client, url: &str, id: &str, body: usize) -> Result<u32, Error> {
    let url = format!("{url}/{id}");
    let request = match body {
        0 => client.get(url),
        octets => client.post(url).body(vec![b'.'; octets]),
    };
    let response = request.send()?;
    assert_eq!(response.status(), 200);
    let retries = response.facts().retries;
    assert_eq!(response.text()?, id, "the answer is that to the request");
    Ok(retries)
}

/// The kind of an error, which must be one that the server caused.
fn kind(error: &Error) -> String {
    use ErrorKind::{Closed, Peer, Reset, Timeout, Transport};
    assert!(matches!(error.kind(), Closed | Peer | Reset | Timeout | Transport), "{error:?}");
    if error.to_string().starts_with("connecting to") {
        return NO_SERVER.to_owned();
    }
    format!("{:?}", error.kind())
}

fn counts() -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    (count("task"), count("fd"))
}

/// Waits for the counts to return: the system may take a moment to remove a thread.
fn assert_back_at(before: (usize, usize)) {
    let deadline = Instant::now() + LONG;
    while counts() != before {
        let names = thread_names::all;
        assert!(Instant::now() < deadline, "{:?}, not {before:?}: {:?}", counts(), names());
        thread::yield_now();
    }
}

#[test]
fn every_request_ends_once_and_nothing_is_left_behind() {
    bounded_by(LONG + Duration::from_secs(2) * rounds() as u32, || {
        let before = counts();
        let log = Log::default();
        let kept = Client::with_config(config()).unwrap();
        let mut killed = Killed::start(log.clone());
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for round in 0..rounds() {
            // One client lives through all rounds; others exist for one.
            let client = match round / 6 % 2 {
                0 => kept.clone(),
                _ => Client::with_config(config()).unwrap(),
            };
            let (fault, tally) = match round % 6 {
                0 => ("killed", killed.round(&client, round)),
                1 => ("goes away", raw_round(Fault::GoesAway, &client, round, 6, 100, &log)),
                2 => ("resets", raw_round(Fault::Resets, &client, round, 6, 100, &log)),
                3 => (
                    "stops reading",
                    raw_round(Fault::StopsReading, &client, round, 2, 1 << 20, &log),
                ),
                4 => ("breaks", raw_round(Fault::Breaks, &client, round, 6, 100, &log)),
                _ => ("restarts", graceful::round(&client, round, &log)),
            };
            tallies.entry(fault).or_default().add(tally);
        }
        drop(kept);
        drop(killed);
        // RFC 9110, Section 9.2.2: a GET may be processed twice if its reused connection ended.
        let mut twice = log.twice();
        twice.retain(|id| !is_get(id));
        assert_eq!(twice, Vec::<String>::new(), "processed twice");
        for (fault, tally) in &tallies {
            println!(
                "{fault}: {} of {} answered, {} retries, {:?}, {:?} late",
                tally.answers.len(),
                tally.total(),
                tally.retries,
                tally.errors,
                tally.latest
            );
            assert!(!tally.answers.is_empty(), "{fault}");
            for id in &tally.answers {
                let most = if is_get(id) { 2 } else { 1 };
                assert!((1..=most).contains(&log.count(id)), "{id} has an answer");
            }
        }
        assert_back_at(before);
    });
}

fn raw_round(
    fault: Fault,
    client: &Client,
    round: usize,
    requests: usize,
    body: usize,
    log: &Log,
) -> Tally {
    let server = Raw::start(fault, round as u64, log.clone());
    let tally = ask(client, &server.url, &round.to_string(), requests, body);
    server.stop();
    tally
}
