//! Servers for the client to talk to, and bounded waits.

use std::io;
use std::thread;

use h2_sync::client::{Client, Config, Connection, Proxies, Versions};
use h2_sync::server::{self, Handle, Request, Response, Server, serve_connection};
use h2_sync::transport::duplex;

pub(crate) use crate::frames::{LONG, bounded};

/// Settings that ignore the environment.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    config
}

pub(crate) fn client() -> Client {
    Client::with_config(config()).unwrap()
}

/// A server on loopback, shut down when dropped.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) url: String,
}

pub(crate) fn serve<H>(handler: H) -> Running
where
    H: Fn(&mut Request, &mut Response) -> io::Result<()> + Send + Sync + 'static,
{
    serve_with(server::Config::default(), handler)
}

pub(crate) fn serve_with<H>(config: server::Config, handler: H) -> Running
where
    H: Fn(&mut Request, &mut Response) -> io::Result<()> + Send + Sync + 'static,
{
    let handle = Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap();
    let url = format!("http://{}", handle.local_addr().unwrap());
    Running { handle, url }
}

impl Running {
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// An in-memory connection to a server with this handler.
pub(crate) fn connected<H>(handler: H) -> Connection
where
    H: Fn(&mut Request, &mut Response) -> io::Result<()> + Send + Sync + 'static,
{
    let (near, far) = duplex(256 << 10);
    thread::spawn(move || serve_connection(far, server::Config::default(), handler));
    Connection::start(near, h2_sync::Config::default()).unwrap()
}

pub(crate) fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://test{path}")).body(()).unwrap()
}

pub(crate) fn post(path: &str) -> http::Request<()> {
    http::Request::post(format!("http://test{path}")).body(()).unwrap()
}

/// Octets without a short period.
pub(crate) fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}
