//! The example `doh` with a resolver of ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use h2_sync::BoxError;
use h2_sync::server::{Handle, Request, Response, Server};

use crate::peer::{self, Guard};

const LONG: Duration = Duration::from_secs(60);

/// A record for the name of the question, which is at octet 12: an address of IPv4.
const ADDRESS: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 100, 0, 4, 192, 0, 2, 1];

/// `www.` before the name of the question is another name for it.
const ALIAS: &[u8] = &[3, b'w', b'w', b'w', 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 100, 0, 2, 0xc0, 12];

/// A name that goes on at its own place, in the answer for `bad.example`.
const LOOP: &[u8] = &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 100, 0, 2, 0xc0, 41];

/// Answers a question by the first label of its name.
fn answer(question: &[u8]) -> Vec<u8> {
    let records = match &question[13..16] {
        b"one" => vec![ALIAS, ADDRESS],
        b"big" => vec![ADDRESS; 100],
        b"bad" => vec![LOOP],
        _ => vec![],
    };
    let mut message = question.to_vec();
    (message[2], message[3]) = (0x81, 0x80);
    message[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    message.extend(records.concat());
    message
}

fn resolver() -> (Handle, String) {
    let handler = |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
        assert_eq!(request.field("content-type"), Some("application/dns-message"));
        let mut question = Vec::new();
        request.read_to_end(&mut question)?;
        // RFC 8484, Section 4.1.
        assert_eq!(question[..2], [0, 0]);
        if &question[13..16] == b"off" {
            return Ok(response.set_status(503)?);
        }
        response.set_header("content-type", "application/dns-message")?;
        response.set_header("age", "40")?;
        Ok(response.send(answer(&question))?)
    };
    let server = Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap();
    let url = format!("http://{}/dns-query", server.local_addr().unwrap());
    (server, url)
}

/// A question for the address of a name of one label.
fn question(id: u16, name: &str) -> Vec<u8> {
    let header = [&id.to_be_bytes(), &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..]].concat();
    [&*header, &[name.len() as u8], name.as_bytes(), &[0, 0, 1, 0, 1]].concat()
}

#[test]
fn lookup_prints_addresses_and_other_names() {
    let Some(program) = peer::example("doh") else { return };
    let (_server, url) = resolver();
    let output = peer::run(Command::new(&program).args(["lookup", &url, "one.example"]));
    assert!(output.success, "{}", output.text);
    let expected = "www.one.example 60 is one.example\none.example 60 192.0.2.1\n";
    assert!(output.text.contains(expected), "{}", output.text);
    for (name, why) in
        [("bad.example", "malformed"), ("off.example", "503"), ("a..example", "invalid name")]
    {
        let output = peer::run(Command::new(&program).args(["lookup", &url, name]));
        assert!(!output.success && output.text.contains(why), "{name}: {}", output.text);
    }
}

/// Starts a forwarder, and returns it with its address.
fn forwarder(url: &str) -> Option<(Guard, String)> {
    let mut command = Command::new(peer::example("doh")?);
    command.args(["forward", url, "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut guard = Guard(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(guard.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
    Some((guard, address))
}

/// Sends a question by TCP, and returns the answer.
fn ask_by_tcp(tcp: &mut TcpStream, question: &[u8]) -> Vec<u8> {
    tcp.write_all(&[&(question.len() as u16).to_be_bytes(), question].concat()).unwrap();
    let mut length = [0; 2];
    tcp.read_exact(&mut length).unwrap();
    let mut whole = vec![0; u16::from_be_bytes(length).into()];
    tcp.read_exact(&mut whole).unwrap();
    whole
}

#[test]
fn forwarder_answers_by_udp_and_tcp() {
    let (_server, url) = resolver();
    let Some((_guard, address)) = forwarder(&url) else { return };

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(LONG)).unwrap();
    udp.connect(&address).unwrap();
    let ask = |message: &[u8]| {
        udp.send(message).unwrap();
        let mut buffer = [0; 65_535];
        let n = udp.recv(&mut buffer).unwrap();
        buffer[..n].to_vec()
    };
    let one = question(0x1234, "one");
    assert_eq!(ask(&one), answer(&one));
    // Many at once.
    for id in 0..50 {
        udp.send(&question(id, "one")).unwrap();
    }
    let mut ids = Vec::from_iter((0..50).map(|_| {
        let mut buffer = [0; 512];
        udp.recv(&mut buffer).unwrap();
        u16::from_be_bytes([buffer[0], buffer[1]])
    }));
    ids.sort_unstable();
    assert_eq!(ids, Vec::from_iter(0..50));

    // Neither an answer nor less than a header is a question.
    udp.send(&answer(&one)).unwrap();
    udp.send(&one[..11]).unwrap();
    let failed = ask(&question(7, "off"));
    assert_eq!((&failed[..2], failed[3] & 0x0f), (&[0, 7][..], 2));

    let big = question(8, "big");
    let truncated = ask(&big);
    assert_eq!(truncated.len(), big.len());
    assert_eq!((truncated[2] & 0x02, &truncated[6..8]), (0x02, &[0, 0][..]));
    // A client that takes larger datagrams (RFC 6891).
    let mut large = big.clone();
    large[11] = 1;
    large.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    assert!(ask(&large).len() > 512);

    let mut tcp = TcpStream::connect(&address).unwrap();
    tcp.set_read_timeout(Some(LONG)).unwrap();
    for _ in 0..2 {
        assert_eq!(ask_by_tcp(&mut tcp, &big), answer(&big));
    }
}

#[test]
fn silent_tcp_clients_keep_no_other_from_an_answer() {
    let (_server, url) = resolver();
    let Some((_guard, address)) = forwarder(&url) else { return };
    let connect = || {
        let tcp = TcpStream::connect(&address).unwrap();
        tcp.set_read_timeout(Some(LONG)).unwrap();
        tcp
    };
    let mut silent: Vec<_> = (0..300).map(|_| connect()).collect();

    let one = question(1, "one");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(LONG)).unwrap();
    udp.connect(&address).unwrap();
    udp.send(&one).unwrap();
    let mut buffer = [0; 512];
    let n = udp.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..n], answer(&one));
    assert_eq!(ask_by_tcp(&mut connect(), &one), answer(&one));
    // The first was replaced, the last was not.
    assert_eq!(silent[0].read(&mut buffer).unwrap(), 0);
    assert_eq!(ask_by_tcp(&mut silent[299], &one), answer(&one));
}
