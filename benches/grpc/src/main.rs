//! CPU of calls by h2-sync-grpc and by tonic: client and server in processes of their own.
//!
//! `cargo run --release [CASE …]` measures; `serve LIBRARY` and `call LIBRARY CASE URL` are the
//! processes that it starts.

mod ours;
mod theirs;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// What is measured: a name, calls (or messages), calls at once, octets of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) count: u32,
    pub(crate) at_once: u32,
    pub(crate) size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    Download,
    Upload,
}

const CASES: [Case; 5] = [
    Case { name: "unary, 1 at once", kind: Kind::Unary, count: 30_000, at_once: 1, size: 100 },
    Case { name: "unary, 100 at once", kind: Kind::Unary, count: 100_000, at_once: 100, size: 100 },
    Case {
        name: "download of 8 KiB messages",
        kind: Kind::Download,
        count: 300_000,
        at_once: 1,
        size: 8_192,
    },
    Case {
        name: "upload of 8 KiB messages",
        kind: Kind::Upload,
        count: 100_000,
        at_once: 1,
        size: 8_192,
    },
    Case {
        name: "download of 8 KiB, 10 at once",
        kind: Kind::Download,
        count: 10_000,
        at_once: 10,
        size: 8_192,
    },
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", "ours"] => ours::serve(),
        ["serve", _] => theirs::serve(),
        ["call", library, case, url] => call(library, case, url),
        _ => measure(&words),
    }
}

fn measure(wanted: &[&str]) {
    for (index, case) in CASES.iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|word| case.name.contains(word)) {
            continue;
        }
        // In turns, so that what else the machine does meets both.
        let mut rounds = Vec::new();
        for _ in 0..3 {
            rounds.push((run("ours", index), run("tonic", index)));
        }
        let best = |of: fn(&(f64, f64)) -> f64| rounds.iter().map(of).fold(f64::INFINITY, f64::min);
        let (ours, theirs) = (best(|round| round.0), best(|round| round.1));
        let unit = f64::from(case.count * if case.kind == Kind::Unary { 1 } else { case.at_once });
        println!(
            "{}: ours {:.2} µs, tonic {:.2} µs of CPU each: {:.2}",
            case.name,
            ours / unit * 1e6,
            theirs / unit * 1e6,
            ours / theirs
        );
    }
}

/// Seconds of CPU that client and server take for a case.
fn run(library: &str, case: usize) -> f64 {
    let mut server = start(&["serve", library]);
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let before = cpu_of(server.id());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["call", library, &case.to_string(), &url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let client: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let total = client + cpu_of(server.id()) - before;
    server.kill().unwrap();
    server.wait().unwrap();
    total
}

fn start(arguments: &[&str]) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap()
}

/// Seconds of CPU of another process, of the kernel for it as well.
fn cpu_of(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = [fields[11], fields[12]].iter().map(|it| it.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Makes the calls of a case, and says how many seconds of CPU they took.
fn call(library: &str, case: &str, url: &str) {
    let case = CASES[case.parse::<usize>().unwrap()];
    let start = Instant::now();
    match library {
        "ours" => ours::call(case, url),
        _ => theirs::call(case, url),
    }
    eprintln!("{library}: {:?}", start.elapsed());
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    println!("{}", used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
}
