//! `h2_sync::client`.

use std::io::{Read, repeat};
use std::thread;
use std::time::Instant;

use h2_sync::client::{Body, Client, Config, Proxies, Versions};
use peers::{AnyError, CALLERS, HELLO, Task, Version};

fn main() -> Result<(), AnyError> {
    let (url, version, task) = Task::parse();
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = match version {
        Version::Http1 => Versions::Http1,
        Version::Http2 => Versions::Http2,
    };
    let client = Client::with_config(config)?;
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
            let body = Body::from_reader_with_len(repeat(b'.').take(n), n);
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
