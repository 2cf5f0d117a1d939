//! `h2_sync::server`.

use h2_sync::server::{Config, Request, Response, Server};
use h2_sync::tls::Acceptor;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use peers::{
    AnyError, Args, BINARY, CONNECTIONS_MAX, HELLO, Route, SERVER, STREAMS_MAX, TEXT,
    has_high_limits, piece,
};

fn main() -> Result<(), AnyError> {
    let args = Args::parse();
    let mut server = Server::bind(args.address)?;
    if let Some(tls) = args.tls_config()? {
        server = server.tls(Acceptor::from_config(tls));
    }
    let mut config = Config::default();
    config.server_name = Some(HeaderValue::from_static(SERVER));
    if has_high_limits() {
        config.max_connections = CONNECTIONS_MAX;
        config.http2.max_concurrent_streams = STREAMS_MAX;
    }
    let handle = server.config(config).serve(answer)?;
    args.announce(handle.local_addr().ok_or("no address")?)?;
    handle.wait();
    Ok(())
}

/// `date` and `server` come by themselves, and `content-length` where the handler knows all.
fn answer(request: &mut Request, response: &mut Response) -> Result<(), AnyError> {
    match Route::of(request.path()) {
        Route::Hello => {
            response.set_header(CONTENT_TYPE, HeaderValue::from_static(TEXT))?;
            response.send(HELLO)?;
        }
        Route::Bytes(mut left) => {
            response.set_header(CONTENT_TYPE, HeaderValue::from_static(BINARY))?;
            response.set_header(CONTENT_LENGTH, left)?;
            while left > 0 {
                let piece = piece(left);
                left -= piece.len() as u64;
                response.send(piece)?;
            }
        }
        Route::Echo => {
            response.set_header(CONTENT_TYPE, HeaderValue::from_static(BINARY))?;
            while let Some(data) = request.next_chunk()? {
                response.send(data)?;
            }
        }
        Route::Sink => {
            let mut octets = 0;
            while let Some(data) = request.next_chunk()? {
                octets += data.len();
            }
            response.set_header(CONTENT_TYPE, HeaderValue::from_static(TEXT))?;
            response.send(octets.to_string())?;
        }
        Route::Unknown => response.set_status(404)?,
    }
    Ok(())
}
