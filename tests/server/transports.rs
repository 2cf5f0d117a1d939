//! The transports of a server.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use h2_sync::server::{Config, Handle, Request, Response, Versions, serve_connection};
use h2_sync::transport::{Closer, Duplex, Halves, ReadHalf, Transport, WriteHalf, duplex};
use h2_sync::{ErrorCode, ErrorKind, Reason};

use crate::client::Client;
use crate::support::{bounded, config, serve, serve_with};

type IoResult = io::Result<()>;

fn hello(request: &mut Request, response: &mut Response) -> IoResult {
    write!(response, "hello {}", request.path())
}

#[cfg(unix)]
pub(crate) fn socket_path(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("h2-sync-server-{name}-{}", std::process::id()))
}

#[test]
fn a_connection_is_served_over_a_pipe_in_memory() {
    bounded(|| {
        let (near, far) = duplex(64 << 10);
        let server = thread::spawn(move || serve_connection(far, Config::default(), hello));
        let mut client = Client::over(near, Default::default());
        let ids: Vec<_> = (0..20).map(|_| client.get("/a")).collect();
        for id in ids {
            assert_eq!(client.reply(id).text(), "hello /a");
        }
        drop(client);
        server.join().unwrap().unwrap();
    });
}

#[test]
fn a_connection_is_served_over_a_pair() {
    bounded(|| {
        let (near, far) = duplex(64 << 10);
        let far = far.split().unwrap();
        let pair = (far.reader, far.writer);
        let server = thread::spawn(move || serve_connection(pair, Config::default(), hello));
        let mut client = Client::over(near, Default::default());
        assert_eq!(client.fetch("/a").text(), "hello /a");
        drop(client);
        server.join().unwrap().unwrap();
    });
}

