//! A tunnel through a SOCKS5 proxy (RFC 1928), optionally with user and password (RFC 1929).
//!
//! ```text
//!   client: 5, methods               proxy: 5, method
//!   client: 1, user, password        proxy: 1, 0            if that is the method
//!   client: 5, CONNECT, 0, address   proxy: 5, reply, 0, address
//! ```

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Instant;

use super::dial::{Dialer, race};
use super::origin::Origin;
use super::proxy::{Kind, Proxy};
use super::timed::Timed;
use crate::error::{Error, ErrorKind};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Connects to the proxy and requests a tunnel. If the client resolves names, every address is
/// tried as without a proxy; otherwise the proxy chooses.
pub(super) fn open(
    dialer: &Dialer,
    proxy: &Proxy,
    origin: &Origin,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    let addresses = match (origin.host.parse::<IpAddr>(), proxy.kind) {
        (Ok(ip), _) => vec![SocketAddr::new(ip, origin.port)],
        (Err(_), Kind::Socks5) => dialer.lookup(&origin.host, origin.port, deadline)?,
        (Err(_), _) => {
            let too_long = |_| Error::usage(format!("{}: too long for SOCKS5", origin.host));
            let len = u8::try_from(origin.host.len()).map_err(too_long)?;
            let name = [&[NAME, len], origin.host.as_bytes()].concat();
            return through(dialer, proxy, &name, origin.port, deadline);
        }
    };
    let (dialer, asked) = (dialer.clone(), proxy.clone());
    let connect = move |address: SocketAddr, deadline| {
        let to = ip_address(address.ip());
        Ok(through(&dialer, &asked, &to, address.port(), deadline)?)
    };
    race(&addresses, deadline, connect).map_err(|error| failed(proxy, error))
}

/// Requests a connection to one address or name.
fn through(
    dialer: &Dialer,
    proxy: &Proxy,
    address: &[u8],
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    let mut stream = dialer.dial(&proxy.host, proxy.port, deadline)?;
    ask(&mut stream, proxy, address, port, deadline)?;
    Ok(stream)
}

fn failed(proxy: &Proxy, error: io::Error) -> Error {
    Error::io(format!("asking the proxy {proxy} for a tunnel"), error)
}

fn ask(
    stream: &mut TcpStream,
    proxy: &Proxy,
    address: &[u8],
    port: u16,
    until: Instant,
) -> Result<(), Error> {
    let result = talk(&mut Timed::new(stream, until), proxy, address, port);
    result.map_err(|error| match error.get_ref() {
        // An error of this module, which has a message.
        Some(what) => Error::text(ErrorKind::Transport, format!("the proxy {proxy}: {what}")),
        None => failed(proxy, error),
    })
}

fn ip_address(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => [&[IPV4][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[IPV6][..], &ip.octets()].concat(),
    }
}

fn talk(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    address: &[u8],
    port: u16,
) -> io::Result<()> {
    let methods: &[u8] = match proxy.user {
        Some(_) => &[NO_AUTHENTICATION, USER_AND_PASSWORD],
        None => &[NO_AUTHENTICATION],
    };
    // At most two.
    let count = methods.len() as u8;
    stream.write_all(&[&[VERSION, count], methods].concat())?;
    match (read::<2>(stream)?, &proxy.user) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some((user, password))) => {
            authenticate(stream, user, password)?;
        }
        ([VERSION, _], _) => return wrong("requires an unsupported authentication method"),
        _ => return wrong("does not speak SOCKS5"),
    }
    stream.write_all(&[&[VERSION, CONNECT, 0], address, &port.to_be_bytes()].concat())?;
    let [version, reply, _, kind] = read::<4>(stream)?;
    if version != VERSION {
        return wrong("does not speak SOCKS5");
    }
    if reply != 0 {
        return wrong(reason(reply));
    }
    // The bound address is not needed, but must be read.
    match kind {
        IPV4 => drop(read::<6>(stream)?),
        IPV6 => drop(read::<18>(stream)?),
        NAME => {
            let [len] = read::<1>(stream)?;
            let mut rest = vec![0; usize::from(len) + 2];
            stream.read_exact(&mut rest)?;
        }
        _ => return wrong("answered with an address of an unknown type"),
    }
    Ok(())
}

fn authenticate(stream: &mut (impl Read + Write), user: &str, password: &str) -> io::Result<()> {
    let mut message = vec![1];
    for text in [user, password] {
        let Ok(len) = u8::try_from(text.len()) else {
            return wrong("accepts no user or password over 255 octets");
        };
        message.push(len);
        message.extend_from_slice(text.as_bytes());
    }
    stream.write_all(&message)?;
    match read::<2>(stream)? {
        [_, 0] => Ok(()),
        _ => wrong("does not accept user and password"),
    }
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets)?;
    Ok(octets)
}

fn wrong<T>(what: &'static str) -> io::Result<T> {
    Err(io::Error::other(what))
}

/// Returns the meaning of a reply code (RFC 1928, Section 6).
fn reason(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "connection not allowed",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "failure of an unknown kind",
    }
}
