//! Flooding attacks, each bounded in count.

use std::io;

use bytes::Bytes;
use h2_sync::ErrorCode;
use h2_sync::frame::{self, Ping, RstStream, Settings, StreamId, WindowUpdate};

use crate::http1;
use crate::load::Load;
use crate::pattern::Random;
use crate::raw::{Raw, gave_up, get, put, put_raw, request};

/// A kind of hostile load.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) then: Then,
    pub(crate) run: Run,
}

/// The expected outcome.
pub(crate) enum Then {
    /// The server must end the connection.
    Cut,
    /// The server may continue; the attacker disconnects.
    LetBe,
}

type Run = for<'a> fn(&'a Load, &mut Random) -> io::Result<Tried<'a>>;

/// The attacker's connection, and the error that ended the attack.
pub(crate) struct Tried<'a> {
    raw: Raw<'a>,
    result: io::Result<()>,
}

/// Runs an attack on a connection until it fails.
pub(crate) fn on<'a>(
    mut raw: Raw<'a>,
    attack: impl FnOnce(&mut Raw<'a>) -> io::Result<()>,
) -> io::Result<Tried<'a>> {
    let result = attack(&mut raw);
    Ok(Tried { raw, result })
}

pub(crate) const ATTACKS: &[Attack] = &[
    Attack { name: "rapid reset", then: Then::Cut, run: rapid_reset },
    Attack { name: "rapid reset over TLS", then: Then::Cut, run: rapid_reset_over_tls },
    Attack { name: "made you reset", then: Then::Cut, run: made_you_reset },
    Attack { name: "malformed requests", then: Then::Cut, run: malformed },
    Attack { name: "PING", then: Then::Cut, run: ping },
    Attack { name: "PING, answers read", then: Then::Cut, run: ping_read },
    Attack { name: "SETTINGS", then: Then::Cut, run: settings },
    Attack { name: "CONTINUATION", then: Then::Cut, run: continuation },
    Attack { name: "CONTINUATION, empty", then: Then::Cut, run: empty_continuation },
    Attack { name: "HPACK bomb", then: Then::Cut, run: hpack_bomb },
    Attack { name: "cookie crumbs", then: Then::LetBe, run: cookie_crumbs },
    Attack { name: "DATA, empty", then: Then::Cut, run: empty_data },
    Attack { name: "PRIORITY", then: Then::Cut, run: priority },
    Attack { name: "unknown frames", then: Then::Cut, run: unknown },
    Attack { name: "WINDOW_UPDATE over the top", then: Then::Cut, run: overflow },
    Attack { name: "garbage for a preface", then: Then::Cut, run: garbage_preface },
    Attack { name: "garbage for frames", then: Then::Cut, run: garbage_frames },
    Attack { name: "garbage for TLS", then: Then::Cut, run: garbage_tls },
    Attack { name: "damaged requests", then: Then::LetBe, run: damaged },
    Attack { name: "gone midway, connection reset", then: Then::LetBe, run: gone_midway },
    Attack { name: "half a connection", then: Then::LetBe, run: half_open },
    Attack { name: "1.1: requests in doubt", then: Then::Cut, run: http1::in_doubt },
    Attack { name: "1.1: a head without end", then: Then::Cut, run: http1::endless_head },
    Attack {
        name: "1.1: a chunk's extension without end",
        then: Then::Cut,
        run: http1::endless_extension,
    },
    Attack { name: "1.1: a body that is cut", then: Then::LetBe, run: http1::cut_body },
    Attack { name: "1.1: requests in line", then: Then::LetBe, run: http1::pipelined },
    Attack { name: "1.1: damaged requests", then: Then::LetBe, run: http1::damaged },
];

/// Runs the attack and returns whether it was cut; `None` if that is not required, or if it did not
/// run.
pub(crate) fn run(attack: &Attack, load: &Load, random: &mut Random) -> Option<bool> {
    let mut tried = match (attack.run)(load, random) {
        Ok(tried) => tried,
        // The connection was refused before the greeting.
        Err(error) => return (!gave_up(&error)).then_some(true),
    };
    match (tried.result, &attack.then) {
        (Err(error), _) if !gave_up(&error) => Some(true),
        (_, Then::Cut) => tried.raw.is_cut(),
        (_, Then::LetBe) => None,
    }
}

fn resets(raw: &mut Raw<'_>) -> io::Result<()> {
    // Most of them are refused, since slots are still held; that costs an eighth of a reset each.
    raw.flood(30_000, true, |raw, out| {
        let stream_id = raw.open(out, &get("/"), true);
        put(out, RstStream { stream_id, error_code: ErrorCode::Cancel });
    })
}

fn rapid_reset<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, resets)
}

fn rapid_reset_over_tls<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::over_tls(load, Vec::new())?, resets)
}

/// Provokes resets by the server.
fn made_you_reset<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let way = random.below(3);
    on(Raw::with(load, Vec::new())?, |raw| {
        raw.flood(3_000, true, |raw, out| {
            let stream_id = raw.open(out, &request("POST", "/sink"), false);
            match way {
                0 => put(out, WindowUpdate { stream_id, increment: 0x7fff_ffff }),
                1 => put_raw(out, 0x08, 0, stream_id.get(), &[0; 4]),
                _ => put_raw(out, 0x02, 0, stream_id.get(), &[0; 4]),
            }
        })
    })
}

