//! Certificates that are replaced while the server runs, and chosen by name.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use h2_sync::client::Connection;
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::tls::rustls::pki_types::CertificateDer;
use h2_sync::tls::{Acceptor, Certificates, Connector, TlsStream};
use rcgen::{CertificateParams, KeyPair};

use crate::support::*;

/// A directory with pairs of PEM files, which is removed at the end.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Self {
        let place = std::env::temp_dir().join(format!("h2-sync-{test}-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Files(place)
    }

    fn chain(&self, pair: &str) -> PathBuf {
        self.0.join(format!("{pair}.pem"))
    }

    fn key(&self, pair: &str) -> PathBuf {
        self.0.join(format!("{pair}.key"))
    }

    /// Writes a new certificate for these names. Returns it.
    fn write(&self, pair: &str, names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        replace(&self.chain(pair), &made.pem());
        replace(&self.key(pair), &key.serialize_pem());
        made.der().clone()
    }

    fn certificates(&self, pair: &str) -> Certificates {
        Certificates::from_pem_files(self.chain(pair), self.key(pair)).unwrap()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Replaces a file in one step, as tools that renew certificates do.
fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

fn serve(server: Server, certificates: &Certificates) -> Handle {
    let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    server.tls(Acceptor::from_certificates(certificates).unwrap()).serve(handler).unwrap()
}

/// Connects without a session to resume, and asks for this name.
fn connect(server: &Handle, name: &str) -> TlsStream<TcpStream> {
    let connector = Connector::new().unwrap().danger_accept_invalid_certificates();
    let socket = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    connector.with_http1().connect(name, socket, LONG).unwrap()
}

/// The certificate that a client gets that asks for this name. An IP address is not sent.
fn certificate(server: &Handle, name: &str) -> CertificateDer<'static> {
    connect(server, name).facts().peer_certificates[0].clone()
}

#[test]
fn reloaded_certificate_is_used_by_the_next_handshake() {
    bounded(|| {
        let files = Files::new("reloaded");
        let old = files.write("a", &[NAME]);
        let certificates = files.certificates("a");
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        assert_eq!(certificate(&server, NAME), old);
        let new = files.write("a", &[NAME]);
        assert_eq!(certificate(&server, NAME), old);
        certificates.reload().unwrap();
        assert_eq!(certificate(&server, NAME), new);
    });
}

#[test]
fn connection_goes_on_after_its_certificate_was_replaced() {
    bounded(|| {
        let files = Files::new("goes-on");
        files.write("a", &[NAME]);
        let certificates = files.certificates("a");
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        let config = h2_sync::Config::default();
        let client = Connection::start(connect(&server, NAME), config).unwrap();
        let get = || {
            let request = http::Request::get(format!("https://{NAME}/")).body(()).unwrap();
            client.send(&request).unwrap().response().unwrap().status()
        };
        assert_eq!(get(), 200);
        files.write("a", &[NAME]);
        certificates.reload().unwrap();
        assert_eq!(get(), 200);
        assert_eq!(server.stats().connections_accepted, 1);
    });
}

#[test]
fn watched_files_are_reloaded_when_they_change() {
    bounded(|| {
        let files = Files::new("watched");
        files.write("a", &[NAME]);
        let certificates = files.certificates("a");
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        let _watch = certificates.watch(Duration::from_millis(5)).unwrap();
        let new = files.write("a", &[NAME]);
        while certificate(&server, NAME) != new {
            thread::yield_now();
        }
    });
}

#[test]
fn damaged_pair_leaves_the_old_one_in_use() {
    bounded(|| {
        let files = Files::new("damaged");
        let old = files.write("a", &[NAME]);
        let certificates = files.certificates("a");
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        let key = fs::read_to_string(files.key("a")).unwrap();

        // The key does not belong to the certificate yet.
        let new = files.write("a", &[NAME]);
        let new_key = fs::read_to_string(files.key("a")).unwrap();
        replace(&files.key("a"), &key);
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains("does not belong to the first certificate in"), "{error}");
        assert!(error.contains("a.key"), "{error}");
        assert_eq!(certificate(&server, NAME), old);

        replace(&files.key("a"), "");
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains("contains no private key"), "{error}");
        fs::remove_file(files.key("a")).unwrap();
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains("cannot read the private key"), "{error}");
        assert_eq!(certificate(&server, NAME), old);

        replace(&files.key("a"), &new_key);
        certificates.reload().unwrap();
        assert_eq!(certificate(&server, NAME), new);
    });
}

