//! Answers DNS by UDP and TCP (RFC 1035, Section 4.2), by asking a resolver.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::BoxError;

use crate::message;
use crate::Resolver;

/// The most questions and TCP connections at a time, each with a thread. More are dropped, and
/// resolvers ask again.
const MAX_THREADS: usize = 200;

/// How long a TCP connection may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// How many ports of the system's choice are tried.
const PORTS_TRIED: usize = 20;

/// The pause after a failure of a socket.
const RETRY: Duration = Duration::from_millis(100);

pub(crate) struct Forwarder {
    udp: UdpSocket,
    tcp: TcpListener,
    resolver: Resolver,
    threads: AtomicUsize,
}

impl Forwarder {
    pub(crate) fn bind(address: SocketAddr, resolver: Resolver) -> io::Result<Self> {
        let bind = || {
            let udp = UdpSocket::bind(address)?;
            Ok((TcpListener::bind(udp.local_addr()?)?, udp))
        };
        // A port that the system chooses for UDP may be in use for TCP.
        let tries = if address.port() == 0 { PORTS_TRIED } else { 1 };
        let bound = (1..tries).find_map(|_| bind().ok());
        let (tcp, udp) = bound.map_or_else(bind, Ok::<_, io::Error>)?;
        Ok(Forwarder { udp, tcp, resolver, threads: AtomicUsize::new(0) })
    }

    pub(crate) fn address(&self) -> String {
        self.udp.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    /// Answers until the process ends.
    pub(crate) fn run(self) -> Result<(), BoxError> {
        let forwarder = Arc::new(self);
        let theirs = Arc::clone(&forwarder);
        thread::Builder::new().name("tcp".to_owned()).spawn(move || loop {
            match theirs.tcp.accept() {
                Ok((stream, _)) => Self::spawn(&theirs, move |forwarder| {
                    if let Err(error) = forwarder.serve(stream) {
                        log::debug!("a TCP connection has ended: {error}");
                    }
                }),
                Err(error) => pause(&error),
            }
        })?;
        let mut buffer = [0; 65_535];
        loop {
            match forwarder.udp.recv_from(&mut buffer) {
                Ok((n, client)) => {
                    let question = buffer[..n].to_vec();
                    Self::spawn(&forwarder, move |forwarder| {
                        forwarder.answer_datagram(question, client);
                    });
                }
                // Also where an earlier answer did not reach its client.
                Err(error) => pause(&error),
            }
        }
    }

    /// Starts a thread, unless there are too many.
    fn spawn(forwarder: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        if forwarder.threads.fetch_add(1, Ordering::Relaxed) >= MAX_THREADS {
            forwarder.threads.fetch_sub(1, Ordering::Relaxed);
            log::warn!("a question is dropped: {MAX_THREADS} are being answered");
            return;
        }
        let theirs = Arc::clone(forwarder);
        let begun = thread::Builder::new().spawn(move || {
            work(&theirs);
            theirs.threads.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = begun {
            forwarder.threads.fetch_sub(1, Ordering::Relaxed);
            log::warn!("a question is dropped: {error}");
        }
    }

    fn answer_datagram(&self, question: Vec<u8>, client: SocketAddr) {
        let room = message::datagram_size(&question);
        let Some(mut answer) = self.answer(question) else { return };
        if answer.len() > room {
            // The client asks again by TCP.
            answer = message::truncated(&answer);
        }
        if let Err(error) = self.udp.send_to(&answer, client) {
            log::debug!("answering {client}: {error}");
        }
    }

    /// Answers the questions of a TCP connection, each of which follows its length.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question)?;
            let Some(answer) = self.answer(question) else { return Ok(()) };
            let Ok(length) = u16::try_from(answer.len()) else { return Ok(()) };
            stream.write_all(&[&length.to_be_bytes(), &*answer].concat())?;
        }
    }

    /// Returns the answer with the identifier of the question; `None` if the message is not a question.
    fn answer(&self, question: Vec<u8>) -> Option<Vec<u8>> {
        let id = message::id_of_question(&question)?;
        let mut answer = match self.resolver.ask(question.clone()) {
            Ok(answer) if message::is_answer(&answer.message) => answer.message,
            Ok(_) => message::failure(&question),
            Err(error) => {
                log::info!("the resolver does not answer: {error}");
                message::failure(&question)
            }
        };
        message::set_id(&mut answer, id);
        Some(answer)
    }
}

fn pause(error: &io::Error) {
    log::debug!("receiving: {error}");
    thread::sleep(RETRY);
}
