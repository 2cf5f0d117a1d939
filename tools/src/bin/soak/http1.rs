//! Attacks on HTTP/1.1: header sections, bodies and message framing.

use std::io;
use std::time::Duration;

use crate::attacks::{Tried, on};
use crate::load::Load;
use crate::pattern::Random;
use crate::raw::Raw;
use crate::slow::SELDOM;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// The header section of a request with these framing fields.
fn post(fields: &str) -> Vec<u8> {
    format!("POST /sink HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n").into_bytes()
}

fn connect(load: &Load) -> io::Result<Raw<'_>> {
    Raw::silent(load, load.about.plain)
}

/// Ambiguous requests, sent between two valid ones.
const IN_DOUBT: &[&str] = &[
    "content-length: 5\r\ntransfer-encoding: chunked",
    "content-length: 5\r\ncontent-length: 6",
    "content-length: +5",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: gzip",
    "transfer-encoding : chunked",
    "x: y\n\tz",
    "host: b",
];

pub(crate) fn in_doubt<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let fields = IN_DOUBT[random.below(IN_DOUBT.len())];
    on(connect(load)?, |raw| raw.write(&[GET, &post(fields), b"0\r\n\r\n", GET].concat()))
}

pub(crate) fn endless_head<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    // Many fields, or a single long one.
    let piece: &[u8] = [&b"x: y\r\n"[..], b"yyyyyy"][random.below(2)];
    on(connect(load)?, |raw| {
        raw.write(GET.strip_suffix(b"\r\n").unwrap_or(GET))?;
        raw.write(b"x: ")?;
        raw.flood(100_000, true, |_, out| out.extend_from_slice(piece))
    })
}

pub(crate) fn endless_extension<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(connect(load)?, |raw| {
        raw.write(&post("transfer-encoding: chunked"))?;
        raw.write(b"5;x=")?;
        raw.flood(100_000, true, |_, out| out.extend_from_slice(b"yyyyyy"))
    })
}

/// Shuts its direction or disconnects in the middle of a body.
pub(crate) fn cut_body<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let (shuts, is_chunked) = (random.below(2) == 0, random.below(2) == 0);
    let (fields, body) = match is_chunked {
        true => ("transfer-encoding: chunked", "5\r\nhel"),
        false => ("content-length: 5", "hel"),
    };
    on(connect(load)?, |raw| {
        raw.write(&[&post(fields), body.as_bytes()].concat())?;
        if shuts {
            raw.end()?;
        }
        raw.read_for(Duration::from_millis(50)).map(drop)
    })
}

pub(crate) fn pipelined<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let reads = random.below(2) == 0;
    on(connect(load)?, |raw| raw.flood(2_000, reads, |_, out| out.extend_from_slice(GET)))
}

/// Requests with some octets replaced.
pub(crate) fn damaged<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let chunked = post("transfer-encoding: chunked");
    let mut octets = [GET, &chunked, b"5\r\nhello\r\n0\r\n\r\n", GET].concat();
    for _ in 0..3 {
        let at = random.below(octets.len());
        octets[at] ^= 1 << random.below(8);
    }
    on(connect(load)?, |raw| {
        raw.write(&octets)?;
        raw.read_for(Duration::from_millis(50)).map(drop)
    })
}

pub(crate) fn silence<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::silent_over_tls(load)?, |_| Ok(()))
}

pub(crate) fn slow_head<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(connect(load)?, |raw| {
        raw.write(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")?;
        raw.slowly(SELDOM, |raw| raw.write(b"y"))
    })
}

pub(crate) fn slow_body<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(connect(load)?, |raw| {
        raw.write(&post("transfer-encoding: chunked"))?;
        raw.slowly(SELDOM, |raw| raw.write(b"1\r\n.\r\n"))
    })
}

pub(crate) fn no_body<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(connect(load)?, |raw| raw.write(&post("content-length: 5")))
}

/// Requests a large response and does not read it.
pub(crate) fn never_reads<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(connect(load)?, |raw| {
        raw.write(b"GET /bytes/50000000 HTTP/1.1\r\nhost: a\r\n\r\n")?;
        // Writing detects the end of the connection.
        raw.slowly(SELDOM, |raw| raw.write(b"\r\n"))
    })
}
