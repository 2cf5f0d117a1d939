//! Sockets of a service manager, which this process plays.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};

use crate::process::{Process, answer, ask, command, send};

/// Starts the server with sockets and their names, as systemd does: with the number of its process.
fn activate(sockets: Vec<OwnedFd>, names: &str) -> Process {
    let inner = command();
    // The shell knows the number, and keeps it when it becomes the server.
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""]).arg(inner.get_program());
    command.args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("LISTEN_FDS", sockets.len().to_string()).env("LISTEN_FDNAMES", names);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let map = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
    command.fd_mappings(sockets.into_iter().zip(3..).map(map).collect()).unwrap();
    command.spawn().unwrap().into()
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn sockets_of_the_service_manager_are_served_by_their_names() {
    let path = std::env::temp_dir().join(format!("h2-sync-activation-{}", std::process::id()));
    let (tcp, address) = listen();
    let unix = UnixListener::bind(&path).unwrap();
    let mut process = activate(vec![tcp.into(), unix.into()], "web:admin");
    assert_eq!(process.line("inherited"), "web,admin");
    assert_eq!(answer(ask(address)), format!("{} web", process.id()));
    let mut stream = UnixStream::connect(&path).unwrap();
    send(&mut stream);
    assert_eq!(answer(stream), format!("{} admin", process.id()));
    assert_eq!(process.end(), "0");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn connections_wait_while_the_service_restarts() {
    let (kept, address) = listen();
    let socket = || vec![kept.try_clone().unwrap().into()];
    // It is there before the service.
    let early = ask(address);
    let first = activate(socket(), "web");
    assert_eq!(answer(early), format!("{} web", first.id()));
    assert_eq!(first.end(), "0");
    let waiting: Vec<_> = (0..10).map(|_| ask(address)).collect();
    let second = activate(socket(), "web");
    for stream in waiting {
        assert_eq!(answer(stream), format!("{} web", second.id()));
    }
    assert_eq!(second.end(), "0");
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let (tcp, _) = listen();
    let mut command = command();
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let map = FdMapping { parent_fd: tcp.into(), child_fd: 3 };
    command.fd_mappings(vec![map]).unwrap();
    let mut process = Process::from(command.spawn().unwrap());
    assert_eq!(process.line("inherited"), "");
}