#[test]
fn a_connection_alone_obeys_its_deadlines() {
    bounded(|| {
        let (near, far) = duplex(64 << 10);
        let config = config(|config| {
            config.max_age = Some(std::time::Duration::from_millis(20));
        });
        let server = thread::spawn(move || serve_connection(far, config, hello));
        let mut client = Client::over(near, Default::default());
        client.until_closed();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn response_that_is_not_http_is_an_error() {
    bounded(|| {
        for words in [&b"\x16\x03\x01 hello"[..], b"GET /\r\n\r\n", b"GET / HT", b""] {
            let (mut near, far) = duplex(64 << 10);
            let server = thread::spawn(move || serve_connection(far, Config::default(), hello));
            near.write_all(words).unwrap();
            near.shutdown(Shutdown::Write).unwrap();
            let _ = near.read_to_end(&mut Vec::new());
            server.join().unwrap().unwrap_err();
        }
    });
}

#[test]
fn a_config_that_makes_no_sense_is_an_error() {
    let (_near, far) = duplex(64 << 10);
    let config = config(|config| config.http2.max_frame_size = 1);
    let error = serve_connection(far, config, hello).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Caller);
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_served() {
    use h2_sync::server::Server;
    use std::os::unix::net::{UnixListener, UnixStream};

    bounded(|| {
        let path = socket_path("served");
        let listener = UnixListener::bind(&path).unwrap();
        let server = Server::from_unix_listener(listener).serve(hello).unwrap();
        assert_eq!(server.local_addr(), None);
        let mut client = Client::over(UnixStream::connect(&path).unwrap(), Default::default());
        assert_eq!(client.fetch("/a").text(), "hello /a");
        server.shutdown(crate::support::LONG);
        client.until_closed();
        std::fs::remove_file(&path).unwrap();
    });
}

const UPGRADE: &[u8] = b"GET /b HTTP/1.1\r\nhost: test\r\nconnection: upgrade, http2-settings\r\n\
      upgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";

/// The first octets of the answer to these octets.
fn answer_to(server: &Handle, octets: &[u8]) -> [u8; 12] {
    let mut raw = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    raw.write_all(octets).unwrap();
    let mut answer = [0; 12];
    raw.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn prior_knowledge_and_http1_are_distinguished_on_one_port() {
    bounded(|| {
        let server = serve(|request, response| Ok(hello(request, response)?));
        assert_eq!(Client::of(&server).fetch("/a").text(), "hello /a");
        let get = b"GET /c HTTP/1.1\r\nhost: test\r\n\r\n";
        assert_eq!(&answer_to(&server, get), b"HTTP/1.1 200");
        assert_eq!(server.stats().connections_accepted, 2);
    });
}

#[test]
fn upgrade_to_h2c_is_answered_in_http1_unless_it_is_switched_on() {
    bounded(|| {
        let server = serve(|request, response| Ok(hello(request, response)?));
        assert_eq!(&answer_to(&server, UPGRADE), b"HTTP/1.1 200");
        let with = config(|config| config.h2c_upgrade = true);
        let server = serve_with(with, |request, response| Ok(hello(request, response)?));
        assert_eq!(&answer_to(&server, UPGRADE), b"HTTP/1.1 101");
        let get = b"GET /c HTTP/1.1\r\nhost: test\r\n\r\n";
        assert_eq!(&answer_to(&server, get), b"HTTP/1.1 200");
        // A request whose body would have to be buffered before the upgrade is answered without it.
        let length = b"content-length: 100000\r\n\r\n";
        let large = [UPGRADE.strip_suffix(b"\r\n").unwrap(), length, &[0; 100_000]].concat();
        assert_eq!(&answer_to(&server, &large), b"HTTP/1.1 200");
        let long = format!("x: {}\r\n\r\n", "x".repeat(20_000));
        let long = [get.strip_suffix(b"\r\n").unwrap(), long.as_bytes()].concat();
        assert_eq!(&answer_to(&server, &long), b"HTTP/1.1 200");
    });
}

#[test]
fn each_version_can_be_switched_off() {
    bounded(|| {
        let http2 = config(|config| config.versions = Versions::Http2);
        let server = serve_with(http2, |_, _| Ok(()));
        assert_eq!(&answer_to(&server, UPGRADE), b"HTTP/1.1 505");
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));

        let http1 = config(|config| config.versions = Versions::Http1);
        let server = serve_with(http1, |_, _| Ok(()));
        assert_eq!(&answer_to(&server, UPGRADE), b"HTTP/1.1 200");
        let mut raw = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        raw.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        raw.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d");
    });
}

#[cfg(feature = "tls")]
#[test]
fn tls_is_served_and_its_facts_are_available() {
    use h2_sync::server::Server;
    use h2_sync::tls::{Acceptor, Connector};

    use crate::support::eventually;

    bounded(|| {
        let made = rcgen::generate_simple_self_signed(["test.example".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let handler = |request: &mut Request, response: &mut Response| {
            let facts = request.tls().unwrap();
            write!(response, "{:?} {:?}", facts.server_name, facts.alpn_protocol)
        };
        let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor).serve(handler).unwrap();
        let stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let connector = Connector::with_only_roots(certificate.as_bytes()).unwrap();
        let stream = connector.connect("test.example", stream, crate::support::LONG).unwrap();
        let mut client = Client::over(stream, Default::default());
        let expected = format!("{:?} {:?}", Some("test.example"), Some(b"h2"));
        assert_eq!(client.fetch("/").text(), expected);

        // A client without TLS fails its own connection alone.
        let mut raw = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        raw.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = raw.read_to_end(&mut Vec::new());
        eventually(|| server.stats().connections_failed == 1);
        assert_eq!(client.fetch("/").text(), expected);
        server.shutdown(crate::support::LONG);
        client.until_closed();
    });
}

/// A transport that panics in a read or a write on demand.
struct Panics {
    stream: Duplex,
    reads: usize,
    writes: usize,
}

struct Reads(ReadHalf<Duplex>, usize);

struct Writes(WriteHalf<Duplex>, usize);

fn count_down(left: &mut usize) {
    assert!(*left > 0, "as it was told");
    *left -= 1;
}

impl Transport for Panics {
    type Reader = Reads;
    type Writer = Writes;

    fn split(self) -> io::Result<Halves<Reads, Writes>> {
        let Halves { reader, writer, closer } = self.stream.split()?;
        let closer = Closer::new(move |how| match how {
            Shutdown::Write => closer.shutdown_write(),
            _ => closer.close(),
        });
        Ok(Halves {
            reader: Reads(reader, self.reads),
            writer: Writes(writer, self.writes),
            closer,
        })
    }
}

impl Read for Reads {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        count_down(&mut self.1);
        self.0.read(buf)
    }
}

impl Write for Writes {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        count_down(&mut self.1);
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn a_transport_that_panics_ends_its_connection() {
    bounded(|| {
        for (reads, writes) in [(3, 99), (2, 99), (99, 1), (99, 2), (99, 0)] {
            let (near, stream) = duplex(64 << 10);
            let far = Panics { stream, reads, writes };
            let server = thread::spawn(move || serve_connection(far, Config::default(), hello));
            let mut client = Client::over(near, Default::default());
            while client.closed.is_none() {
                let sent = client.session.open(&crate::support::get("/"), true);
                if sent.is_err() {
                    client.until_closed();
                }
                client.session.put_act(h2_sync::Act::Ping).ok();
                client.look();
            }
            let ended = server.join().unwrap();
            assert!(ended.is_ok(), "{reads} reads and {writes} writes: {ended:?}");
            let reason = client.until_closed();
            assert!(
                matches!(
                    reason,
                    Reason::Peer { goaway: None | Some(ErrorCode::InternalError), .. }
                ),
                "{reason:?}"
            );
        }
    });
}

#[cfg(feature = "tls-ring")]
#[test]
fn a_certificate_resolver_that_panics_costs_its_connection_alone() {
    use std::sync::Arc;

    use h2_sync::server::Server;
    use h2_sync::tls::rustls::server::{ClientHello, ResolvesServerCert};
    use h2_sync::tls::rustls::{ServerConfig, crypto, sign::CertifiedKey};
    use h2_sync::tls::{Acceptor, Connector};

    use crate::support::eventually;

    #[derive(Debug)]
    struct Panics;
    impl ResolvesServerCert for Panics {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            panic!("as asked for")
        }
    }

    bounded(|| {
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::new(Panics));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let server = Server::bind("127.0.0.1:0").unwrap();
        let server = server.tls(Acceptor::from_config(config)).serve(hello).unwrap();
        for failed in 1..=3 {
            let stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            let connector = Connector::new().unwrap();
            assert!(connector.connect("localhost", stream, crate::support::LONG).is_err());
            eventually(|| server.stats().connections_failed == failed);
        }
        eventually(|| server.stats().connections == 0);
    });
}
