//! Answers DNS by UDP and TCP (RFC 1035, Section 4.2), by asking a resolver.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::BoxError;

use crate::Resolver;
use crate::crowd::Crowd;
use crate::message;

/// The most questions by UDP at a time, each with a thread. More are dropped, and resolvers ask again.
const MAX_QUESTIONS: usize = 200;

/// The most TCP connections, each with a thread.
const MAX_CONNECTIONS: usize = 100;

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
    /// Each question by UDP that is being answered holds a clone.
    questions: Arc<()>,
    /// The TCP connections.
    crowd: Crowd,
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
        let (questions, crowd) = (Arc::new(()), Crowd::new(MAX_CONNECTIONS));
        Ok(Forwarder { udp, tcp, resolver, questions, crowd })
    }

    pub(crate) fn address(&self) -> String {
        self.udp.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    /// Answers until the process ends.
    pub(crate) fn run(self) -> Result<(), BoxError> {
        let forwarder = Arc::new(self);
        let theirs = Arc::clone(&forwarder);
        thread::Builder::new().name("tcp".to_owned()).spawn(move || {
            loop {
                match theirs.tcp.accept() {
                    Ok((stream, _)) => Self::begin_to_serve(&theirs, stream),
                    Err(error) => pause(&error),
                }
            }
        })?;
        let mut buffer = [0; 65_535];
        loop {
            match forwarder.udp.recv_from(&mut buffer) {
                Ok((n, client)) => {
                    let question = buffer[..n].to_vec();
                    Self::begin_to_answer(&forwarder, question, client);
                }
                // Also where an earlier answer did not reach its client.
                Err(error) => pause(&error),
            }
        }
    }

    /// Starts a thread for a question by UDP, unless there are too many.
    fn begin_to_answer(forwarder: &Arc<Self>, question: Vec<u8>, client: SocketAddr) {
        if Arc::strong_count(&forwarder.questions) > MAX_QUESTIONS {
            log::warn!("a question is dropped: {MAX_QUESTIONS} are being answered");
            return;
        }
        let (theirs, is_open) = (Arc::clone(forwarder), Arc::clone(&forwarder.questions));
        let begun = thread::Builder::new().spawn(move || {
            let _is_open = is_open;
            theirs.answer_datagram(question, client);
        });
        if let Err(error) = begun {
            log::warn!("a question is dropped: {error}");
        }
    }

    /// Starts a thread for a TCP connection.
    fn begin_to_serve(forwarder: &Arc<Self>, stream: TcpStream) {
        if !forwarder.crowd.enter() {
            log::warn!("a connection is dropped: {MAX_CONNECTIONS} are being answered");
            return;
        }
        let theirs = Arc::clone(forwarder);
        let begun = thread::Builder::new().spawn(move || theirs.serve(&Arc::new(stream)));
        if let Err(error) = begun {
            forwarder.crowd.leave();
            log::warn!("a connection is dropped: {error}");
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

    /// Answers the questions of a TCP connection.
    fn serve(&self, stream: &Arc<TcpStream>) {
        loop {
            let wait = self.crowd.begin_wait(stream);
            let question = question(stream);
            if !self.crowd.end_wait(wait) {
                return log::debug!("a TCP connection has been replaced by a new one");
            }
            if let Err(error) = question.and_then(|question| self.reply(stream, question)) {
                log::debug!("a TCP connection has ended: {error}");
                return self.crowd.leave();
            }
        }
    }

    fn reply(&self, mut stream: &TcpStream, question: Vec<u8>) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let answer = self.answer(question).ok_or_else(invalid)?;
        let length = u16::try_from(answer.len()).map_err(|_| invalid())?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.write_all(&[&length.to_be_bytes(), &*answer].concat())
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

/// Reads a question of a TCP connection, which follows its length.
fn question(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(SILENCE))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut question = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut question)?;
    Ok(question)
}

fn pause(error: &io::Error) {
    log::debug!("receiving: {error}");
    thread::sleep(RETRY);
}
