//! hyper 1.x, on a runtime with one thread. In cleartext the first octets tell HTTP/2 from HTTP/1.1.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SERVER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use peers::{
    AnyError, Args, BINARY, CONNECTION_WINDOW, HELLO, Route, STREAM_WINDOW, STREAMS_MAX, TEXT,
    Windows, has_high_limits, piece,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

fn main() -> Result<(), AnyError> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(listen())
}

async fn listen() -> Result<(), AnyError> {
    let args = Args::parse();
    let tls = args.tls_config()?.map(TlsAcceptor::from);
    let listener = TcpListener::bind(args.address).await?;
    args.announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let tls = tls.clone();
        tokio::spawn(async move {
            let result = match tls {
                None => serve_either(stream).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream).await,
                    Err(error) => Err(error.into()),
                },
            };
            if let Err(error) = result {
                eprintln!("server_hyper: {error}");
            }
        });
    }
}

async fn serve_either(stream: TcpStream) -> Result<(), AnyError> {
    let mut first = [0; 3];
    let peeked = stream.peek(&mut first).await?;
    // Those of HTTP/2's preface. Requests and prefaces are larger than three octets, and come whole here.
    if &first[..peeked] == b"PRI" {
        return serve(stream).await;
    }
    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await?;
    Ok(())
}

async fn serve<T>(stream: T) -> Result<(), AnyError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    match Windows::from_env() {
        Windows::Fixed => builder
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW),
        Windows::Default => &mut builder,
        Windows::Adaptive => builder.adaptive_window(true),
    };
    if has_high_limits() {
        builder.max_concurrent_streams(STREAMS_MAX);
    }
    builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await?;
    Ok(())
}

/// `date` comes by itself, and `content-length` where the body knows it.
async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let route = Route::of(request.uri().path());
    let (kind, body) = match route {
        Route::Hello => (TEXT, Answer::Full(Full::new(Bytes::from_static(HELLO)))),
        Route::Bytes(left) => (BINARY, Answer::Octets(left)),
        Route::Echo => (BINARY, Answer::Echo(request.into_body())),
        Route::Sink => {
            let mut body = request.into_body();
            let mut octets = 0;
            while let Some(Ok(frame)) = body.frame().await {
                octets += frame.data_ref().map_or(0, Bytes::len);
            }
            (TEXT, Answer::Full(Full::new(octets.to_string().into())))
        }
        Route::Unknown => (TEXT, Answer::Full(Full::default())),
    };
    let mut response = Response::new(body);
    if matches!(route, Route::Unknown) {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(SERVER, HeaderValue::from_static(peers::SERVER));
    if let Route::Bytes(octets) = route {
        headers.insert(CONTENT_LENGTH, octets.into());
    }
    Ok(response)
}

/// A body of any of the routes.
enum Answer {
    Full(Full<Bytes>),
    /// The number of octets that are left.
    Octets(u64),
    Echo(Incoming),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Answer::Full(full) => {
                Pin::new(full).poll_frame(context).map_err(|never: Infallible| match never {})
            }
            Answer::Octets(0) => Poll::Ready(None),
            Answer::Octets(left) => {
                let piece = piece(*left);
                *left -= piece.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Answer::Echo(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Full(full) => full.is_end_stream(),
            Answer::Octets(left) => *left == 0,
            Answer::Echo(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Full(full) => full.size_hint(),
            Answer::Octets(left) => SizeHint::with_exact(*left),
            Answer::Echo(body) => body.size_hint(),
        }
    }
}
