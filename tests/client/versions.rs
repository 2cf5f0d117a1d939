//! Version negotiation with this crate's server, and the same calls in each version.

use std::io::{self, Read, Write};

use h2_sync::client::{Body, Client, Versions};
use h2_sync::server::{self, Handle, Request, Response, Server};
use http::{HeaderMap, Version};

use crate::http1_peer;
use crate::support::{bounded, octets};

fn echo(request: &mut Request, response: &mut Response) -> io::Result<()> {
    response.set_header("x-version", format!("{:?}", request.version()))?;
    io::copy(request, response).map(drop)
}

fn serving(versions: server::Versions) -> (Handle, String) {
    let mut config = server::Config::default();
    config.versions = versions;
    let handle = Server::bind("127.0.0.1:0").unwrap().config(config).serve(echo).unwrap();
    let url = format!("http://{}/", handle.local_addr().unwrap());
    (handle, url)
}

fn client(versions: Versions, prior_knowledge: bool) -> Client {
    let mut config = http1_peer::config();
    (config.versions, config.prior_knowledge) = (versions, prior_knowledge);
    Client::with_config(config).unwrap()
}

fn version(client: &Client, url: &str) -> Version {
    let response = client.post(url).body("hello").send().unwrap();
    let (version, told) = (response.version(), response.header("x-version").unwrap().to_owned());
    assert_eq!(format!("{version:?}"), told);
    assert_eq!(response.text().unwrap(), "hello");
    version
}

#[test]
fn without_tls_http2_is_spoken_by_prior_knowledge_alone() {
    bounded(|| {
        let (_server, url) = serving(server::Versions::Both);
        for (versions, prior_knowledge, spoken) in [
            (Versions::Auto, false, Version::HTTP_11),
            (Versions::Auto, true, Version::HTTP_2),
            (Versions::Http1, true, Version::HTTP_11),
            (Versions::Http2, false, Version::HTTP_2),
        ] {
            let client = client(versions, prior_knowledge);
            assert_eq!(version(&client, &url), spoken, "{versions:?} {prior_knowledge}");
            // Again on the same connection.
            assert_eq!(version(&client, &url), spoken);
        }
    });
}

#[cfg(feature = "tls")]
mod tls {
    use h2_sync::client::Config;
    use h2_sync::tls::{Acceptor, Connector};

    use super::*;

    fn serving(versions: server::Versions) -> (Handle, String, Config) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let mut config = server::Config::default();
        config.versions = versions;
        let server = Server::bind("127.0.0.1:0").unwrap().config(config).tls(acceptor);
        let server = server.serve(echo).unwrap();
        let url = format!("https://{}/", server.local_addr().unwrap());
        let mut config = http1_peer::config();
        config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
        (server, url, config)
    }

    #[test]
    fn over_tls_the_version_is_the_one_that_the_server_chooses() {
        bounded(|| {
            for (theirs, ours, spoken) in [
                (server::Versions::Both, Versions::Auto, Version::HTTP_2),
                (server::Versions::Both, Versions::Http1, Version::HTTP_11),
                (server::Versions::Both, Versions::Http2, Version::HTTP_2),
                (server::Versions::Http1, Versions::Auto, Version::HTTP_11),
                (server::Versions::Http2, Versions::Auto, Version::HTTP_2),
            ] {
                let (_server, url, mut config) = serving(theirs);
                config.versions = ours;
                let client = Client::with_config(config).unwrap();
                assert_eq!(version(&client, &url), spoken, "{theirs:?} {ours:?}");
                assert!(client.get(&*url).send().unwrap().facts().is_reused());
            }
        });
    }

    #[test]
    fn server_of_http1_alone_is_an_error_where_http2_alone_is_wanted() {
        bounded(|| {
            let (_server, url, mut config) = serving(server::Versions::Http1);
            config.versions = Versions::Http2;
            let error = Client::with_config(config).unwrap().get(url).send().unwrap_err();
            assert!(error.is_tls() && error.is_connect(), "{error:?}");
        });
    }

    /// RFC 9112, Section 9.8.
    #[test]
    fn body_that_ends_with_the_connection_is_whole_only_where_tls_says_so() {
        use h2_sync::tls::rustls::{ServerConnection, StreamOwned};
        bounded(|| {
            let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
            let acceptor = acceptor.with_http1();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("https://{}/", listener.local_addr().unwrap());
            std::thread::spawn(move || {
                for says_so in [true, false] {
                    let tls = ServerConnection::new(acceptor.config().clone()).unwrap();
                    let mut stream = StreamOwned::new(tls, listener.accept().unwrap().0);
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut octet = [0];
                        stream.read_exact(&mut octet).unwrap();
                        head.push(octet[0]);
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
                    if says_so {
                        stream.conn.send_close_notify();
                    }
                    stream.flush().unwrap();
                }
            });
            let mut config = http1_peer::config();
            config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
            config.versions = Versions::Http1;
            let client = Client::with_config(config).unwrap();
            assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "hello");
            let error = client.get(&*url).send().unwrap().text().unwrap_err();
            assert!(error.is_closed(), "{error:?}");
        });
    }

    #[test]
    fn large_bodies_go_both_ways_over_tls() {
        bounded(|| {
            let (_server, url, mut config) = serving(server::Versions::Http1);
            config.versions = Versions::Auto;
            super::echo_large(&Client::with_config(config).unwrap(), &url);
        });
    }
}

