//! A soak test: well-behaved and hostile load at the same time, with a check for leaks.
//!
//! ```text
//! cargo run --release -p h2-sync-tools --bin soak -- --minutes 20 --load 60
//! ```
//!
//! The server is a separate process, so its memory, threads and descriptors can be measured. This
//! process runs the clients: threads that send requests and check every octet of the responses, and
//! threads that attack. Both use HTTP/2 and HTTP/1.1. `--load` is the processor time that both
//! processes may use, in percent of one core. All traffic stays on 127.0.0.1.
//!
//! Once a minute all load stops until everything is idle, and a line of results is printed:
//!
//! | column | |
//! | --- | --- |
//! | ok, bad | well-behaved requests with a correct response, or without |
//! | given up | well-behaved requests that were cancelled or timed out on purpose |
//! | attacks | completed attacks |
//! | cut | attacks that the server ended |
//! | uncut | attacks that the server should have ended, but did not |
//! | server, clients | KiB allocated, MiB resident, threads, descriptors, when idle |
//!
//! The exit status is 0 if no well-behaved request failed, each attack that must be cut was cut,
//! and neither process has grown since the first minute. That means the same number of threads and
//! descriptors, at most 64 KiB more allocated, and at most a tenth plus 16 MiB more resident.
//! Resident memory varies, since the system keeps some in reserve, especially the stacks of ended
//! threads.
//!
//! It reads `/proc`, so it only works on Linux.

mod attacks;
mod child;
mod figures;
mod gate;
mod honest;
mod http1;
mod load;
mod pattern;
mod raw;
mod server;
mod slow;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use child::Child;
use env_logger::Env;
use figures::{Figures, cpu_time, mib};
use load::{Load, Sums};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Result<T = (), E = BoxError> = std::result::Result<T, E>;

const HELP: &str = "\
Runs well-behaved and hostile load against a server, and checks for leaks.

usage: soak [--minutes N] [--load PERCENT]

    --minutes N      the duration; default 20
    --load PERCENT   the processor time to use, in percent of one core; default 100
";

const MINUTE: Duration = Duration::from_secs(60);

/// The interval for checking the processor time.
const TICK: Duration = Duration::from_millis(20);

/// The timeout until everything is idle, longer than any timeout of the load.
const SETTLING: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    // Panics of handlers are intended, and would fill the screen.
    env_logger::Builder::from_env(Env::default().default_filter_or("off")).init();
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["server"] => server::run().map(|()| true),
        _ => match arguments(&words) {
            Some((minutes, load)) => soak(minutes, load),
            None => {
                eprint!("{HELP}");
                return ExitCode::from(2);
            }
        },
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(words: &[&str]) -> Option<(u32, u32)> {
    let (mut minutes, mut load) = (20, 100);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next()?.parse().ok().filter(|&value| value > 0)?;
        match *word {
            "--minutes" => minutes = value,
            "--load" => load = value,
            _ => return None,
        }
    }
    Some((minutes, load))
}

/// The figures of both processes when idle.
#[derive(Clone, Copy)]
struct Held {
    server: Figures,
    clients: Figures,
}

fn soak(minutes: u32, percent: u32) -> Result<bool> {
    let mut child = Child::start()?;
    let load = Load::new(child.about())?;
    let workers = load::start(&load);
    println!(
        "minute |       ok  bad given up | attacks   cut uncut | server:  KiB    MiB thr fds | \
         clients: KiB    MiB thr fds"
    );
    let began = Instant::now();
    let mut held: Vec<Held> = Vec::new();
    for minute in 1..=minutes {
        load.gate.open();
        pace(&load, child.id(), percent, began + MINUTE * minute)?;
        load.gate.shut();
        if !load.gate.wait_until_empty(SETTLING) {
            return Err("some load does not finish".into());
        }
        load.wind_down()?;
        child.settle(load.kept_connections(), SETTLING)?;
        let now = Held { server: child.figures()?.1, clients: Figures::own()? };
        held.push(now);
        let Sums { ok, bad, given_up, attacks, cut, uncut } = load.sums();
        println!(
            "{minute:6} | {ok:8} {bad:4} {given_up:8} | {attacks:7} {cut:5} {uncut:5} | {}   | {}",
            now.server, now.clients
        );
    }
    load.gate.end();
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")?;
    }
    load.print_each();
    let (reply, server) = child.figures()?;
    println!("\nthe server: {reply:?}");
    println!("at most {:.1} MiB, clients {:.1} MiB", mib(server.peak), mib(Figures::own()?.peak));
    let sums = load.sums();
    drop(load);
    child.stop()?;
    Ok(verdict(&held, sums))
}

/// Admits load until then, within the limit on processor time.
fn pace(load: &Load, server: u32, percent: u32, until: Instant) -> Result {
    let (began, used) = (Instant::now(), cpu_time(server)?);
    while Instant::now() < until {
        thread::sleep(TICK);
        let used = cpu_time(server)?.saturating_sub(used);
        load.gate.throttle(used > began.elapsed() * percent / 100 + TICK);
    }
    load.gate.throttle(false);
    Ok(())
}

fn verdict(held: &[Held], sums: Sums) -> bool {
    let (Some(first), Some(last)) = (held.first(), held.last()) else { return false };
    let mut complaints = Vec::new();
    if sums.ok == 0 || sums.bad > 0 {
        complaints.push(format!(
            "{} of {} well-behaved requests failed",
            sums.bad,
            sums.ok + sums.bad
        ));
    }
    if sums.uncut > 0 {
        complaints.push(format!("{} attacks were not cut", sums.uncut));
    }
    let both = [("server", first.server, last.server), ("clients", first.clients, last.clients)];
    for (side, first, last) in both {
        if last.allocated > first.allocated + (64 << 10)
            || last.resident > first.resident + first.resident / 10 + (16 << 20)
        {
            complaints.push(format!("{side}: memory grew from {first} to {last}"));
        }
        if (last.threads, last.descriptors) != (first.threads, first.descriptors) {
            complaints.push(format!("{side}: changed from {first} to {last}"));
        }
    }
    for complaint in &complaints {
        println!("FAILED: {complaint}");
    }
    if complaints.is_empty() {
        println!("passed: no failures and no leaks");
    }
    complaints.is_empty()
}
