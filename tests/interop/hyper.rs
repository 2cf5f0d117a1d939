//! Our client against hyper.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::body::LARGE;
use crate::client::Client;

async fn echo<S>(stream: S) -> hyper::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let echo = service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let server = http2::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(stream), echo).await
}

/// An echo server for one connection.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<hyper::Result<()>>,
}

impl Echo {
    pub(crate) fn start() -> Self {
        Self::start_with(|stream| async { echo(stream).await })
    }

    /// The same over TLS.
    pub(crate) fn start_tls(identity: &crate::tls::Identity) -> Self {
        let config = std::sync::Arc::clone(identity.acceptor().config());
        Self::start_with(move |stream| async {
            let accepted = tokio_rustls::TlsAcceptor::from(config).accept(stream).await;
            echo(accepted.expect("the client speaks TLS")).await
        })
    }

    fn start_with<F>(serve: impl FnOnce(tokio::net::TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = hyper::Result<()>>,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_nonblocking(true).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            runtime
                .unwrap()
                .block_on(async { serve(tokio::net::TcpStream::from_std(stream).unwrap()).await })
        });
        Self { address, thread }
    }

    /// Waits for the end of the connection, and returns hyper's view of it.
    pub(crate) fn finish(self) -> hyper::Result<()> {
        self.thread.join().unwrap()
    }
}

#[test]
fn hyper_echoes_100_mib() {
    let server = Echo::start();
    let client = Client::connect(server.address);
    let answer = client.upload("POST", "/", LARGE);
    assert_eq!((answer.status, answer.check.result(LARGE)), (200, Ok(())));
    client.finish();
    assert!(server.finish().is_ok());
}
