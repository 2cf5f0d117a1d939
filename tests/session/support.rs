//! Bounded waits, helpers to take events, and scripted transports.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use h2_sync::proto::Config;
use h2_sync::session::{RecvTimeoutError, Session};
use h2_sync::transport::{Closer, Duplex, Halves, Pair, ReadHalf, Transport, WriteHalf, duplex};
use h2_sync::{Evt, Headers, Reason, Role, StreamId, headers};

pub(crate) use crate::frames::{LONG, bounded};

pub(crate) fn id(n: u32) -> StreamId {
    StreamId::new(n).unwrap()
}

pub(crate) fn get() -> Headers {
    headers!(":method" => "GET", ":scheme" => "http", ":authority" => "test", ":path" => "/")
}

pub(crate) fn post() -> Headers {
    headers!(":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/")
}

pub(crate) fn ok() -> Headers {
    headers!(":status" => "200")
}

/// Two Sessions connected in memory.
pub(crate) fn two_sessions(client: Config, server: Config) -> (Session, Session) {
    let (near, far) = duplex(256 << 10);
    over(near, far, client, server)
}

/// Two Sessions connected over loopback.
pub(crate) fn two_sessions_over_tcp(client: Config, server: Config) -> (Session, Session) {
    let (near, far) = tcp();
    over(near, far, client, server)
}

fn over<T: Transport>(near: T, far: T, client: Config, server: Config) -> (Session, Session) {
    let client = Session::with_config(near, Role::Client, client).unwrap();
    let server = Session::with_config(far, Role::Server, server).unwrap();
    (client, server)
}

pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

pub(crate) fn take(session: &Session) -> Evt {
    session.take_evt_timeout(LONG).expect("an event within the timeout")
}

/// Takes events until `wanted` returns a value.
pub(crate) fn take_until<T>(session: &Session, mut wanted: impl FnMut(Evt) -> Option<T>) -> T {
    loop {
        let evt = take(session);
        let closed = match &evt {
            Evt::Closed { reason } => Some(reason.clone()),
            _ => None,
        };
        if let Some(found) = wanted(evt) {
            return found;
        }
        assert!(closed.is_none(), "the connection ended first: {closed:?}");
    }
}

/// Takes all events to the end, and checks that `Closed` comes last and only once.
pub(crate) fn take_to_the_end(session: &Session) -> (Vec<Evt>, Reason) {
    let mut events = Vec::new();
    loop {
        match session.take_evt_timeout(LONG) {
            Ok(evt) => events.push(evt),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("no end after {events:?}"),
        }
    }
    let last = events.pop().expect("there is a last event");
    let is_closed = |evt: &Evt| matches!(evt, Evt::Closed { .. });
    assert!(!events.iter().any(is_closed), "events after Closed: {events:?}, {last:?}");
    match last {
        Evt::Closed { reason } => (events, reason),
        other => panic!("the last event is {other:?}"),
    }
}

/// A writer that records what each call has written.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Vec<u8>>>>);

impl Calls {
    pub(crate) fn get(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A stream that runs a hook before each read and write, on the calling thread.
pub(crate) struct Hooked<R, W> {
    stream: Duplex,
    before_read: R,
    before_write: W,
    pub(crate) calls: Calls,
    pub(crate) closer_works: bool,
}

impl<R, W> Hooked<R, W>
where
    R: FnMut() -> io::Result<()> + Send + 'static,
    W: FnMut() -> io::Result<()> + Send + 'static,
{
    pub(crate) fn new(stream: Duplex, before_read: R, before_write: W) -> Self {
        let calls = Calls::default();
        Hooked { stream, before_read, before_write, calls, closer_works: true }
    }
}

pub(crate) fn nothing() -> io::Result<()> {
    Ok(())
}

pub(crate) struct HookedReader<R>(ReadHalf<Duplex>, R);

pub(crate) struct HookedWriter<W>(WriteHalf<Duplex>, W, Calls);

impl<R, W> Transport for Hooked<R, W>
where
    R: FnMut() -> io::Result<()> + Send + 'static,
    W: FnMut() -> io::Result<()> + Send + 'static,
{
    type Reader = HookedReader<R>;
    type Writer = HookedWriter<W>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let Halves { reader, writer, closer } = self.stream.split()?;
        let reader = HookedReader(reader, self.before_read);
        let writer = HookedWriter(writer, self.before_write, self.calls);
        let shut = move |how| match how {
            Shutdown::Write => closer.shutdown_write(),
            _ => closer.close(),
        };
        let closer = if self.closer_works { Closer::new(shut) } else { Closer::none() };
        Pair::with_closer(reader, writer, closer).split()
    }
}

impl<R: FnMut() -> io::Result<()>> Read for HookedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (self.1)()?;
        self.0.read(buf)
    }
}

impl<W: FnMut() -> io::Result<()>> Write for HookedWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        (self.1)()?;
        let written = self.0.write_vectored(bufs)?;
        let mut all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        all.truncate(written);
        self.2.0.lock().unwrap().push(all);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
