//! The steps of a wire, one by one, with scripted readers and writers.

mod reading;
mod writing;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Instant;

use bytes::BytesMut;

use super::{Driver, Owner, Read, State, What, Wire, Wrote};
use crate::frame::{Frame, Settings};
use crate::headers;
use crate::proto::{Config, Connection, Role};
use crate::transport::{Closer, Halves};

/// A driver that keeps nothing.
struct Plain;

impl Driver for Plain {
    const LINGERS: bool = true;

    fn deliver(_: &mut State<Self>, _: Instant) {}
    fn ended(_: &mut State<Self>) {}
    fn before_unlock(_: &mut State<Self>, _: &dyn Owner) {}
}

/// An owner without threads.
struct NoThreads;

impl Owner for NoThreads {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        false
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {}
}

/// What the reads give, one after the other; then they give up.
#[derive(Clone, Default)]
struct Input(Arc<Mutex<VecDeque<io::Result<Vec<u8>>>>>);

impl Input {
    fn put(&self, octets: Vec<u8>) {
        self.0.lock().unwrap().push_back(Ok(octets));
    }

    fn fail(&self, kind: io::ErrorKind) {
        self.0.lock().unwrap().push_back(Err(kind.into()));
    }
}

impl io::Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let next = self.0.lock().unwrap().pop_front();
        let octets = next.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        buf[..octets.len()].copy_from_slice(&octets);
        Ok(octets.len())
    }
}

/// Takes this many octets at each call, gives up at every second one, and fails when told to.
#[derive(Clone)]
struct Output(Arc<Mutex<Taken>>);

struct Taken {
    step: usize,
    calls: usize,
    buffered: Vec<u8>,
    flushed: Vec<u8>,
    fails: Option<io::ErrorKind>,
}

impl Output {
    fn new(step: usize) -> Self {
        let (buffered, flushed) = Default::default();
        Output(Arc::new(Mutex::new(Taken { step, calls: 0, buffered, flushed, fails: None })))
    }

    fn fail(&self, kind: io::ErrorKind) {
        self.0.lock().unwrap().fails = Some(kind);
    }

    /// The names of the frames behind the preface.
    fn frames(&self) -> Vec<String> {
        let taken = self.0.lock().unwrap();
        let mut input = BytesMut::from(&taken.flushed[crate::frame::PREFACE.len()..]);
        let frames = std::iter::from_fn(|| Frame::decode(&mut input, 1 << 24).unwrap());
        let names = frames.map(|frame| frame.kind().to_string()).collect();
        assert!(input.is_empty(), "half a frame: {input:?}");
        names
    }
}

impl Taken {
    fn gives_up(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.fails {
            Some(kind) => Err(kind.into()),
            None if self.calls % 2 == 0 => Err(io::ErrorKind::WouldBlock.into()),
            None => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut taken = self.0.lock().unwrap();
        taken.gives_up()?;
        let n = buf.len().min(taken.step);
        taken.buffered.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut taken = self.0.lock().unwrap();
        taken.gives_up()?;
        let mut buffered = std::mem::take(&mut taken.buffered);
        taken.flushed.append(&mut buffered);
        Ok(())
    }
}

/// A client's end, which has heard the server's SETTINGS.
fn client(config: Config, step: usize) -> (Wire<Plain>, Input, Output) {
    let core = Connection::new(Role::Client, config, Instant::now()).unwrap();
    let (input, output) = (Input::default(), Output::new(step));
    let halves = Halves { reader: input.clone(), writer: output.clone(), closer: Closer::none() };
    let wire = Wire::new(Box::new(core), halves, Plain, Box::new(NoThreads));
    let mut octets = Vec::new();
    Settings::default().encode(&mut octets);
    input.put(octets);
    assert_eq!(read(&wire), Read::Some);
    wire.with(|state, _| while state.core.poll_event().is_some() {});
    (wire, input, output)
}

fn read(wire: &Wire<Plain>) -> Read {
    wire.read_once(wire.lock(), None).1
}

fn write(wire: &Wire<Plain>, what: What) -> Wrote {
    wire.write_once(wire.lock(), what).1
}

fn write_all(wire: &Wire<Plain>) {
    while wire.lock().has_to_write() {
        write(wire, What::All);
    }
}

fn open(wire: &Wire<Plain>) -> crate::frame::StreamId {
    let request = headers!(
        ":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    wire.with(|state, now| state.core.open(&request, false, now)).unwrap()
}