fn malformed<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        raw.flood(3_000, true, |raw, out| {
            raw.open(out, &get("/").with("Upper", "case"), true);
        })
    })
}

fn pings(raw: &mut Raw<'_>, reads: bool) -> io::Result<()> {
    raw.flood(20_000, reads, |_, out| put(out, Ping { ack: false, payload: [7; 8] }))
}

fn ping<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| pings(raw, false))
}

fn ping_read<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| pings(raw, true))
}

fn settings<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        raw.flood(20_000, false, |_, out| put(out, Settings::default()))
    })
}

fn continuations(raw: &mut Raw<'_>, payload: &[u8]) -> io::Result<()> {
    let mut out = Vec::new();
    let stream_id = raw.open_block(&mut out, &[0x82], true, false);
    raw.write(&out)?;
    raw.flood(2_000, false, |_, out| put_raw(out, 0x09, 0, stream_id.get(), payload))
}

fn continuation<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    // The field `x: ` without indexing, repeated.
    on(Raw::with(load, Vec::new())?, |raw| continuations(raw, &[0, 1, b'x', 0].repeat(1_000)))
}

fn empty_continuation<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| continuations(raw, &[]))
}

/// GET / with one field that enters the table, and `count` references to it.
fn references(name: &[u8], value: &[u8], count: usize) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x84, 0x40];
    for octets in [name, value] {
        // RFC 7541, Section 5.1: an integer with a prefix of 7 bits.
        match octets.len() {
            len @ 0..127 => block.push(len as u8),
            len => block.extend_from_slice(&[
                127,
                0x80 | ((len - 127) & 0x7f) as u8,
                // No truncation: what fits into the table of 4,096 octets fits into 14 bits.
                ((len - 127) >> 7) as u8,
            ]),
        }
        block.extend_from_slice(octets);
    }
    block.extend(std::iter::repeat_n(0xbe, count));
    block
}

fn hpack_bomb<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let block = references(b"x", &[b'.'; 4_000], 12_000);
        raw.flood(100, true, |raw, out| {
            raw.open_block(out, &block, true, true);
        })
    })
}

fn cookie_crumbs<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let block = references(b"cookie", b"a", 15_000);
        raw.flood(100, true, |raw, out| {
            raw.open_block(out, &block, true, true);
        })
    })
}

fn empty_data<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let mut out = Vec::new();
        let stream_id = raw.open(&mut out, &request("POST", "/sink"), false);
        raw.write(&out)?;
        let data = Bytes::new();
        let empty = frame::Data { stream_id, data, end_stream: false, padding: None };
        raw.flood(60_000, true, |_, out| put(out, empty.clone()))
    })
}

fn priority<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        raw.flood(60_000, true, |_, out| put_raw(out, 0x02, 0, 101, &[0, 0, 0, 0, 16]))
    })
}

fn unknown<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let kind = 0x20 + random.below(0xe0) as u8;
    on(Raw::with(load, Vec::new())?, |raw| {
        raw.flood(60_000, true, |_, out| put_raw(out, kind, 0xff, 0, b"unknown"))
    })
}

fn overflow<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let stream_id = StreamId::CONNECTION;
        raw.send(WindowUpdate { stream_id, increment: 0x7fff_ffff })
    })
}

fn garbage_preface<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let octets = random.octets(10_000);
    on(Raw::silent(load, load.about.plain)?, |raw| raw.write(&octets))
}

fn garbage_frames<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let octets = random.octets(100_000);
    on(Raw::with(load, Vec::new())?, |raw| raw.write(&octets))
}

fn garbage_tls<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    let octets = random.octets(10_000);
    on(Raw::silent(load, load.about.secure)?, |raw| raw.write(&octets))
}

/// Requests with some octets replaced.
fn damaged<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let mut out = Vec::new();
        for n in 0..20 {
            let stream_id = raw.open(&mut out, &request("POST", "/echo"), false);
            let data = vec![n; 100].into();
            put(&mut out, frame::Data { stream_id, data, end_stream: true, padding: None });
        }
        for _ in 0..3 {
            let at = random.below(out.len());
            out[at] ^= 1 << random.below(8);
        }
        raw.write(&out)?;
        raw.read_for(std::time::Duration::from_millis(50)).map(drop)
    })
}

/// Requests much data and disconnects with some of it unread, so that the system sends RST.
fn gone_midway<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let mut out = Vec::new();
        for _ in 0..random.below(20) {
            raw.open(&mut out, &get("/bytes/1000000"), true);
            raw.open(&mut out, &request("POST", "/echo"), false);
        }
        raw.write(&out)?;
        let some = random.below(20) as u64;
        raw.read_for(std::time::Duration::from_millis(1 + some)).map(drop)
    })
}

/// Shuts its direction in the middle of a frame.
fn half_open<'a>(load: &'a Load, random: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let mut out = Vec::new();
        raw.open(&mut out, &get("/bytes/1000000"), true);
        raw.open(&mut out, &request("POST", "/echo"), false);
        out.truncate(out.len() - random.below(out.len()));
        raw.write(&out)?;
        raw.end()?;
        raw.read_for(std::time::Duration::from_millis(50)).map(drop)
    })
}
