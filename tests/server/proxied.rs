//! Connections through a proxy, which reports the client's address by the PROXY protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use h2_sync::server::{Config, Handle, Request, Response, Server, TrustedProxies};

use crate::client::Client;
use crate::frames::http1::Raw;
use crate::support::{bounded, config, eventually};

fn peer_address(request: &mut Request, response: &mut Response) -> std::io::Result<()> {
    write!(response, "{}", request.peer_addr().map_or("none".to_owned(), |at| at.to_string()))
}

/// A server that trusts proxies at `prefix`.
fn behind(prefix: &str, config: Config) -> Handle {
    let mut proxies = TrustedProxies::new();
    proxies.add(prefix).unwrap();
    let server = Server::bind("127.0.0.1:0").unwrap().proxy_protocol(proxies).config(config);
    server.serve(peer_address).unwrap()
}

fn connect(server: &Handle) -> TcpStream {
    let stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(crate::support::LONG)).unwrap();
    stream
}

/// The peer address of a request on a connection that begins with these octets.
fn told(server: &Handle, header: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(header).unwrap();
    Client::over(stream, Default::default()).fetch("/").text().to_owned()
}

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

#[test]
fn client_address_is_reported_in_both_versions() {
    bounded(|| {
        let server = behind("127.0.0.0/8", Config::default());
        let v1 = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
        assert_eq!(told(&server, v1), "192.0.2.1:56324");
        let v1 = b"PROXY TCP6 2001:db8::1 2001:db8::2 4 443\r\n";
        assert_eq!(told(&server, v1), "[2001:db8::1]:4");
        let v2 =
            [V2, b"\x21\x11\0\x0f", &[192, 0, 2, 1, 0, 0, 0, 0, 1, 0, 0, 80, 4, 0, 0]].concat();
        assert_eq!(told(&server, &v2), "192.0.2.1:256");
    });
}

#[test]
fn client_address_is_reported_to_requests_in_http1() {
    bounded(|| {
        let server = behind("127.0.0.1", Config::default());
        let v1 = &b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"[..];
        let v2 = [V2, b"\x21\x11\0\x0c", &[192, 0, 2, 1, 0, 0, 0, 0, 220, 4, 0, 80]].concat();
        for header in [v1, &v2] {
            // With the first request in the same octets, and on its own.
            let mut at_once = Raw::connect(server.local_addr().unwrap());
            at_once.send([header, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"].concat());
            assert_eq!(at_once.reply().text(), "192.0.2.1:56324");
            assert_eq!(at_once.get("/").text(), "192.0.2.1:56324");
            let mut apart = Raw::connect(server.local_addr().unwrap());
            apart.send(header);
            assert_eq!(apart.get("/").text(), "192.0.2.1:56324");
        }
    });
}

#[test]
fn second_header_is_no_request_in_http1() {
    bounded(|| {
        let server = behind("127.0.0.1", Config::default());
        let header = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_closed(&server, &[&header[..], header, request].concat());
        let mut later = Raw::connect(server.local_addr().unwrap());
        later.send([&header[..], request].concat());
        assert_eq!(later.reply().text(), "192.0.2.1:56324");
        later.send([&header[..], request].concat());
        let reply = later.reply();
        assert!(reply.status == 400 && reply.closes(), "{}", reply.head);
        later.assert_closed();
    });
}

#[test]
fn header_that_comes_octet_by_octet_is_read() {
    bounded(|| {
        let server = behind("127.0.0.1", Config::default());
        let mut stream = connect(&server);
        stream.set_nodelay(true).unwrap();
        for octet in b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n" {
            stream.write_all(&[*octet]).unwrap();
        }
        let text = Client::over(stream, Default::default()).fetch("/").text().to_owned();
        assert_eq!(text, "192.0.2.1:56324");
    });
}

#[test]
fn connection_of_the_proxy_itself_keeps_its_address() {
    bounded(|| {
        let server = behind("127.0.0.1", Config::default());
        let local = [V2, b"\x20\x00\0\0"].concat();
        for header in [&b"PROXY UNKNOWN\r\n"[..], &local] {
            let text = told(&server, header);
            assert!(text.starts_with("127.0.0.1:"), "{text}");
        }
    });
}

/// Writes these octets, and expects the connection to be closed without an answer.
#[track_caller]
fn assert_closed(server: &Handle, octets: &[u8]) {
    let before = server.stats().connections_failed;
    let mut stream = connect(server);
    stream.write_all(octets).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // Empty SETTINGS and GOAWAY, the answer to input that is not HTTP.
    assert!(answer.is_empty() || answer.len() == 9 + 17, "it is spoken with: {answer:?}");
    eventually(|| server.stats().connections_failed > before);
}

#[test]
fn header_from_another_source_is_refused() {
    bounded(|| {
        let header =
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let elsewhere = behind("192.0.2.0/24", Config::default());
        assert_closed(&elsewhere, header);
        // Clients without a proxy are served.
        assert!(told(&elsewhere, b"").starts_with("127.0.0.1:"));
        let off = Server::bind("127.0.0.1:0").unwrap().serve(peer_address).unwrap();
        assert_closed(&off, header);
        assert!(told(&off, b"").starts_with("127.0.0.1:"));
    });
}

#[test]
fn connection_of_a_trusted_proxy_without_a_header_is_closed() {
    bounded(|| {
        let server = behind("127.0.0.1", Config::default());
        assert_closed(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_closed(&server, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let endless = [b"PROXY UNKNOWN ", &[b'x'; 10_000][..]].concat();
        assert_closed(&server, &endless);
        assert_closed(&server, &[V2, b"\x21\x11\xff\xff", &[0; 10_000]].concat());
    });
}

#[test]
fn header_that_does_not_end_in_time_is_not_waited_for() {
    bounded(|| {
        let hasty = config(|config| config.handshake_timeout = Duration::from_millis(50));
        let server = behind("127.0.0.1", hasty);
        assert_closed(&server, b"PROXY TCP4 192.0.2.1");
        assert_closed(&server, V2);
    });
}

#[cfg(feature = "tls")]
#[test]
fn header_stands_before_tls() {
    use h2_sync::tls::{Acceptor, Connector};

    bounded(|| {
        let made = rcgen::generate_simple_self_signed(["test.example".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let mut proxies = TrustedProxies::new();
        proxies.add("127.0.0.1").unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().proxy_protocol(proxies).tls(acceptor);
        let server = server.serve(peer_address).unwrap();
        let mut stream = connect(&server);
        stream.write_all(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n").unwrap();
        let connector = Connector::with_only_roots(certificate.as_bytes()).unwrap();
        let stream = connector.connect("test.example", stream, crate::support::LONG).unwrap();
        let mut client = Client::over(stream, Default::default());
        assert_eq!(client.fetch("/").text(), "192.0.2.1:56324");
    });
}

#[cfg(unix)]
#[test]
fn proxy_on_a_unix_socket_is_trusted_where_that_is_wanted() {
    use std::os::unix::net::{UnixListener, UnixStream};

    bounded(|| {
        let path = crate::transports::socket_path("proxied");
        let listener = UnixListener::bind(&path).unwrap();
        let mut proxies = TrustedProxies::new();
        proxies.add_unix();
        let server = Server::from_unix_listener(listener).proxy_protocol(proxies);
        let _server = server.serve(peer_address).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n").unwrap();
        let mut client = Client::over(stream, Default::default());
        assert_eq!(client.fetch("/").text(), "192.0.2.1:56324");
        std::fs::remove_file(&path).unwrap();
    });
}
