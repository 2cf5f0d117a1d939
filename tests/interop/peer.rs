//! External programs: finding, running and ending them.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

/// The time limit of a program, far longer than any takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Finds a program. Returns `None` if it is not installed; the test is then skipped.
///
/// # Panics
///
/// If it is not installed but required.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let found = look_for(program);
    if found.is_none() {
        missing(program);
    }
    found
}

/// Finds an optional program.
pub(crate) fn look_for(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian installs servers in `sbin`, which is not on the PATH of ordinary users.
    let mut folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.find_map(|folder| Some(folder.join(program)).filter(|file| file.is_file()))
}

/// Reports a missing peer.
///
/// # Panics
///
/// If it is required.
pub(crate) fn missing(peer: &str) {
    let is_required = env::var_os("H2_SYNC_INTEROP").is_some_and(|value| value == "require");
    assert!(!is_required, "no {peer}, and H2_SYNC_INTEROP=require");
    println!("skipped: no {peer}");
}

/// The output of a program.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) success: bool,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

/// Runs a program to its end.
///
/// # Panics
///
/// If it cannot be run, or does not end in time.
pub(crate) fn run(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().unwrap());
    let (sender, ended) = mpsc::channel();
    let out = collect(guard.0.stdout.take().unwrap(), sender.clone());
    let err = collect(guard.0.stderr.take().unwrap(), sender);
    for _ in 0..2 {
        ended.recv_timeout(PATIENCE).expect("the program ends in time");
    }
    let success = guard.0.wait().unwrap().success();
    Output { success, text: out.join().unwrap() + &err.join().unwrap() }
}

/// Reads to the end, then sends the text.
pub(crate) fn collect(
    mut pipe: impl Read + Send + 'static,
    ended: mpsc::Sender<()>,
) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).unwrap();
        // The receiver is gone if the test has failed.
        let _ = ended.send(());
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// An external server, which is killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    guard: Guard,
}

impl Server {
    /// Starts the command for a free port, and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// If it does not within a minute.
    pub(crate) fn start(mut command: impl FnMut(u16) -> Command) -> Self {
        // Another program may take the port before the server binds it.
        for _ in 0..5 {
            let address = free_address().unwrap();
            let mut command = command(address.port());
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
            let mut guard = Guard(child);
            if guard.waits_for(address) {
                return Self { address, guard };
            }
        }
        panic!("the server does not take connections");
    }

    /// Waits for the end of a process that has been told to end.
    pub(crate) fn wait(&mut self) {
        self.guard.0.wait().unwrap();
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.guard.0.id()
    }

    /// Starts another process on the same port, which ends this one, and waits for that.
    ///
    /// # Panics
    ///
    /// If it does not take connections within a minute.
    pub(crate) fn replace(&mut self, command: &mut Command) {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut before = std::mem::replace(&mut self.guard, Guard(child));
        assert!(self.guard.waits_for(self.address), "the server does not take connections");
        before.0.wait().unwrap();
    }

    /// Starts it once more on the same port, after its end.
    ///
    /// # Panics
    ///
    /// If it does not take connections within a minute.
    pub(crate) fn start_again(&mut self, command: &mut Command) {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        self.guard = Guard(child);
        assert!(self.guard.waits_for(self.address), "the server does not take connections again");
    }
}

/// An address on loopback that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Kills a process when dropped.
#[derive(Debug)]
pub(crate) struct Guard(pub(crate) Child);

impl Guard {
    /// Waits until a server listens there. Returns `false` if the process ends instead.
    fn waits_for(&mut self, address: SocketAddr) -> bool {
        // A Python program takes long to start on a busy machine.
        for _ in 0..1_200 {
            if TcpStream::connect(address).is_ok() {
                return true;
            }
            if self.0.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example of this name, if it has been built.
pub(crate) fn example(name: &str) -> Option<PathBuf> {
    // The test is in `target/debug/deps`, the example in `target/debug/examples`.
    let test = env::current_exe().unwrap();
    let file = test.ancestors().nth(2).unwrap_or(Path::new("")).join("examples").join(name);
    if !file.is_file() {
        missing(&format!("example {name}: cargo build --examples makes it"));
        return None;
    }
    Some(file)
}
