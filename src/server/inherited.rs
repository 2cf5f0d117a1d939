//! Listening sockets that another process has opened: the service manager, or a predecessor.
//!
//! Both pass them as descriptors 3 and up, whose number is in `LISTEN_FDS` and whose names are in
//! `LISTEN_FDNAMES`, separated by colons. systemd also sets `LISTEN_PID`, which a predecessor cannot
//! know. A predecessor passes one more socket, a [line](super::predecessor) to itself.

use std::env;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use listenfd::ListenFd;
use socket2::{Domain, Type};

use super::listener::Listener;
use super::predecessor::{KEPT, LINE_NAME, Line};
use super::socket::Socket;

impl Listener {
    /// Takes the listening sockets that were passed to this process: by systemd (`LISTEN_FDS`, see
    /// systemd.socket(5)), or by a predecessor that [hands over]. Their [names](Self::name) are
    /// those of `FileDescriptorName=` (by default the name of the socket unit), or those of the
    /// predecessor's listeners. Returns an empty list if there are none, and for later calls.
    ///
    /// systemd keeps its sockets open, so connections wait in their queue while the service
    /// restarts. A server that ends leaves connections that it has not accepted in the queue.
    ///
    /// Call it first in `main`: it removes variables from the environment, which other threads must
    /// not read at the same time.
    ///
    /// [hands over]: super::Handle#method.hand_over
    ///
    /// # Errors
    ///
    /// If a descriptor is not a listening TCP or Unix socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use h2_sync::server::{Listener, Server};
    ///
    /// let mut listeners = Listener::inherited()?;
    /// if listeners.is_empty() {
    ///     listeners.push(Listener::bind("127.0.0.1:0")?.named("public"));
    /// }
    /// let server = Server::on(listeners);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn inherited() -> io::Result<Vec<Listener>> {
        take()
    }
}

/// Takes the listeners out of the environment: they are returned once.
fn take() -> io::Result<Vec<Listener>> {
    let is_managed = env::var_os("LISTEN_PID").is_some_and(|pid| !pid.is_empty());
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    // It removes `LISTEN_FDS`, so that child processes do not take the descriptors for theirs.
    let mut sockets = ListenFd::from_env();

    let (mut listeners, mut line) = (Vec::new(), None);
    for at in 0..sockets.len() {
        let name = names.next().unwrap_or_default();
        if name == LINE_NAME {
            let (family, kind) = (Domain::UNIX.into(), Type::STREAM.into());
            line = sockets.take_custom::<UnixStream>(at, family, kind, "Unix stream")?;
        } else if let Some(socket) = take_one(&mut sockets, at)? {
            let mut listener = Listener::new(socket);
            listener.is_kept = is_managed;
            if !name.is_empty() {
                listener = listener.named(name);
            }
            listeners.push(listener);
        }
    }
    if let Some(mut line) = line {
        let mut flags = vec![0; listeners.len()];
        line.read_exact(&mut flags)?;
        let line = Line::new(line);
        for (listener, flag) in listeners.iter_mut().zip(flags) {
            listener.is_kept = flag == KEPT;
            listener.line = Some(line.clone());
        }
    }
    Ok(listeners)
}

fn take_one(sockets: &mut ListenFd, at: usize) -> io::Result<Option<Socket>> {
    if let Ok(listener) = sockets.take_tcp_listener(at) {
        return Ok(listener.map(Socket::Tcp));
    }
    let listener = sockets.take_unix_listener(at).map_err(|_| {
        let what = format!("descriptor {at} of LISTEN_FDS is neither a TCP nor a Unix listener");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })?;
    Ok(listener.map(Socket::Unix))
}
