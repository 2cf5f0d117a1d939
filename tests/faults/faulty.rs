//! A transport that fails by a script: one end of an in-memory duplex.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use h2_sync::transport::{Closer, Duplex, Halves, ReadHalf, Shared, Transport, WriteHalf};

/// The text of a planned error.
pub(crate) const PLANNED: &str = "a planned fault";

/// The duration of the turn of a read or a write.
const TURN: Duration = Duration::from_millis(2);

/// The payload of a planned panic, which prints nothing to stderr.
#[derive(Debug)]
pub(crate) struct Planned;

/// Panics without output.
pub(crate) fn panic_as_planned() -> ! {
    resume_unwind(Box::new(Planned))
}

/// A fault of the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Flush,
    ShutdownWrite,
    Close,
    SetReadTimeout,
}

/// The time of the fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// At the call with this number; the first is 0.
    Call(usize),
    /// At the first call after this number of octets; the call before is cut short to reach it.
    Octet(u64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// This call and later ones of its kind return an error.
    Fails(ErrorKind),
    /// Reads and writes fail from now on, including those that are blocked.
    Resets,
    /// `Ok(0)`: the end of input for a read, no progress for a write.
    Nothing,
    /// A result larger than the buffer of the call.
    Claims,
    Panics,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    pub(crate) fault: Option<(Call, At, Fault)>,
    /// The most octets that a call takes.
    pub(crate) piece: usize,
    /// Calls are sometimes cut short or time out, at random by this seed.
    pub(crate) seed: Option<u64>,
    /// Whether reads support timeouts.
    pub(crate) is_timed: bool,
    /// The capacity of each direction in octets.
    pub(crate) capacity: usize,
    /// Reader and writer take turns, as with one lock around the stream.
    pub(crate) in_turns: bool,
}

impl Script {
    pub(crate) fn clean() -> Self {
        Script {
            fault: None,
            piece: usize::MAX,
            seed: None,
            is_timed: true,
            capacity: 16 << 10,
            in_turns: false,
        }
    }

    pub(crate) fn of(call: Call, at: At, fault: Fault) -> Self {
        Script { fault: Some((call, at, fault)), ..Script::clean() }
    }

    pub(crate) fn in_pieces(self, piece: usize) -> Self {
        Script { piece, ..self }
    }
}

/// One end of a duplex with a script.
pub(crate) struct Faulty {
    stream: Duplex,
    state: Arc<State>,
}

/// Observes a [`Faulty`] without keeping it alive.
#[derive(Clone)]
pub(crate) struct Watch {
    state: Weak<State>,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    has_fired: AtomicBool,
    /// The number of calls of the same kind after the fault.
    after: AtomicUsize,
}

struct State {
    script: Script,
    calls: AtomicUsize,
    read: AtomicU64,
    written: AtomicU64,
    is_broken: AtomicBool,
    random: Mutex<u64>,
    tally: Arc<Tally>,
}

impl Faulty {
    pub(crate) fn new(stream: Duplex, script: Script) -> (Self, Watch) {
        let tally = Arc::new(Tally::default());
        let state = Arc::new(State {
            script,
            calls: AtomicUsize::new(0),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
            random: Mutex::new(script.seed.unwrap_or_default().wrapping_mul(2) + 1),
            tally: Arc::clone(&tally),
        });
        let watch = Watch { state: Arc::downgrade(&state), tally };
        (Faulty { stream, state }, watch)
    }
}

impl Watch {
    /// Whether the fault has happened.
    pub(crate) fn has_fired(&self) -> bool {
        self.tally.has_fired.load(SeqCst)
    }

    /// Returns the number of calls of the same kind after the fault.
    pub(crate) fn calls_after(&self) -> usize {
        self.tally.after.load(SeqCst)
    }

    /// Whether both halves and the closer have been dropped.
    pub(crate) fn is_gone(&self) -> bool {
        self.state.strong_count() == 0
    }
}

impl Transport for Faulty {
    type Reader = FaultyReader;
    type Writer = FaultyWriter;

    fn split(self) -> io::Result<Halves<FaultyReader, FaultyWriter>> {
        let Faulty { stream, state } = self;
        let is_timed = state.script.is_timed;
        let Halves { reader, writer, closer: below } = stream.split()?;
        let (ours, theirs) = (Arc::clone(&state), below.clone());
        let mut closer = Closer::new(move |how| {
            let call = match how {
                Shutdown::Both => Call::Close,
                _ => Call::ShutdownWrite,
            };
            // It returns an error but still shuts the transport: the contract of `shutdown` is to
            // wake all waiting threads.
            let done = if how == Shutdown::Both { theirs.close() } else { theirs.shutdown_write() };
            match ours.begin(call) {
                Some(Fault::Panics) => panic_as_planned(),
                Some(_) => Err(planned(ErrorKind::Other)),
                None => done,
            }
        });
        if is_timed {
            let (ours, theirs) = (Arc::clone(&state), below.clone());
            closer = closer.with_read_timeout(move |timeout| {
                let result = theirs.set_read_timeout(timeout).map(drop);
                match ours.begin(Call::SetReadTimeout) {
                    Some(_) => Err(planned(ErrorKind::Other)),
                    None => result,
                }
            });
        }
        Ok(Halves {
            reader: FaultyReader { reader, below: below.clone(), state: Arc::clone(&state) },
            writer: FaultyWriter { writer, below, state },
            closer,
        })
    }
}

