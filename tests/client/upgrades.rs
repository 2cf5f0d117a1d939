//! Requests that ask the server to switch protocols.

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Client, Config, Proxies, Proxy, Tunnel, Upgraded, Versions};
use h2_sync::frame::Setting;
use h2_sync::server::{self, Request, Response, Server};
use h2_sync::{Error, ErrorCode, ErrorKind};
use http::Version;

use crate::http1_peer::{Peer1, client, config, server};
use crate::peer::Peer;
use crate::support::{LONG, bounded};

const SWITCHES: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

fn switched(upgraded: Result<Upgraded, Error>) -> Tunnel {
    match upgraded.unwrap() {
        Upgraded::Switched(tunnel) => *tunnel,
        Upgraded::Refused(response) => panic!("refused: {response:?}"),
    }
}

/// Sends `hello`, and expects its echo.
fn assert_echo(mut tunnel: Tunnel) {
    tunnel.send.send("hello").unwrap();
    tunnel.send.finish().unwrap();
    assert_eq!(std::io::read_to_string(tunnel.recv).unwrap(), "hello");
}

fn echo(request: &mut Request, response: &mut Response) -> Result<(), Error> {
    if !request.asks_to_upgrade("echo") {
        return response.send("plain");
    }
    let (mut recv, mut send) = response.upgrade(request, "echo")?;
    while let Some(octets) = recv.next_chunk()? {
        send.send(octets)?;
    }
    send.finish()
}

fn serving(websockets: bool) -> (server::Handle, String) {
    let mut config = server::Config::default();
    config.websockets = websockets;
    let handle = Server::bind("127.0.0.1:0").unwrap().config(config).serve(echo).unwrap();
    let url = format!("http://{}/", handle.local_addr().unwrap());
    (handle, url)
}

fn of_versions(versions: Versions, prior_knowledge: bool) -> Client {
    changed(|config| (config.versions, config.prior_knowledge) = (versions, prior_knowledge))
}

fn changed(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = config();
    change(&mut config);
    Client::with_config(config).unwrap()
}

#[test]
fn server_is_asked_by_upgrade_and_octets_behind_its_101_are_the_first_of_the_tunnel() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            let head = peer.head();
            peer.write(format!("{SWITCHES}first"));
            (head, peer.octets(6))
        });
        let client = client();
        let mut tunnel =
            switched(client.get(format!("{url}/a?b")).header("x-a", "1").upgrade("echo"));
        assert_eq!(
            (tunnel.response.status().as_u16(), tunnel.response.version()),
            (101, Version::HTTP_11)
        );
        tunnel.send.send("second").unwrap();
        let mut first = [0; 5];
        tunnel.recv.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"first");
        let (head, second) = peer.join().unwrap();
        assert_eq!(second, b"second");
        assert!(head.starts_with("GET /a?b HTTP/1.1\r\n"), "{head}");
        for field in ["upgrade: echo", "connection: upgrade", "x-a: 1"] {
            assert!(head.contains(&format!("\r\n{field}\r\n")), "{head}");
        }
        assert!(tunnel.recv.next_chunk().unwrap().is_none());
    });
}

#[test]
fn any_other_status_is_an_ordinary_response() {
    bounded(|| {
        let (_peer, url) = server(|server| drop(server.accept().answer("no")));
        let Upgraded::Refused(response) = client().get(url).upgrade("echo").unwrap() else {
            panic!("switched")
        };
        assert_eq!((response.status().as_u16(), response.text().unwrap()), (200, "no".to_owned()));
    });
}

#[test]
fn switch_that_was_not_asked_for_is_an_error() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write(SWITCHES);
            peer.rest();
        });
        let error = client().get(url).send().unwrap_err();
        assert!(error.to_string().contains("101 without an upgrade"), "{error}");
    });
}

#[test]
fn switch_to_another_protocol_is_an_error() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write(SWITCHES.replace("echo", "other"));
            peer.rest();
        });
        let error = client().get(url).upgrade("echo").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Peer);
        assert!(error.to_string().contains("switched to \"other\", not to \"echo\""), "{error}");
    });
}

#[test]
fn request_that_cannot_ask_is_an_error_before_anything_is_sent() {
    let client = client();
    let url = "http://192.0.2.1/";
    for error in [
        client.post(url).upgrade("echo").unwrap_err(),
        client.get(url).body("x").upgrade("echo").unwrap_err(),
        client.get(url).upgrade("").unwrap_err(),
        client.get(url).upgrade("a b").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Caller, "{error}");
    }
}

#[test]
fn extended_connect_shares_the_connection_with_other_requests() {
    bounded(|| {
        let (server, url) = serving(true);
        let client = of_versions(Versions::Http2, false);
        let tunnels: Vec<_> = (0..3).map(|_| switched(client.get(&*url).upgrade("echo"))).collect();
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "plain");
        assert_eq!((server.stats().connections, client.connections().len()), (1, 1));
        for tunnel in tunnels {
            assert_eq!(
                (tunnel.response.status().as_u16(), tunnel.response.version()),
                (200, Version::HTTP_2)
            );
            assert_echo(tunnel);
        }
    });
}

