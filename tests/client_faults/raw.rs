//! Servers that handle frames themselves, and fail in one way each.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use h2_sync::ErrorCode;
use h2_sync::frame::{Frame, Ping, StreamId};

use crate::log::Log;
use crate::numbers::Numbers;
use crate::peer::Peer;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Sends GOAWAY after some requests, and ignores later ones.
    GoesAway,
    /// Resets streams before, during and instead of their answers.
    Resets,
    /// Reads but sends nothing after some requests.
    StopsReading,
    /// Closes the connection, or sends an invalid frame.
    Breaks,
}

/// A server on its own threads.
pub(crate) struct Raw {
    pub(crate) url: String,
    listener: Arc<TcpListener>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    fault: Fault,
    seed: u64,
    log: Log,
    is_stopped: AtomicBool,
    connections: Mutex<Vec<(TcpStream, JoinHandle<()>)>>,
}

impl Raw {
    pub(crate) fn start(fault: Fault, seed: u64, log: Log) -> Self {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (is_stopped, connections) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { fault, seed, log, is_stopped, connections });
        let (listening, sharing) = (Arc::clone(&listener), Arc::clone(&shared));
        let accepting = thread::spawn(move || sharing.accept(&listening));
        Raw { url, listener, shared, accepting }
    }

    /// Ends the remaining connections, and waits for their threads.
    pub(crate) fn stop(self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        let waking = TcpStream::connect(self.listener.local_addr().unwrap());
        self.accepting.join().unwrap();
        drop(waking);
        let connections = std::mem::take(&mut *self.shared.connections.lock().unwrap());
        for (stream, serving) in connections {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
            serving.thread().unpark();
            serving.join().unwrap();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for (number, stream) in (1..).zip(listener.incoming()) {
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            let stream = stream.unwrap();
            let (kept, shared) = (stream.try_clone().unwrap(), Arc::clone(self));
            let numbers = Numbers(self.seed << 16 | number);
            let serving = thread::spawn(move || {
                let closing = stream.try_clone().unwrap();
                // The client may close it at any time.
                let _ = shared.serve(stream, numbers);
                let _ = closing.shutdown(Shutdown::Both);
            });
            self.connections.lock().unwrap().push((kept, serving));
        }
    }

    /// Serves one connection; `None` when it has ended.
    fn serve(&self, stream: TcpStream, mut numbers: Numbers) -> Option<()> {
        let mut peer = Peer::new(stream)?;
        // The number of requests to answer before the failure.
        let mut well = 1 + numbers.next(8);
        loop {
            let (id, path) = match peer.receive()? {
                Frame::Headers(headers) => (headers.stream_id, peer.path(&headers)),
                Frame::Ping(Ping { ack: false, payload }) => {
                    peer.send(Ping { ack: true, payload })?;
                    continue;
                }
                _ => continue,
            };
            match self.fault {
                Fault::Resets if numbers.next(3) == 0 => {
                    self.reset(&mut peer, id, &path, numbers.next(4))?;
                }
                Fault::Resets => self.answer(&mut peer, id, &path)?,
                _ if well > 0 => {
                    well -= 1;
                    self.answer(&mut peer, id, &path)?;
                    if well == 0 && matches!(self.fault, Fault::GoesAway) {
                        peer.goaway(id)?;
                    }
                }
                Fault::GoesAway => {}
                Fault::StopsReading => {
                    self.log.add(&path);
                    while !self.is_stopped.load(Ordering::Relaxed) {
                        thread::park();
                    }
                    return None;
                }
                Fault::Breaks => {
                    self.log.add(&path);
                    if numbers.next(2) == 0 {
                        peer.send_octets(&[0xff; 40])?;
                    }
                    return None;
                }
            }
        }
    }

    fn answer(&self, peer: &mut Peer, id: StreamId, path: &str) -> Option<()> {
        self.log.add(path);
        peer.send_status(id)?;
        peer.send_data(id, path, true)
    }

    fn reset(&self, peer: &mut Peer, id: StreamId, path: &str, way: u64) -> Option<()> {
        if way == 0 {
            // RFC 9113, Section 8.7: the request was not processed.
            return peer.reset(id, ErrorCode::RefusedStream);
        }
        self.log.add(path);
        match way {
            1 => peer.reset(id, ErrorCode::InternalError),
            2 => {
                peer.send_status(id)?;
                peer.reset(id, ErrorCode::Cancel)
            }
            _ => {
                peer.send_status(id)?;
                peer.send_data(id, &path[..1], false)?;
                peer.reset(id, ErrorCode::InternalError)
            }
        }
    }
}
