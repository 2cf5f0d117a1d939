//! A server and a client of gRPC, by h2-sync-grpc or by tonic, in a process each.
//!
//! `serve` prints its URL. `call` prints the seconds that its calls took.

mod ours;
mod theirs;

use std::env;
use std::time::Instant;

/// What a client asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) kind: Kind,
    /// Calls, or messages of each call.
    pub(crate) count: u32,
    /// Calls at once.
    pub(crate) at_once: u32,
    /// Octets of a message.
    pub(crate) size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    Download,
    Upload,
}

const USAGE: &str =
    "serve ours|tonic, or call ours|tonic URL unary|download|upload COUNT AT_ONCE SIZE";

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", "ours"] => ours::serve(),
        ["serve", "tonic"] => theirs::serve(),
        ["call", library, url, kind, count, at_once, size] => {
            let kind = match kind {
                "unary" => Kind::Unary,
                "download" => Kind::Download,
                "upload" => Kind::Upload,
                _ => panic!("{USAGE}"),
            };
            let number = |word: &str| word.parse().expect(USAGE);
            let task =
                Task { kind, count: number(count), at_once: number(at_once), size: number(size) };
            let started = Instant::now();
            match library {
                "ours" => ours::call(task, url),
                _ => theirs::call(task, url),
            }
            println!("{}", started.elapsed().as_secs_f64());
        }
        _ => panic!("{USAGE}"),
    }
}
