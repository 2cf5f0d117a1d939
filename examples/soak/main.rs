//! Load for as long as you like, honest and hostile at once, and whether anything was left behind.
//!
//! ```text
//! cargo run --release --example soak -- --minutes 20 --load 60
//! ```
//!
//! The server is a process of its own, so that its memory, threads and descriptors are its own. This
//! process plays the clients: threads that send requests and check every octet of the answers, and
//! threads that attack. Both speak HTTP/2 and HTTP/1.1. `--load` is the processor time that both
//! processes may use, in percent of one core. All of it stays on 127.0.0.1.
//!
//! Once a minute all loads are stopped until everything is idle, and a line tells how things stand:
//!
//! | column | |
//! | --- | --- |
//! | ok, bad | honest requests that got the right answer, or did not |
//! | given up | honest requests that were cancelled midway, or were given too little time |
//! | attacks | how many were run to their end |
//! | cut | how many of those the server put an end to |
//! | uncut | attacks that must be cut, and were not |
//! | server, clients | of either process while idle: KiB allocated, MiB resident, threads, descriptors |
//!
//! It ends with 0 if no honest request went wrong, each attack was cut that must be, and what both
//! processes hold is what they held after the first minute: the same number of threads and of
//! descriptors, at most 64 KiB more that is allocated, and at most a tenth and 16 MiB more that is
//! resident. Of that the system keeps now more and now less for later, the stacks of threads that have
//! ended above all.
//!
//! It reads `/proc`, so it is for Linux.

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
use figures::{cpu_time, mib, Figures};
use load::{Load, Sums};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Result<T = (), E = BoxError> = std::result::Result<T, E>;

const HELP: &str = "\
Honest and hostile load over one server, and whether anything was left behind.

usage: soak [--minutes N] [--load PERCENT]

    --minutes N      how long; 20 if left out
    --load PERCENT   processor time to use, in percent of one core; 100 if left out
";

const MINUTE: Duration = Duration::from_secs(60);

/// How often it is looked whether too much of the processor is used.
const TICK: Duration = Duration::from_millis(20);

/// How long it may take until everything is idle. Nothing that anybody waits for takes so long.
const SETTLING: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    // Handlers that panic would fill the screen: they are asked to.
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

/// What both processes hold while nothing happens.
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
            return Err("some of the load does not end".into());
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

/// Lets the load go on until then, as far as it does not use too much of the processor.
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
        complaints.push(format!("{} honest requests failed, of {}", sums.bad, sums.ok + sums.bad));
    }
    if sums.uncut > 0 {
        complaints.push(format!("{} attacks were not cut", sums.uncut));
    }
    let both = [("server", first.server, last.server), ("clients", first.clients, last.clients)];
    for (who, first, last) in both {
        if last.allocated > first.allocated + (64 << 10)
            || last.resident > first.resident + first.resident / 10 + (16 << 20)
        {
            complaints.push(format!("{who}: memory has grown from {first} to {last}"));
        }
        if (last.threads, last.descriptors) != (first.threads, first.descriptors) {
            complaints.push(format!("{who}: {first} has become {last}"));
        }
    }
    for complaint in &complaints {
        println!("NOT WELL: {complaint}");
    }
    if complaints.is_empty() {
        println!("well: nothing failed, and nothing was left behind");
    }
    complaints.is_empty()
}
