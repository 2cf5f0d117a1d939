//! Reaching a server: resolvers, hooks, several addresses, proxies over TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use h2_sync::client::{Client, Config, ConnectHook, NoProxy, Proxies, Proxy, Resolver};
use h2_sync::transport::duplex;

use crate::support::{LONG, Running, bounded, config, serve};

fn hello() -> Running {
    serve(|request, response| write!(response, "hello {}", request.authority().unwrap_or("")))
}

fn with(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = config();
    change(&mut config);
    Client::with_config(config).unwrap()
}

fn text(client: &Client, url: &str) -> String {
    client.get(url).send().unwrap().text().unwrap()
}

/// An address without a listener.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn address_can_be_pinned_for_a_name() {
    bounded(|| {
        let server = hello();
        let address = server.handle.local_addr().unwrap();
        let client = with(|config| {
            config.resolver = Resolver::default().pin("name.invalid", [closed(), address]);
        });
        assert_eq!(text(&client, "http://name.invalid/"), "hello name.invalid");
    });
}

#[test]
fn names_can_be_looked_up_by_a_function() {
    bounded(|| {
        let server = hello();
        let address = server.handle.local_addr().unwrap();
        let client = with(|config| {
            config.resolver = Resolver::from_fn(move |host, port| match (host, port) {
                ("a.invalid", 81) => Ok(vec![address]),
                _ => Err(io::Error::other(format!("no {host}"))),
            });
        });
        assert_eq!(text(&client, "http://a.invalid:81/"), "hello a.invalid:81");
        let error = client.get("http://b.invalid/").send().unwrap_err();
        assert!(error.is_connect() && error.to_string().contains("no b.invalid"), "{error}");
    });
}

#[test]
fn connection_can_be_made_by_a_function() {
    bounded(|| {
        let client = with(|config| {
            config.connect_hook = Some(ConnectHook::new(|to| {
                let (near, far) = duplex(64 << 10);
                let answer = format!("{}:{} {}", to.host, to.port, to.is_https);
                thread::spawn(move || {
                    let config = h2_sync::server::Config::default();
                    h2_sync::server::serve_connection(far, config, move |_, response| {
                        response.write_all(answer.as_bytes())
                    })
                });
                Ok(near)
            }));
        });
        assert_eq!(text(&client, "http://name.invalid/"), "name.invalid:80 false");
        let fails = with(|config| {
            let hook = ConnectHook::new(|_| -> io::Result<TcpStream> {
                Err(io::ErrorKind::ConnectionRefused.into())
            });
            config.connect_hook = Some(hook);
        });
        let error = fails.get("http://a/").send().unwrap_err();
        assert!(error.is_connect(), "{error}");
        assert_eq!(error.as_io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
#[cfg(unix)]
fn unix_socket_can_be_connected_to() {
    bounded(|| {
        let path = std::env::temp_dir().join(format!("h2-sync-hook-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            let config = h2_sync::server::Config::default();
            h2_sync::server::serve_connection(
                listener.accept().unwrap().0,
                config,
                |_: &mut h2_sync::server::Request, response: &mut h2_sync::server::Response| {
                    response.write_all(b"by a path")
                },
            )
        });
        let socket = path.clone();
        let client = with(|config| {
            config.connect_hook =
                Some(ConnectHook::new(move |_| std::os::unix::net::UnixStream::connect(&socket)));
        });
        assert_eq!(text(&client, "http://localhost/"), "by a path");
        drop(std::fs::remove_file(&path));
    });
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).unwrap();
    octets
}

fn carry(near: TcpStream, far: TcpStream) {
    let (mut from_near, mut to_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    thread::spawn(move || drop(io::copy(&mut from_near, &mut to_far)));
    let (mut near, mut far) = (near, far);
    drop(io::copy(&mut far, &mut near));
}

#[test]
fn socks5_tries_all_addresses() {
    bounded(|| {
        let server = hello();
        let address = server.handle.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("socks5://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for last in [1, 2, 3] {
                let mut near = listener.accept().unwrap().0;
                read::<3>(&mut near);
                near.write_all(&[5, 0]).unwrap();
                assert_eq!(read(&mut near), [5, 1, 0, 1, 127, 0, 0, last]);
                read::<2>(&mut near);
                let reply = if last == 3 { 0 } else { 4 };
                near.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                if last == 3 {
                    carry(near, TcpStream::connect(address).unwrap());
                }
            }
        });
        let client = with(|config| {
            config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
            let addresses = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], 0)));
            config.resolver = Resolver::default().pin("name.invalid", addresses);
        });
        assert_eq!(text(&client, "http://name.invalid/"), "hello name.invalid");
    });
}

