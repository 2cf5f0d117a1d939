//! The crate `h2`, on a runtime with one thread.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER};
use http::{HeaderValue, Request, Response, StatusCode};
use peers::{
    AnyError, Args, BINARY, CONNECTION_WINDOW, HELLO, Route, STREAM_WINDOW, TEXT, date, piece,
};
use std::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
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
                None => serve(stream).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream).await,
                    Err(error) => Err(error.into()),
                },
            };
            if let Err(error) = result {
                eprintln!("server_h2: {error}");
            }
        });
    }
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(stream: T) -> Result<(), AnyError> {
    let mut connection = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(stream)
        .await?;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        // On a task of its own: what all requests of one read are answered goes out in one write.
        tokio::spawn(async move {
            if let Err(error) = answer(request, respond).await {
                eprintln!("server_h2: {error}");
            }
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), AnyError> {
    let route = Route::of(request.uri().path());
    let mut body = request.into_body();
    match route {
        Route::Hello => full(respond, TEXT, Bytes::from_static(HELLO))?,
        Route::Bytes(octets) => {
            let mut stream = respond.send_response(head(BINARY, Some(octets)), octets == 0)?;
            let mut left = octets;
            while left > 0 {
                let data = piece(left);
                left -= data.len() as u64;
                send(&mut stream, data, left == 0).await?;
            }
        }
        Route::Echo => {
            let mut stream = respond.send_response(head(BINARY, None), false)?;
            while let Some(data) = body.data().await {
                let data = data?;
                body.flow_control().release_capacity(data.len())?;
                send(&mut stream, data, false).await?;
            }
            stream.send_data(Bytes::new(), true)?;
        }
        Route::Sink => {
            let mut octets = 0;
            while let Some(data) = body.data().await {
                let data = data?;
                octets += data.len();
                body.flow_control().release_capacity(data.len())?;
            }
            full(respond, TEXT, octets.to_string().into())?;
        }
        Route::Unknown => {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::NOT_FOUND;
            respond.send_response(response, true)?;
        }
    }
    Ok(())
}

fn full(
    mut respond: SendResponse<Bytes>,
    kind: &'static str,
    body: Bytes,
) -> Result<(), h2::Error> {
    let head = head(kind, Some(body.len() as u64));
    respond.send_response(head, false)?.send_data(body, true)
}

/// Sends octets as the windows allow, a piece at a time.
async fn send(stream: &mut SendStream<Bytes>, mut data: Bytes, end: bool) -> Result<(), AnyError> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let room = poll_fn(|context| stream.poll_capacity(context)).await.ok_or("reset")??;
        let now = data.split_to(room.min(data.len()));
        let last = end && data.is_empty();
        stream.send_data(now, last)?;
    }
    Ok(())
}

fn head(kind: &'static str, length: Option<u64>) -> Response<()> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    headers.insert(DATE, date());
    headers.insert(SERVER, HeaderValue::from_static(peers::SERVER));
    response
}
