//! `reqwest::blocking`, which has a thread of its own with a runtime on it.

use std::io::{Read, repeat};
use std::thread;
use std::time::Instant;

use peers::{AnyError, CALLERS, CONNECTION_WINDOW, HELLO, STREAM_WINDOW, Task, Version, Windows};
use reqwest::blocking::{Body, Client};

fn main() -> Result<(), AnyError> {
    let (url, version, task) = Task::parse();
    let builder = match version {
        Version::Http1 => Client::builder().http1_only(),
        Version::Http2 => Client::builder().http2_prior_knowledge(),
    };
    let builder = match Windows::from_env() {
        Windows::Fixed => builder
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW),
        Windows::Default => builder,
        Windows::Adaptive => builder.http2_adaptive_window(true),
    };
    let client = builder.no_proxy().timeout(None).build()?;
    let root = format!("{url}/");
    // The connection is there when the time starts.
    hello(&client, &root)?;
    let started = Instant::now();
    match task {
        Task::Sequential(n) => (0..n).try_for_each(|_| hello(&client, &root))?,
        Task::Parallel(n) => thread::scope(|scope| {
            let caller = || (0..n / CALLERS).try_for_each(|_| hello(&client, &root));
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
            callers.into_iter().try_for_each(|caller| caller.join().expect("a caller panicked"))
        })?,
        Task::AtOnce(n) => thread::scope(|scope| {
            let callers: Vec<_> = (0..n).map(|_| scope.spawn(|| hello(&client, &root))).collect();
            callers.into_iter().try_for_each(|caller| caller.join().expect("a caller panicked"))
        })?,
        Task::Down(n) => {
            let mut response = client.get(format!("{url}/bytes/{n}")).send()?;
            let mut buffer = vec![0; 256 << 10];
            let mut octets = 0;
            loop {
                match response.read(&mut buffer)? {
                    0 => break,
                    read => octets += read as u64,
                }
            }
            assert_eq!(octets, n);
        }
        Task::Up(n) => {
            let body = Body::sized(repeat(b'.').take(n), n);
            let response = client.post(format!("{url}/sink")).body(body).send()?;
            assert_eq!(response.text()?, n.to_string());
        }
    }
    Task::done(started);
    Ok(())
}

fn hello(client: &Client, url: &str) -> Result<(), AnyError> {
    let body = client.get(url).send()?.bytes()?;
    assert_eq!(body, HELLO);
    Ok(())
}
