//! The shortest example: a server and a client in one process, over loopback.
//! It is the program to start from.
//!
//! ```text
//! cargo run --example hello
//! ```
//!
//! `RUST_LOG=h2_sync::frames=trace` also prints every frame.

use std::io::{self, Write};
use std::time::Duration;

use h2_sync::BoxError;
use h2_sync::client::{self, Client, Proxies};
use h2_sync::server::{Request, Response, Server};

/// Answers every request. A handler may block: other requests do not wait for it.
fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    writeln!(response, "Hello, {:?}! You requested {}.", request.version(), request.path())
}

fn main() -> Result<(), BoxError> {
    env_logger::init();
    // Port 0: the system chooses a free port.
    let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
    let address = server.local_addr().ok_or("the server has no address")?;

    // Over TLS, client and server agree on a version. Without TLS, the client has to know it.
    let config = client::Config::default().with(|config| {
        config.prior_knowledge = true;
        config.proxies = Proxies::Never;
    });
    let client = Client::with_config(config)?;
    let response = client.get(format!("http://{address}/hello")).send()?;
    println!("status {}", response.status());
    print!("{}", response.text()?);

    server.shutdown(Duration::from_secs(1));
    Ok(())
}
