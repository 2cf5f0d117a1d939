//! The steps of a link, one by one, with readers and writers that do as they are told.

mod reading;
mod waking;
mod writing;

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::{Link, Next, ReadBuffer, ReadStep, WriteBuffer};
use crate::frame::{Frame, Settings};
use crate::headers;
use crate::proto::{Config, Connection, Role};
use crate::transport::Closer;

/// Nothing here takes so long, on however slow a machine.
const LONG: Duration = Duration::from_secs(100);

/// A client's end, which has heard the server's SETTINGS.
fn client(config: Config) -> Link {
    let core = Connection::new(Role::Client, config, Instant::now()).unwrap();
    let link = Link::new(core, Closer::none());
    let mut octets = Vec::new();
    Settings::default().encode(&mut octets);
    let step = link.read_step(&mut &octets[..], &mut ReadBuffer::new());
    assert_eq!(step, ReadStep::More);
    link.with(|core, _| while core.poll_event().is_some() {});
    link
}

fn open(link: &Link) {
    let request = headers!(
        ":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    link.with(|core, now| core.open(&request, false, now)).0.unwrap();
}

/// Writes until there is nothing more to write.
fn write_all(link: &Link, writer: &mut impl Write, buffer: &mut WriteBuffer) {
    loop {
        // Nudged, the writer comes back when it would otherwise wait.
        link.nudge();
        assert_eq!(link.next_write(buffer, None), Next::Look);
        if buffer.is_done() {
            return;
        }
        while !buffer.is_done() {
            if link.next_write(buffer, None) == Next::Write {
                link.write_step(writer, buffer);
            }
        }
    }
}

/// The names of the frames behind the preface.
fn frames(octets: &[u8]) -> Vec<String> {
    let mut input = BytesMut::from(&octets[crate::frame::PREFACE.len()..]);
    let frames = std::iter::from_fn(|| Frame::decode(&mut input, 1 << 24).unwrap());
    let names = frames.map(|frame| frame.kind().to_string()).collect();
    assert!(input.is_empty(), "half a frame: {input:?}");
    names
}

/// A reader that fails in this way, again and again.
struct Fails(io::ErrorKind);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

/// Takes so many octets at each call, and gives up at every second one.
#[derive(Default)]
struct Reluctant {
    step: usize,
    calls: usize,
    buffered: Vec<u8>,
    flushed: Vec<u8>,
}

impl Reluctant {
    fn new(step: usize) -> Self {
        Reluctant { step, ..Reluctant::default() }
    }

    fn gives_up(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls % 2 == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}

impl Write for Reluctant {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.gives_up()?;
        let n = buf.len().min(self.step);
        self.buffered.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.gives_up()?;
        self.flushed.append(&mut self.buffered);
        Ok(())
    }
}
