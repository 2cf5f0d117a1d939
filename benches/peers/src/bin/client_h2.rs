//! The crate `h2`, on a runtime with one thread: what an asynchronous program can have.

use std::future::poll_fn;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::client::SendRequest;
use http::Request;
use peers::{AnyError, CALLERS, CONNECTION_WINDOW, HELLO, STREAM_WINDOW, Task, piece};
use tokio::net::TcpStream;

fn main() -> Result<(), AnyError> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(run())
}

async fn run() -> Result<(), AnyError> {
    let (url, _, task) = Task::parse();
    let address = url.strip_prefix("http://").ok_or("not http")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("client_h2: {error}");
        }
    });
    let root = format!("{url}/");
    // The server's settings are there when the time starts.
    hello(&client, &root).await?;
    let started = Instant::now();
    match task {
        Task::Sequential(n) => {
            for _ in 0..n {
                hello(&client, &root).await?;
            }
        }
        Task::Parallel(n) => {
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let (client, root) = (client.clone(), root.clone());
                    tokio::spawn(async move {
                        for _ in 0..n / CALLERS {
                            hello(&client, &root).await?;
                        }
                        Ok::<_, AnyError>(())
                    })
                })
                .collect();
            for caller in callers {
                caller.await??;
            }
        }
        Task::AtOnce(_) => return Err("this client has no such task".into()),
        Task::Down(n) => {
            let mut client = client.ready().await?;
            let request = Request::get(format!("{url}/bytes/{n}")).body(())?;
            let mut body = client.send_request(request, true)?.0.await?.into_body();
            let mut octets = 0;
            while let Some(data) = body.data().await {
                let data = data?;
                octets += data.len() as u64;
                body.flow_control().release_capacity(data.len())?;
            }
            assert_eq!(octets, n);
        }
        Task::Up(n) => {
            let mut client = client.ready().await?;
            let request =
                Request::post(format!("{url}/sink")).header("content-length", n).body(())?;
            let (response, mut stream) = client.send_request(request, false)?;
            let mut left = n;
            while left > 0 {
                let mut data = piece(left);
                left -= data.len() as u64;
                while !data.is_empty() {
                    stream.reserve_capacity(data.len());
                    let room = poll_fn(|context| stream.poll_capacity(context));
                    let room = room.await.ok_or("reset")??;
                    let now = data.split_to(room.min(data.len()));
                    stream.send_data(now, left == 0 && data.is_empty())?;
                }
            }
            let body = collect(response.await?.into_body()).await?;
            assert_eq!(body, n.to_string().as_bytes());
        }
    }
    Task::done(started);
    Ok(())
}

async fn hello(client: &SendRequest<Bytes>, url: &str) -> Result<(), AnyError> {
    let mut client = client.clone().ready().await?;
    let request = Request::get(url).body(())?;
    let body = collect(client.send_request(request, true)?.0.await?.into_body()).await?;
    assert_eq!(body, HELLO);
    Ok(())
}

async fn collect(mut body: RecvStream) -> Result<BytesMut, h2::Error> {
    let mut all = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend_from_slice(&data);
    }
    Ok(all)
}