#[test]
fn an_address_that_hangs_behind_socks5_does_not_hold_up_the_next() {
    bounded(|| {
        let server = hello();
        let address = server.handle.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("socks5://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for near in listener.incoming() {
                let mut near = near.unwrap();
                read::<3>(&mut near);
                near.write_all(&[5, 0]).unwrap();
                let [.., last] = read::<8>(&mut near);
                read::<2>(&mut near);
                if last == 1 {
                    hanging.push(near);
                    continue;
                }
                near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                thread::spawn(move || carry(near, TcpStream::connect(address).unwrap()));
            }
        });
        let client = with(|config| {
            config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
            // The share of the first address would be longer than the test may take.
            config.connect_timeout = 4 * LONG;
            let addresses = [1, 2].map(|last| SocketAddr::from(([127, 0, 0, last], 0)));
            config.resolver = Resolver::default().pin("name.invalid", addresses);
        });
        assert_eq!(text(&client, "http://name.invalid/"), "hello name.invalid");
    });
}

#[test]
fn proxy_has_exceptions() {
    bounded(|| {
        let server = hello();
        let proxy = Proxy::parse(&closed().to_string()).unwrap();
        let client =
            with(|config| config.proxies = Proxies::AllBut(proxy, NoProxy::parse("127.0.0.0/8")));
        assert!(text(&client, &server.at("/")).starts_with("hello"));
        let error = client.get("http://10.0.0.1/").send().unwrap_err();
        assert!(error.is_connect(), "{error}");
    });
}

#[test]
fn silent_proxy_is_a_timeout_that_names_it() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = with(|config| {
            config.proxies = Proxies::All(Proxy::parse(&address.to_string()).unwrap());
            config.connect_timeout = std::time::Duration::from_millis(100);
        });
        let error = client.get("http://a/").send().unwrap_err();
        assert!(error.is_timeout() && error.is_connect(), "{error}");
        let text = error.to_string();
        assert!(text.contains(&address.to_string()) && !text.contains("unavailable"), "{text}");
    });
}

#[test]
#[cfg(feature = "tls")]
fn proxy_can_be_spoken_to_over_tls() {
    use h2_sync::tls::{Acceptor, Connector};
    use std::time::Duration;

    bounded(|| {
        let server = hello();
        let target = server.handle.local_addr().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("https://u:p@{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let error = acceptor.with_http1().accept(socket, Duration::from_secs(60)).unwrap_err();
            let mut stream = error.into_stream().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                stream.read_exact(&mut octet).unwrap();
                head.push(octet[0]);
            }
            let head = String::from_utf8(head).unwrap();
            assert!(head.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{head}");
            assert!(head.contains("proxy-authorization: Basic dTpw\r\n"), "{head}");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let halves = h2_sync::transport::Transport::split(stream).unwrap();
            let (mut reader, mut writer) = (halves.reader, halves.writer);
            let far = TcpStream::connect(target).unwrap();
            let mut to_far = far.try_clone().unwrap();
            thread::spawn(move || drop(io::copy(&mut reader, &mut to_far)));
            let mut far = far;
            drop(io::copy(&mut far, &mut writer));
        });
        let client = with(|config| {
            config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
            config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
        });
        assert!(text(&client, &server.at("/")).starts_with("hello"));
    });
}
