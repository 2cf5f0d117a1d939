//! The client's end of the exchange in a test of a handler.

use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, Version, request};

use super::test_response::TestResponse;
use crate::error::{Error, ErrorKind};
use crate::exchange::{self, Callers, Conn};
use crate::h1::{self, Codec, Limits, Link, closed};
use crate::halves::{RecvHalf, SendHalf};
use crate::hpack::Headers;
use crate::http1::{BodySize, ClientConnection};
use crate::proto::{self, Connection, Role};
use crate::transport::{Duplex, Transport};
use crate::wire::Owner;

/// The client's end of the exchange.
pub(super) struct TestClient {
    line: Line,
    /// `None` if the request has no body.
    send: Option<SendHalf>,
    recv: Recv,
}

enum Line {
    Http2(Arc<Conn>),
    Http1(Arc<Link>),
}

enum Recv {
    Http2(exchange::RecvHalf),
    Http1(h1::RecvHalf),
}

impl TestClient {
    /// Sends the header section of the request.
    pub(super) fn open(
        stream: Duplex,
        parts: &request::Parts,
        has_body: bool,
    ) -> Result<Self, Error> {
        if parts.version == Version::HTTP_11 {
            return TestClient::open_http1(stream, parts, has_body);
        }
        let config = proto::Config { enable_push: false, ..Default::default() };
        let core = Connection::new_boxed(Role::Client, config, Instant::now())?;
        let conn = Conn::new(core, stream.split()?, Callers::of);
        let fields = Headers::from(parts);
        let id = conn.with(|state, now| state.open(&fields, !has_body, now))?;
        let half = || exchange::SendHalf::new(Arc::clone(&conn), id, BytesMut::new());
        let send = has_body.then(|| half().into());
        let recv = Recv::Http2(exchange::RecvHalf::new(Arc::clone(&conn), id, None));
        conn.flush_now();
        Ok(TestClient { line: Line::Http2(conn), send, recv })
    }

    fn open_http1(stream: Duplex, parts: &request::Parts, has_body: bool) -> Result<Self, Error> {
        let codec = Codec::Client(ClientConnection::new(Default::default()));
        let http2 = proto::Config::default();
        let limits = Limits {
            stall_timeout: http2.stall_timeout,
            max_send_buffer: http2.max_stream_send_buffer,
        };
        let link = Link::new(codec, stream.split()?, Bytes::new(), limits, Box::new(NoThreads));
        let link = Arc::new(link);
        let size = if has_body { BodySize::Unknown } else { BodySize::Known(0) };
        let halves = link.open(&parts.method, &parts.uri, &parts.headers, size)?;
        let (send, recv) = halves.ok_or_else(closed)?;
        let mut send = SendHalf::from(send);
        if !has_body {
            send.finish()?;
        }
        let send = has_body.then_some(send);
        Ok(TestClient { line: Line::Http1(link), send, recv: Recv::Http1(recv) })
    }

    /// Sets how long each part of the response may take.
    pub(super) fn set_read_timeout(&mut self, timeout: Duration) {
        match &mut self.recv {
            Recv::Http2(half) => half.set_read_timeout(Some(timeout)),
            Recv::Http1(half) => half.set_read_timeout(Some(timeout)),
        }
    }

    /// Sends the body while the response is received, and ends the connection.
    pub(super) fn exchange(self, body: Bytes, trailers: &HeaderMap) -> Result<TestResponse, Error> {
        let TestClient { line, send, recv } = self;
        thread::scope(|scope| {
            let upload = move |mut send: SendHalf| {
                // Fails if the server does not need the rest.
                let _ = send.send(body).and_then(|()| match trailers.is_empty() {
                    true => send.finish(),
                    false => send.send_trailers(trailers),
                });
            };
            let upload = send.map(|send| scope.spawn(move || upload(send)));
            let response = recv.response();
            // Wakes the upload, if the response came before its end.
            line.end();
            drop(upload);
            response
        })
    }
}

impl Line {
    fn end(&self) {
        match self {
            Line::Http2(conn) => conn.end(),
            Line::Http1(link) => link.cut(closed()),
        }
    }
}

impl Recv {
    /// Receives the response to its end.
    fn response(mut self) -> Result<TestResponse, Error> {
        let mut informational = Vec::new();
        let (status, headers) = loop {
            let (status, headers) = self.next_head()?;
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                break (status, headers);
            }
            let mut interim = http::Response::new(());
            (*interim.status_mut(), *interim.headers_mut()) = (status, headers);
            informational.push(interim);
        };
        let mut half = match self {
            Recv::Http2(half) => RecvHalf::from(half),
            Recv::Http1(half) => RecvHalf::from(half),
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = half.next_chunk()? {
            body.extend_from_slice(&chunk);
        }
        let trailers = half.trailers()?.unwrap_or_default();
        let body = body.freeze();
        Ok(TestResponse { status, headers, body, trailers, informational })
    }

    fn next_head(&mut self) -> Result<(StatusCode, HeaderMap), Error> {
        match self {
            Recv::Http2(half) => {
                let (fields, _) = half.next_response()?;
                let parts = http::response::Parts::try_from(&fields);
                let parts =
                    parts.map_err(|error| Error::text(ErrorKind::Peer, error.to_string()))?;
                Ok((parts.status, parts.headers))
            }
            Recv::Http1(half) => {
                let parts = half.next_response()?.into_parts().0;
                Ok((parts.status, parts.headers))
            }
        }
    }
}

/// The owner of a client's connection that sends one request.
struct NoThreads;

impl Owner for NoThreads {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        false
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {}
}
