//! Handing the listening sockets over to a process that takes the place of this one.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};

use super::accept::Door;
use super::predecessor::{KEPT, LINE_NAME, OWN};

/// The first descriptor of `LISTEN_FDS`.
const FIRST_DESCRIPTOR: i32 = 3;

/// Spawns the successor, and waits until it serves.
pub(super) fn spawn(mut command: Command, doors: &[Door], timeout: Duration) -> io::Result<Child> {
    let deadline = Instant::now().checked_add(timeout);
    let (mut line, theirs) = UnixStream::pair()?;
    let flags: Vec<u8> = doors.iter().map(|door| if door.is_kept { KEPT } else { OWN }).collect();
    line.write_all(&flags)?;
    pass(&mut command, doors, theirs.into())?;
    let mut child = command.spawn()?;
    // The command holds our copies of what was passed, and the line ends with its last copy.
    drop(command);
    let served = until_served(&mut line, deadline);
    if served.is_err() {
        // Either may fail only if the process has ended.
        let _ = child.kill();
        let _ = child.wait();
    }
    served.map(|()| child)
}

/// Makes the command pass the sockets of the listeners, and the line behind them.
fn pass(command: &mut Command, doors: &[Door], line: OwnedFd) -> io::Result<()> {
    let mut descriptors = Vec::new();
    let mut names = Vec::new();
    for door in doors {
        let name = door.entrance.name.as_deref().unwrap_or_default();
        if name.contains(':') {
            let what = format!("the name {name:?} of a listener contains a colon");
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        descriptors.push(door.socket.try_clone()?);
        names.push(name);
    }
    descriptors.push(line);
    names.push(LINE_NAME);
    command
        .env("LISTEN_FDS", descriptors.len().to_string())
        .env("LISTEN_FDNAMES", names.join(":"))
        .env_remove("LISTEN_PID");
    let map = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
    let mappings = descriptors.into_iter().zip(FIRST_DESCRIPTOR..).map(map).collect();
    command.fd_mappings(mappings).map_err(io::Error::other)?;
    Ok(())
}

/// Waits until the successor has served or dropped all listeners.
fn until_served(line: &mut UnixStream, deadline: Option<Instant>) -> io::Result<()> {
    let late = || io::Error::new(ErrorKind::TimedOut, "the successor did not serve in time");
    let (mut served, mut told) = (false, [0; 64]);
    loop {
        let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(late());
        }
        line.set_read_timeout(left)?;
        // Unix sockets report a reset if the other end has not read everything.
        let read = match line.read(&mut told) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
            read => read,
        };
        match read {
            Ok(0) if served => return Ok(()),
            Ok(0) => return Err(io::Error::other("the successor ended before it served")),
            Ok(_) => served = true,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}
