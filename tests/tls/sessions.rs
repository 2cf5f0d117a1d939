//! HTTP/2 over TLS: a request, an upload, and both directions at once during key updates.

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::thread;

use bytes::Bytes;
use h2_sync::tls::{TlsReader, TlsStream, TlsWriter};
use h2_sync::transport::{Halves, Transport, duplex};
use h2_sync::{Act, Evt, Headers, Session, StreamId, headers, new_connection};

use crate::support::*;

fn request(method: &str) -> Headers {
    headers!(":method" => method, ":scheme" => "https", ":authority" => NAME, ":path" => "/")
}

fn take(session: &Session) -> Evt {
    match session.take_evt_timeout(LONG).expect("an event within the timeout") {
        Evt::Closed { reason } => panic!("closed: {reason:?}"),
        evt => evt,
    }
}

fn take_head(session: &Session) -> StreamId {
    loop {
        if let Evt::RecvHeaders { stream_identifier, .. } = take(session) {
            return stream_identifier;
        }
    }
}

/// Takes a body to its end, and compares its octets.
fn take_body(session: &Session) -> usize {
    let mut len = 0;
    loop {
        if let Evt::RecvData { data, is_end_stream, .. } = take(session) {
            for (n, octet) in (len..).zip(&data) {
                assert_eq!(*octet, at(n), "at {n}");
            }
            len += data.len();
            if is_end_stream {
                return len;
            }
        }
    }
}

/// The octet at each position of a body.
fn at(n: usize) -> u8 {
    (n % 251) as u8
}

fn put_body(session: &Session, stream_identifier: StreamId, total: usize) {
    const PIECE: usize = 251 * 100;
    let piece: Bytes = (0..PIECE).map(at).collect();
    let mut put = 0;
    while put < total {
        let data = piece.slice(..PIECE.min(total - put));
        put += data.len();
        let act = Act::SendData { stream_identifier, data, is_end_stream: put == total };
        session.put_act_timeout(act, LONG).unwrap();
    }
}

fn sessions<A: Transport, B: Transport>(client: A, server: B) -> (Session, Session) {
    let client = new_connection(client, true, false).unwrap();
    (client, new_connection(server, false, false).unwrap())
}

#[test]
fn a_request_and_its_response() {
    bounded(|| {
        let (client, server) = connected(duplex(1 << 16));
        let (client, server) = sessions(client, server);
        client.open(&request("GET"), true).unwrap();
        let stream_identifier = take_head(&server);
        let headers = headers!(":status" => "200");
        let is_end_stream = false;
        server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream }).unwrap();
        put_body(&server, stream_identifier, 1000);
        assert_eq!(take_head(&client), stream_identifier);
        assert_eq!(take_body(&client), 1000);
        client.close();
        // The server is notified by GOAWAY and close_notify, without an error.
        loop {
            if let Evt::Closed { reason } = server.take_evt_timeout(LONG).unwrap() {
                assert!(matches!(reason, h2_sync::Reason::Peer { .. }), "{reason:?}");
                break;
            }
        }
    });
}

#[test]
fn an_upload() {
    bounded(|| {
        let (client, server) = connected(tcp());
        let (client, server) = sessions(client, server);
        let stream = client.open(&request("POST"), false).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| put_body(&client, stream, 5 << 20));
            take_head(&server);
            assert_eq!(take_body(&server), 5 << 20);
        });
    });
}

#[test]
fn both_directions_at_once_while_keys_change() {
    let total = std::env::var("H2_SYNC_TLS_MIB").map_or(32, |mib| mib.parse().unwrap());
    bounded(move || {
        let (client, server) = connected(tcp());
        let (client, server) = sessions(Refreshing(client), Refreshing(server));
        both_ways(&client, &server, total << 20);
        client.close();
    });
}

#[test]
fn both_directions_at_once_in_tls_1_2() {
    bounded(|| {
        use h2_sync::tls::rustls::ServerConfig;
        use h2_sync::tls::rustls::{ProtocolVersion, version};
        let identity = Identity::of(NAME);
        let (connector, acceptor) = (identity.connector(), identity.acceptor());
        let config = acceptor.config();
        let builder = ServerConfig::builder_with_provider(config.crypto_provider().clone());
        let mut old = builder
            .with_protocol_versions(&[&version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(config.cert_resolver.clone());
        old.alpn_protocols.clone_from(&config.alpn_protocols);
        let acceptor = h2_sync::tls::Acceptor::from_config(old);
        let (client, server) = shake((&connector, &acceptor), tcp());
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.facts().protocol_version, ProtocolVersion::TLSv1_2);
        let (client, server) = sessions(client, server);
        both_ways(&client, &server, 4 << 20);
    });
}

fn both_ways(client: &Session, server: &Session, total: usize) {
    let stream = client.open(&request("POST"), false).unwrap();
    let stream_identifier = take_head(server);
    let headers = headers!(":status" => "200");
    let is_end_stream = false;
    server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream }).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| put_body(client, stream, total));
        scope.spawn(|| put_body(server, stream, total));
        scope.spawn(|| assert_eq!(take_body(client), total));
        scope.spawn(|| assert_eq!(take_body(server), total));
    });
}

/// A TLS stream that updates its keys after each mebibyte written.
struct Refreshing(TlsStream<TcpStream>);

type Inner = TlsWriter<<TcpStream as Transport>::Writer>;

struct RefreshingWriter {
    inner: Inner,
    written: usize,
}

impl Transport for Refreshing {
    type Reader = TlsReader<<TcpStream as Transport>::Reader>;
    type Writer = RefreshingWriter;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let Halves { reader, writer, closer } = self.0.split()?;
        Ok(Halves { reader, writer: RefreshingWriter { inner: writer, written: 0 }, closer })
    }
}

impl Write for RefreshingWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.written >= 1 << 20 {
            self.written = 0;
            self.inner.refresh_keys()?;
        }
        let written = self.inner.write_vectored(bufs)?;
        self.written += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
