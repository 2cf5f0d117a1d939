//! Many threads share one connection: 1,000 requests from 64 threads, with timing.
//! It shows that a client is shared by reference, and what multiplexing saves.
//!
//! ```text
//! cargo run --release --example parallel -- [URL] [REQUESTS] [THREADS]
//! ```
//!
//! Without a URL, it starts its own server on loopback.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Client, Config};
use h2_sync::server::{Request, Response, Server};

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let mut args = env::args().skip(1);
    let url = args.next();
    let requests: usize = args.next().map_or(Ok(1_000), |number| number.parse())?;
    let threads: usize = args.next().map_or(Ok(64), |number| number.parse())?;
    match url {
        Some(url) => measure(&url, requests, threads),
        None => {
            let server = Server::bind("127.0.0.1:0")?.serve(hello)?;
            let address = server.local_addr().ok_or("no address")?;
            measure(&format!("http://{address}/"), requests, threads)
        }
    }
}

fn hello(_: &mut Request, response: &mut Response) -> io::Result<()> {
    response.write_all(b"hello world")
}

fn measure(url: &str, requests: usize, threads: usize) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    // Uses HTTP/2 without TLS too, so that the threads share one connection.
    config.prior_knowledge = true;
    let client = Client::with_config(config)?;
    // Connects before the measurement starts.
    client.get(url).send()?.bytes()?;

    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let mut times = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while next.fetch_add(1, Ordering::Relaxed) < requests {
                        let began = Instant::now();
                        let response = client.get(url).send()?.error_for_status()?;
                        response.bytes()?;
                        times.push(began.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            let times = worker.join().map_err(|_| "a thread panicked")?;
            all.extend(times.map_err(|error: h2_sync::Error| error.to_string())?);
        }
        Ok::<_, Box<dyn Error>>(all)
    })?;
    let took = began.elapsed();
    times.sort_unstable();

    let speed = times.len() as f64 / took.as_secs_f64();
    println!(
        "{} requests from {threads} threads in {took:.2?}: {speed:.0} per second",
        times.len()
    );
    let at = |part: f64| -> Duration {
        let place = (times.len() as f64 * part) as usize;
        times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    println!(
        "latency: median {:.2?}, 90 % {:.2?}, 99 % {:.2?}, maximum {:.2?}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
    println!("connections: {}", client.connections().len());
    Ok(())
}