#[test]
fn many_threads_may_ask_on_a_connection_whose_settings_have_not_come() {
    bounded(|| {
        let (_server, url) = serving(true);
        let client = of_versions(Versions::Http2, false);
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| assert_echo(switched(client.get(&*url).upgrade("echo"))));
            }
        });
    });
}

#[test]
fn server_that_does_not_announce_extended_connect_is_asked_in_http11() {
    bounded(|| {
        let (server, url) = serving(false);
        let client = of_versions(Versions::Auto, true);
        let tunnel = switched(client.get(&*url).upgrade("echo"));
        assert_eq!(tunnel.response.version(), Version::HTTP_11);
        // Other requests still use HTTP/2.
        assert_eq!(client.get(&*url).send().unwrap().version(), Version::HTTP_2);
        assert_eq!(server.stats().connections, 2);
        assert_echo(tunnel);
        let error = of_versions(Versions::Http2, false).get(&*url).upgrade("echo").unwrap_err();
        assert!(error.to_string().contains("does not announce extended CONNECT"), "{error}");
    });
}

#[test]
fn server_whose_settings_do_not_come_is_waited_for_within_bounds() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let client = of_versions(Versions::Http2, false);
        let request = client.get(url).response_timeout(Duration::from_millis(50));
        let error = request.upgrade("echo").unwrap_err();
        assert!(error.is_timeout(), "{error}");
    });
}

#[test]
fn server_that_requires_http11_is_asked_in_it() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let peer = thread::spawn(move || {
            let mut peer = Peer::accept_with(&listener, vec![Setting::EnableConnectProtocol(true)]);
            let (id, fields) = peer.receive_headers();
            assert_eq!(fields.get(":protocol"), Some("echo"));
            peer.reset(id, ErrorCode::Http11Required);
            let mut second = Peer1::new(listener.accept().unwrap().0);
            second.head();
            second.write(SWITCHES);
            let octets = second.octets(5);
            second.write(octets);
        });
        let mut tunnel = switched(of_versions(Versions::Auto, true).get(url).upgrade("echo"));
        tunnel.send.send("hello").unwrap();
        assert_eq!(std::io::read_to_string(tunnel.recv).unwrap(), "hello");
        peer.join().unwrap();
    });
}

#[test]
fn proxy_opens_a_tunnel_also_without_tls() {
    bounded(|| {
        let (peer, proxy) = server(|server| {
            let mut peer = server.accept();
            let asked = peer.head();
            peer.write("HTTP/1.1 200 OK\r\n\r\n");
            let head = peer.head();
            peer.write(SWITCHES);
            (asked, head)
        });
        let client = changed(|config| config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap()));
        switched(client.get("http://origin.invalid:81/").upgrade("echo"));
        let (asked, head) = peer.join().unwrap();
        assert!(asked.starts_with("CONNECT origin.invalid:81 HTTP/1.1\r\n"), "{asked}");
        assert!(head.starts_with("GET / HTTP/1.1\r\nhost: origin.invalid:81\r\n"), "{head}");
    });
}

#[test]
fn tunnels_in_http11_do_not_count_against_the_connections_of_the_pool() {
    bounded(|| {
        let (server, url) = serving(false);
        let client = changed(|config| config.max_http1_connections_per_origin = 1);
        let tunnels: Vec<_> = (0..3).map(|_| switched(client.get(&*url).upgrade("echo"))).collect();
        assert_eq!(client.get(&*url).timeout(LONG).send().unwrap().text().unwrap(), "plain");
        assert_eq!(server.stats().connections, 4);
        tunnels.into_iter().for_each(assert_echo);
    });
}

#[test]
fn tunnel_outlives_its_client() {
    bounded(|| {
        for (websockets, versions) in [(false, Versions::Http1), (true, Versions::Http2)] {
            let (_server, url) = serving(websockets);
            let client = of_versions(versions, false);
            let tunnel = switched(client.get(&*url).upgrade("echo"));
            drop(client);
            assert_echo(tunnel);
        }
    });
}

#[cfg(feature = "tls")]
mod tls {
    use super::*;
    use h2_sync::tls::{Acceptor, Connector};

    /// A server with TLS, its URL, and a client that trusts it.
    fn serving(websockets: bool) -> (server::Handle, String, Client) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let mut config = server::Config::default();
        config.websockets = websockets;
        let server = Server::bind("127.0.0.1:0").unwrap().config(config).tls(acceptor);
        let handle = server.serve(echo).unwrap();
        let url = format!("https://{}/", handle.local_addr().unwrap());
        let roots = Connector::with_only_roots(certificate.as_bytes()).unwrap();
        (handle, url, changed(|config| config.tls = Some(roots)))
    }

    #[test]
    fn announcement_decides_about_the_version_over_tls() {
        bounded(|| {
            for (websockets, version) in [(true, Version::HTTP_2), (false, Version::HTTP_11)] {
                let (_server, url, client) = serving(websockets);
                let tunnel = switched(client.get(&*url).upgrade("echo"));
                assert_eq!(tunnel.response.version(), version);
                assert_eq!(client.get(&*url).send().unwrap().version(), Version::HTTP_2);
                assert_echo(tunnel);
            }
        });
    }
}