#[test]
fn damaged_pair_does_not_keep_another_from_being_reloaded() {
    bounded(|| {
        let files = Files::new("another");
        let first = files.write("a", &["a.example"]);
        files.write("b", &["b.example"]);
        let certificates = files.certificates("a");
        certificates.add_pem_files(files.chain("b"), files.key("b")).unwrap();
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        replace(&files.chain("a"), "-----BEGIN CERTIFICATE-----\nAAAA\n");
        let second = files.write("b", &["b.example"]);
        certificates.reload().unwrap_err();
        assert_eq!(certificate(&server, "a.example"), first);
        assert_eq!(certificate(&server, "b.example"), second);
    });
}

#[test]
fn name_decides_which_certificate_a_client_gets() {
    bounded(|| {
        let files = Files::new("names");
        let default = files.write("default", &["www.example"]);
        let two = files.write("two", &["One.example", "two.example"]);
        let any = files.write("any", &["*.any.example", "two.example"]);
        let certificates = files.certificates("default");
        certificates.add_pem_files(files.chain("two"), files.key("two")).unwrap();
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        assert_eq!(certificate(&server, "x.any.example"), default);
        // Added while the server runs.
        certificates.add_pem_files(files.chain("any"), files.key("any")).unwrap();
        for (name, expected) in [
            ("www.example", &default),
            ("one.example", &two),
            ("ONE.example", &two),
            // The pair that was added first.
            ("two.example", &two),
            ("x.any.example", &any),
            ("any.example", &default),
            ("x.y.any.example", &default),
            ("unknown.example", &default),
            // An IP address: no name is sent.
            ("127.0.0.1", &default),
        ] {
            assert_eq!(&certificate(&server, name), expected, "{name}");
        }
    });
}

#[test]
fn names_follow_the_new_certificate() {
    bounded(|| {
        let files = Files::new("follow");
        let default = files.write("default", &["www.example"]);
        files.write("b", &["old.example"]);
        let certificates = files.certificates("default");
        certificates.add_pem_files(files.chain("b"), files.key("b")).unwrap();
        let server = serve(Server::bind("127.0.0.1:0").unwrap(), &certificates);
        let new = files.write("b", &["new.example"]);
        certificates.reload().unwrap();
        assert_eq!(certificate(&server, "old.example"), default);
        assert_eq!(certificate(&server, "new.example"), new);
    });
}

#[test]
fn handed_over_socket_serves_reloaded_certificates() {
    bounded(|| {
        let files = Files::new("handed-over");
        files.write("a", &[NAME]);
        let certificates = files.certificates("a");
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::from_listener(socket.try_clone().unwrap());
        let server = serve(server, &certificates);
        let new = files.write("a", &[NAME]);
        certificates.reload().unwrap();
        assert_eq!(certificate(&server, NAME), new);
        server.shutdown(LONG);

        // The successor reads the files as they are now.
        let certificates = files.certificates("a");
        let server = serve(Server::from_listener(socket), &certificates);
        assert_eq!(certificate(&server, NAME), new);
    });
}

#[test]
fn interval_of_zero_is_an_error() {
    let files = Files::new("zero");
    files.write("a", &[NAME]);
    let error = files.certificates("a").watch(Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("zero"), "{error}");
}
