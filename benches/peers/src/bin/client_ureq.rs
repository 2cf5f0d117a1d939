//! `ureq`, which speaks HTTP/1.1 alone, on the threads that call it.

use std::io::{Read, repeat};
use std::thread;
use std::time::Instant;

use peers::{AnyError, CALLERS, HELLO, Task};
use ureq::{Agent, SendBody};

fn main() -> Result<(), AnyError> {
    let (url, _, task) = Task::parse();
    // One connection for each caller.
    let agent: Agent = Agent::config_builder()
        .proxy(None)
        .max_idle_connections(CALLERS)
        .max_idle_connections_per_host(CALLERS)
        .build()
        .into();
    let root = format!("{url}/");
    // The connection is there when the time starts.
    hello(&agent, &root)?;
    let started = Instant::now();
    match task {
        Task::Sequential(n) => (0..n).try_for_each(|_| hello(&agent, &root))?,
        Task::Parallel(n) => thread::scope(|scope| {
            let caller = || (0..n / CALLERS).try_for_each(|_| hello(&agent, &root));
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
            callers.into_iter().try_for_each(|caller| caller.join().expect("a caller panicked"))
        })?,
        Task::AtOnce(_) => return Err("this client has no such task".into()),
        Task::Down(n) => {
            let response = agent.get(format!("{url}/bytes/{n}")).call()?;
            let mut body = response.into_body().into_reader();
            let mut buffer = vec![0; 256 << 10];
            let mut octets = 0;
            loop {
                match body.read(&mut buffer)? {
                    0 => break,
                    read => octets += read as u64,
                }
            }
            assert_eq!(octets, n);
        }
        Task::Up(n) => {
            let mut body = repeat(b'.').take(n);
            let request = agent.post(format!("{url}/sink")).header("content-length", n.to_string());
            let mut response = request.send(SendBody::from_reader(&mut body))?;
            assert_eq!(response.body_mut().read_to_string()?, n.to_string());
        }
    }
    Task::done(started);
    Ok(())
}

fn hello(agent: &Agent, url: &str) -> Result<(), AnyError> {
    let mut response = agent.get(url).call()?;
    assert_eq!(response.body_mut().read_to_vec()?, HELLO);
    Ok(())
}