/// Both framings: known length, and chunked.
fn echo_large(client: &Client, url: &str) {
    let sent = octets(10 << 20);
    let known = Body::from(sent.clone());
    let unknown = Body::from_reader(io::Cursor::new(sent.clone()));
    for body in [known, unknown] {
        let mut response = client.post(url).body(body).send().unwrap();
        let mut received = Vec::new();
        response.read_to_end(&mut received).unwrap();
        assert!(received == sent);
    }
}

#[test]
fn large_bodies_go_both_ways_in_both_framings() {
    bounded(|| {
        let (_server, url) = serving(server::Versions::Both);
        echo_large(&client(Versions::Http1, false), &url);
    });
}

#[test]
fn both_halves_of_an_exchange_are_used_at_once() {
    bounded(|| {
        let (_server, url) = serving(server::Versions::Both);
        for versions in [Versions::Http1, Versions::Http2] {
            let client = client(versions, false);
            let request = http::Request::post(&*url).header("te", "trailers").body(()).unwrap();
            let (mut send, mut response) = client.open(request).unwrap();
            assert_eq!(send.stream_id().is_some(), versions == Versions::Http2);
            assert_eq!(response.stream_id(), send.stream_id());
            let writing = std::thread::spawn(move || {
                for piece in octets(1 << 20).chunks(10_000) {
                    send.write_all(piece).unwrap();
                }
                let mut trailers = HeaderMap::new();
                trailers.insert("x-sum", "1".parse().unwrap());
                send.send_trailers(&trailers).unwrap();
            });
            assert_eq!(response.response().unwrap().status(), 200);
            assert_eq!(response.fields().unwrap().get(":status"), Some("200"));
            let mut received = Vec::new();
            response.read_to_end(&mut received).unwrap();
            assert!(received == octets(1 << 20), "{versions:?}");
            writing.join().unwrap();
        }
    });
}

#[test]
fn get_with_halves_has_no_body_in_http11() {
    bounded(|| {
        let (peer, url) = http1_peer::server(|server| server.accept().answer("hello"));
        let request = http::Request::get(&*url).body(()).unwrap();
        let (mut send, response) = http1_peer::client().open(request).unwrap();
        send.finish().unwrap();
        assert_eq!(io::read_to_string(response).unwrap(), "hello");
        let head = peer.join().unwrap();
        assert!(!head.contains("transfer-encoding") && !head.contains("content-length"), "{head}");
    });
}

#[test]
fn body_and_trailers_can_be_read_without_asking_for_the_head() {
    bounded(|| {
        let (_peer, url) = http1_peer::server(|server| {
            let mut peer = server.accept();
            for _ in 0..2 {
                peer.head();
                peer.write("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n");
                peer.write("transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n");
            }
        });
        let client = http1_peer::client();
        let open = || {
            let request = http::Request::get(&*url).body(()).unwrap();
            let (mut send, response) = client.open(request).unwrap();
            send.finish().unwrap();
            response
        };
        assert_eq!(open().trailers().unwrap().unwrap()["x-sum"], "1");
        let mut response = open();
        assert_eq!(response.next_chunk().unwrap().unwrap(), "hi");
        assert_eq!(response.response().unwrap().status(), 200);
    });
}

#[test]
fn half_that_is_dropped_before_its_end_ends_the_exchange() {
    bounded(|| {
        let (_server, url) = serving(server::Versions::Both);
        let client = client(Versions::Http1, false);
        let request = || http::Request::post(&*url).body(()).unwrap();
        let (mut send, response) = client.open(request()).unwrap();
        drop(response);
        let error = loop {
            if let Err(error) = send.write_all(&[0; 100_000]) {
                break h2_sync::Error::from(error);
            }
        };
        assert!(error.is_closed(), "{error:?}");
        let (send, mut response) = client.open(request()).unwrap();
        drop(send);
        assert!(response.response().and_then(|_| response.trailers()).is_err());
        assert_eq!(version(&client, &url), Version::HTTP_11);
    });
}

#[cfg(feature = "gzip")]
#[test]
fn compressed_responses_are_inflated() {
    bounded(|| {
        let packed = {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            packer.write_all(b"hello hello hello").unwrap();
            packer.finish().unwrap()
        };
        let (peer, url) = http1_peer::server(move |server| {
            let mut peer = server.accept();
            let head = peer.head();
            let fields = format!("content-encoding: gzip\r\ncontent-length: {}\r\n", packed.len());
            peer.write(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
            peer.write(packed);
            head
        });
        let response = http1_peer::client().get(url).send().unwrap();
        assert_eq!(response.header("content-length"), None);
        assert_eq!(response.text().unwrap(), "hello hello hello");
        assert!(peer.join().unwrap().contains("\r\naccept-encoding: "));
    });
}

#[test]
fn options_of_the_server_as_a_whole_ask_for_an_asterisk() {
    bounded(|| {
        let (peer, url) = http1_peer::server(|server| server.accept().answer(""));
        http1_peer::client().options(url).send().unwrap();
        let head = peer.join().unwrap();
        assert!(head.starts_with("OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1:"), "{head}");
    });
}
