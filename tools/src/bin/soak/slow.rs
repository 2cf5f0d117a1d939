//! Slow attacks. Each is bounded by a deadline, and ends early when the gate is shut.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::frame::{self, Continuation, Ping, Setting, StreamId, WindowUpdate};

use crate::attacks::{Attack, Then, Tried, on};
use crate::http1;
use crate::load::Load;
use crate::pattern::Random;
use crate::raw::{Raw, get, request};

pub(crate) const SLOW: &[Attack] = &[
    Attack { name: "silence", then: Then::Cut, run: silence },
    Attack { name: "silence instead of TLS", then: Then::Cut, run: silence_for_tls },
    Attack { name: "a preface, drop by drop", then: Then::Cut, run: slow_preface },
    Attack { name: "a field block, drop by drop", then: Then::Cut, run: slow_block },
    Attack { name: "a body, drop by drop", then: Then::LetBe, run: slow_body },
    Attack { name: "bodies that never come", then: Then::LetBe, run: no_body },
    Attack { name: "a peer that never reads", then: Then::Cut, run: never_reads },
    Attack { name: "a peer that reads slowly", then: Then::LetBe, run: reads_slowly },
    Attack { name: "a window of one octet", then: Then::LetBe, run: tiny_window },
    Attack { name: "a window that stays shut", then: Then::LetBe, run: shut_window },
    Attack { name: "1.1: silence behind TLS", then: Then::Cut, run: http1::silence },
    Attack { name: "1.1: a head, drop by drop", then: Then::Cut, run: http1::slow_head },
    Attack { name: "1.1: a body, drop by drop", then: Then::LetBe, run: http1::slow_body },
    Attack { name: "1.1: a body that never comes", then: Then::Cut, run: http1::no_body },
    Attack { name: "1.1: a peer that never reads", then: Then::Cut, run: http1::never_reads },
];

const OFTEN: Duration = Duration::from_millis(100);
pub(crate) const SELDOM: Duration = Duration::from_millis(500);

fn silence<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::silent(load, load.about.plain)?, |_| Ok(()))
}

fn silence_for_tls<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::silent(load, load.about.secure)?, |_| Ok(()))
}

fn slow_preface<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::silent(load, load.about.plain)?, |raw| {
        let mut octets = frame::PREFACE.iter();
        raw.slowly(SELDOM, |raw| match octets.next() {
            Some(octet) => raw.write(&[*octet]),
            None => Ok(()),
        })
    })
}

fn slow_block<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let mut out = Vec::new();
        let stream_id = raw.open_block(&mut out, &[0x82], true, false);
        raw.write(&out)?;
        raw.slowly(SELDOM, |raw| {
            let fragment = Bytes::from_static(&[0x86]);
            raw.send(Continuation { stream_id, fragment, end_headers: false })
        })
    })
}

fn open(raw: &mut Raw<'_>, count: usize, fields: &h2_sync::Headers) -> io::Result<Vec<StreamId>> {
    let mut out = Vec::new();
    let is_get = fields.method() == Some("GET");
    let ids = (0..count).map(|_| raw.open(&mut out, fields, is_get)).collect();
    raw.write(&out)?;
    Ok(ids)
}

fn slow_body<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        let ids = open(raw, 10, &request("POST", "/sink"))?;
        raw.slowly(SELDOM, |raw| {
            for &stream_id in &ids {
                let data = Bytes::from_static(b".");
                raw.send(frame::Data { stream_id, data, end_stream: false, padding: None })?;
            }
            Ok(())
        })
    })
}

fn no_body<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, Vec::new())?, |raw| {
        open(raw, 10, &request("POST", "/sink"))?;
        raw.slowly(SELDOM, |raw| raw.read_for(OFTEN).map(drop))
    })
}

/// Opens its windows, but does not read from the socket.
fn never_reads<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, vec![Setting::InitialWindowSize(0x7fff_ffff)])?, |raw| {
        raw.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment: 0x7000_0000 })?;
        open(raw, 4, &get("/bytes/50000000"))?;
        // Writing detects the end of the connection.
        raw.slowly(SELDOM, |raw| raw.send(Ping { ack: false, payload: [0; 8] }))
    })
}

fn reads_slowly<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, vec![Setting::InitialWindowSize(0x7fff_ffff)])?, |raw| {
        raw.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment: 0x7000_0000 })?;
        open(raw, 4, &get("/bytes/50000000"))?;
        raw.slowly(OFTEN, |raw| raw.read_for(Duration::from_millis(1)).map(drop))
    })
}

fn tiny_window<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, vec![Setting::InitialWindowSize(1)])?, |raw| {
        let ids = open(raw, 20, &get("/bytes/1000000"))?;
        raw.slowly(OFTEN, |raw| {
            for &stream_id in &ids {
                raw.send(WindowUpdate { stream_id, increment: 1 })?;
            }
            raw.read_for(Duration::from_millis(1)).map(drop)
        })
    })
}

fn shut_window<'a>(load: &'a Load, _: &mut Random) -> io::Result<Tried<'a>> {
    on(Raw::with(load, vec![Setting::InitialWindowSize(0)])?, |raw| {
        open(raw, 20, &get("/bytes/1000000"))?;
        raw.slowly(SELDOM, |raw| raw.read_for(OFTEN).map(drop))
    })
}
