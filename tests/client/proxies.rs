//! Tunnels through hand-written proxies.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use h2_sync::ErrorKind;
use h2_sync::client::{Client, Proxies, Proxy};

use crate::support::{Running, bounded, serve};

fn hello() -> Running {
    serve(|_, response| response.write_all(b"hello"))
}

/// A client behind a proxy that runs `talk`, then relays octets to the returned address.
fn through(
    scheme: &str,
    talk: impl FnOnce(&mut TcpStream) -> Option<String> + Send + 'static,
) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("{scheme}{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut near = listener.accept().unwrap().0;
        let Some(target) = talk(&mut near) else { return };
        let far = TcpStream::connect(target).unwrap();
        let (mut near_reads, mut far_writes) =
            (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || drop(io::copy(&mut near_reads, &mut far_writes)));
        let (mut near, mut far) = (near, far);
        drop(io::copy(&mut far, &mut near));
        drop(near.shutdown(std::net::Shutdown::Both));
    });
    let mut config = crate::support::config();
    config.proxies = Proxies::All(Proxy::parse(&proxy).unwrap());
    Client::with_config(config).unwrap()
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn connect_opens_a_tunnel() {
    bounded(|| {
        let server = hello();
        let target = server.handle.local_addr().unwrap().to_string();
        let there = target.clone();
        let client = through("http://user:secret@", move |stream| {
            let head = read_head(stream);
            assert!(head.starts_with(&format!("CONNECT {there} HTTP/1.1\r\nhost: {there}\r\n")));
            assert!(head.contains("proxy-authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
            // In pieces, as TCP may deliver it.
            for piece in ["HTTP/1.1 200 OK\r\nvia", ": x\r\n\r", "\n"] {
                stream.write_all(piece.as_bytes()).unwrap();
            }
            Some(there)
        });
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "hello");
    });
}

#[test]
fn a_proxy_that_opens_no_tunnel_says_why() {
    bounded(|| {
        let client = through("http://", |stream| {
            read_head(stream);
            stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").unwrap();
            None
        });
        let error = client.get("http://127.0.0.1:9/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains("407 Proxy Authentication Required"), "{error}");
    });
}

#[test]
fn a_proxy_that_speaks_something_else_is_a_clear_error() {
    bounded(|| {
        let client = through("http://", |stream| {
            read_head(stream);
            stream.write_all(b"SSH-2.0-hello\r\n\r\n").unwrap();
            None
        });
        let error = client.get("http://127.0.0.1:9/").send().unwrap_err();
        assert!(error.to_string().contains("does not answer in HTTP/1.1"), "{error}");
    });
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).unwrap();
    octets
}

#[test]
fn socks5_opens_a_tunnel_with_user_and_password() {
    bounded(|| {
        let server = hello();
        let target = server.handle.local_addr().unwrap();
        let client = through("socks5://user:secret@", move |stream| {
            assert_eq!(read(stream), [5, 2, 0, 2]);
            stream.write_all(&[5, 2]).unwrap();
            assert_eq!(&read::<13>(stream), b"\x01\x04user\x06secret");
            stream.write_all(&[1, 0]).unwrap();
            assert_eq!(read(stream), [5, 1, 0, 1, 127, 0, 0, 1]);
            assert_eq!(u16::from_be_bytes(read(stream)), target.port());
            stream.write_all(&[5, 0, 0, 3, 1, b'x', 0, 80]).unwrap();
            Some(target.to_string())
        });
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "hello");
    });
}

#[test]
fn socks5h_leaves_the_name_to_the_proxy() {
    bounded(|| {
        let server = hello();
        let target = server.handle.local_addr().unwrap();
        let client = through("socks5h://", move |stream| {
            assert_eq!(read(stream), [5, 1, 0]);
            stream.write_all(&[5, 0]).unwrap();
            assert_eq!(&read::<19>(stream), b"\x05\x01\x00\x03\x0cname.invalid\x00\x50");
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            Some(target.to_string())
        });
        assert_eq!(client.get("http://name.invalid/").send().unwrap().text().unwrap(), "hello");
    });
}

#[test]
fn a_refusal_of_socks5_says_why() {
    bounded(|| {
        let client = through("socks5://", |stream| {
            read::<3>(stream);
            stream.write_all(&[5, 0]).unwrap();
            read::<10>(stream);
            stream.write_all(&[5, 5, 0, 1]).unwrap();
            None
        });
        let error = client.get("http://127.0.0.1:9/").send().unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
    });
}