impl State {
    /// Counts a call, and returns the fault planned for it.
    fn begin(&self, call: Call) -> Option<Fault> {
        let (planned, at, fault) = self.script.fault?;
        if planned != call {
            return None;
        }
        let number = self.calls.fetch_add(1, SeqCst);
        let octets = if call == Call::Read { &self.read } else { &self.written };
        let is_now = match at {
            At::Call(at) => number >= at,
            At::Octet(at) => octets.load(SeqCst) >= at,
        };
        if is_now && self.tally.has_fired.swap(true, SeqCst) {
            self.tally.after.fetch_add(1, SeqCst);
        }
        is_now.then_some(fault)
    }

    /// The octets that a call with `len` octets takes.
    fn room(&self, call: Call, len: usize) -> usize {
        let script = &self.script;
        let left = match script.fault {
            Some((planned, At::Octet(at), _)) if planned == call => {
                let octets = if call == Call::Read { &self.read } else { &self.written };
                // Not 0: `begin` has checked.
                at - octets.load(SeqCst)
            }
            _ => u64::MAX,
        };
        let short = if script.seed.is_some() { 1 + self.random() % 9 } else { u64::MAX };
        let most = left.min(short).min(script.piece as u64);
        len.min(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Times out, if the script says so.
    fn give_up(&self) -> io::Result<()> {
        if self.script.seed.is_some() && self.random() % 3 == 0 {
            let kinds = [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::TimedOut];
            return Err(kinds[self.random() as usize % 3].into());
        }
        Ok(())
    }

    fn random(&self) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    fn check(&self) -> io::Result<()> {
        match self.is_broken.load(SeqCst) {
            true => Err(planned(ErrorKind::ConnectionReset)),
            false => Ok(()),
        }
    }

    /// The error of a failed call: the other half may have broken the transport meanwhile.
    fn why(&self, error: io::Error) -> io::Error {
        self.check().err().unwrap_or(error)
    }

    fn reset(&self, below: &Closer) -> io::Error {
        self.is_broken.store(true, SeqCst);
        // Wakes the blocked calls.
        below.close().unwrap();
        planned(ErrorKind::ConnectionReset)
    }
}

fn planned(kind: ErrorKind) -> io::Error {
    io::Error::new(kind, PLANNED)
}

pub(crate) struct FaultyReader {
    reader: ReadHalf<Duplex>,
    below: Closer,
    state: Arc<State>,
}

impl Read for FaultyReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let state = &self.state;
        state.check()?;
        match state.begin(Call::Read) {
            None => {}
            Some(Fault::Fails(kind)) => return Err(planned(kind)),
            Some(Fault::Resets) => return Err(state.reset(&self.below)),
            Some(Fault::Nothing) => return Ok(0),
            Some(Fault::Claims) => {
                self.reader.read(buf)?;
                return Ok(buf.len() + 1 + state.calls.load(SeqCst));
            }
            Some(Fault::Panics) => panic_as_planned(),
        }
        state.give_up()?;
        let room = state.room(Call::Read, buf.len());
        let read = self.reader.read(&mut buf[..room]).map_err(|error| state.why(error))?;
        // The transport may have been broken during the wait.
        state.check()?;
        state.read.fetch_add(read as u64, SeqCst);
        Ok(read)
    }
}

pub(crate) struct FaultyWriter {
    writer: WriteHalf<Duplex>,
    below: Closer,
    state: Arc<State>,
}

impl Write for FaultyWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let state = &self.state;
        state.check()?;
        match state.begin(Call::Write) {
            None => {}
            Some(Fault::Fails(kind)) => return Err(planned(kind)),
            Some(Fault::Resets) => return Err(state.reset(&self.below)),
            Some(Fault::Nothing) => return Ok(0),
            Some(Fault::Claims) => {
                self.writer.write_all(buf)?;
                return Ok(usize::MAX);
            }
            Some(Fault::Panics) => panic_as_planned(),
        }
        state.give_up()?;
        let room = state.room(Call::Write, buf.len());
        let written = self.writer.write(&buf[..room]).map_err(|error| state.why(error))?;
        let total = state.written.fetch_add(written as u64, SeqCst) + written as u64;
        // A reset does not wait for the next write.
        match state.script.fault {
            Some((Call::Write, At::Octet(at), Fault::Resets)) if total >= at => {
                state.tally.has_fired.store(true, SeqCst);
                state.reset(&self.below);
            }
            _ => {}
        }
        Ok(written)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<_>>())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state.check()?;
        match self.state.begin(Call::Flush) {
            None => self.state.give_up(),
            Some(Fault::Fails(kind)) => Err(planned(kind)),
            Some(Fault::Panics) => panic_as_planned(),
            Some(fault) => unreachable!("{fault:?} is not for a flush"),
        }
    }
}

/// Both halves as one stream, whose reads and writes block only briefly.
pub(crate) struct InOne {
    reader: FaultyReader,
    writer: FaultyWriter,
}

impl Faulty {
    /// A transport that shares the stream by turns.
    pub(crate) fn in_turns(self) -> Shared<InOne> {
        let Halves { reader, writer, .. } = self.split().unwrap();
        let stream = reader.reader.get_ref();
        stream.set_read_timeout(Some(TURN)).unwrap();
        stream.set_write_timeout(Some(TURN)).unwrap();
        Shared::with_shutdown(InOne { reader, writer }, |stream, how| {
            stream.reader.reader.get_ref().shutdown(how)
        })
    }
}

impl Read for InOne {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl Write for InOne {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
