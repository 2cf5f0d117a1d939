//! Processes: backends, and the balancers in front of them.

use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::deployed::{filled, replaced};
use crate::peer;

/// How long a process may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process, which is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

/// An address on loopback that was free a moment ago.
///
/// # Panics
///
/// If no port is free.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("the address of a listener")
}

/// Finds a program. `None` if it is not installed; the test is then skipped.
///
/// # Panics
///
/// If it is not installed, and the environment variable `H2_SYNC_INTEROP` is `require`.
pub fn find(program: &str) -> Option<PathBuf> {
    peer::find(program)
}

/// Reports that something else is not installed, as [`find`] does.
///
/// # Panics
///
/// If the environment variable `H2_SYNC_INTEROP` is `require`.
pub fn missing(what: &str) {
    peer::missing(what);
}

impl Process {
    /// Starts a process.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let name = format!("{command:?}");
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Process { child, name })
    }

    /// Starts a backend, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not listen.
    pub fn backend(program: &Path, address: SocketAddr, args: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(address.to_string()).args(args).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let stdout = process.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if !line.starts_with("listening on ") {
            return Err(io::Error::other(format!("{} does not listen", process.name)));
        }
        Ok(process)
    }

    /// Waits until something listens there.
    ///
    /// # Panics
    ///
    /// If the process ends instead, or takes too long.
    pub fn wait_for(&mut self, address: SocketAddr) {
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().expect("a child process");
            assert_eq!(ended, None, "{} has ended", self.name);
            assert!(began.elapsed() < PATIENCE, "{} does not listen", self.name);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal, such as `TERM`.
    ///
    /// # Panics
    ///
    /// If there is no such process.
    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "kill -s {signal} {}", self.name);
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child process") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "{} does not end", self.name);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two backends behind a balancer, with its configuration of `deploy/`.
#[derive(Debug)]
pub struct Pair {
    program: PathBuf,
    args: Vec<&'static str>,
    addresses: [SocketAddr; 2],
    backends: [Process; 2],
    /// Where the balancer listens.
    pub front: SocketAddr,
    /// Where it listens for gRPC.
    pub grpc: SocketAddr,
    _balancer: Process,
    _folder: Folder,
}

impl Pair {
    /// Starts two backends, which expect the PROXY protocol and give a second's notice, behind
    /// HAProxy. `None` if it is not installed.
    ///
    /// # Errors
    ///
    /// If a process cannot be started.
    pub fn behind_haproxy(program: &Path) -> io::Result<Option<Self>> {
        Pair::with_haproxy(program, str::to_owned)
    }

    /// Does the same, with HTTP/1.1 between HAProxy and the backends.
    ///
    /// # Errors
    ///
    /// If a process cannot be started.
    pub fn behind_haproxy_over_http1(program: &Path) -> io::Result<Option<Self>> {
        // As a comment in the file tells.
        Pair::with_haproxy(program, |config| {
            replaced(config, "default-server proto h2", "default-server")
        })
    }

    fn with_haproxy(program: &Path, edit: impl FnOnce(&str) -> String) -> io::Result<Option<Self>> {
        let Some(haproxy) = find("haproxy") else { return Ok(None) };
        let [front, one, two] = [(); 3].map(|()| free_address());
        let config = filled(
            "haproxy.cfg",
            &[("127.0.0.1:8000", front), ("127.0.0.1:9001", one), ("127.0.0.1:9002", two)],
        );
        let start = |file: &Path, _: &Path| {
            let mut command = Command::new(&haproxy);
            command.arg("-f").arg(file);
            command
        };
        let args = vec!["1", "--proxy"];
        Pair::behind(program, args, &edit(&config), [one, two], [front, front], start).map(Some)
    }

    /// Starts two backends behind nginx. `None` if it is not installed.
    ///
    /// # Errors
    ///
    /// If a process cannot be started.
    pub fn behind_nginx(program: &Path) -> io::Result<Option<Self>> {
        let Some(nginx) = find("nginx") else { return Ok(None) };
        let [front, grpc, one, two] = [(); 4].map(|()| free_address());
        let config = filled(
            "nginx.conf",
            &[
                ("127.0.0.1:8000", front),
                ("127.0.0.1:8001", grpc),
                ("127.0.0.1:9001", one),
                ("127.0.0.1:9002", two),
            ],
        );
        let start = |file: &Path, folder: &Path| {
            let mut command = Command::new(&nginx);
            command.arg("-p").arg(folder).arg("-c").arg(file).args(["-e", "stderr"]);
            command.args(["-g", "daemon off; master_process off;"]);
            command
        };
        Pair::behind(program, vec!["0"], &config, [one, two], [front, grpc], start).map(Some)
    }

    /// Starts two backends, which give a notice of two seconds, behind Envoy. `None` if it is not
    /// installed.
    ///
    /// # Errors
    ///
    /// If a process cannot be started.
    pub fn behind_envoy(program: &Path) -> io::Result<Option<Self>> {
        let Some(envoy) = find("envoy") else { return Ok(None) };
        let [front, one, two, admin] = [(); 4].map(|()| free_address());
        let port = |address: SocketAddr| format!("port_value: {}", address.port());
        let config = filled(
            "envoy.yaml",
            &[
                ("port_value: 8000", port(front)),
                ("port_value: 9001", port(one)),
                ("port_value: 9002", port(two)),
                ("port_value: 9901", port(admin)),
            ],
        );
        let start = |file: &Path, _: &Path| {
            let mut command = Command::new(&envoy);
            command.arg("-c").arg(file).args(["--disable-hot-restart", "--log-level", "error"]);
            command.args(["--concurrency", "2"]);
            command
        };
        Pair::behind(program, vec!["2"], &config, [one, two], [front, front], start).map(Some)
    }

    fn behind(
        program: &Path,
        args: Vec<&'static str>,
        config: &str,
        [one, two]: [SocketAddr; 2],
        [front, grpc]: [SocketAddr; 2],
        start: impl FnOnce(&Path, &Path) -> Command,
    ) -> io::Result<Self> {
        let backends =
            [Process::backend(program, one, &args)?, Process::backend(program, two, &args)?];
        let folder = Folder::new("balancer")?;
        // Envoy goes by the end of the name.
        let file = folder.write("balancer.yaml", config)?;
        let mut balancer = Process::start(start(&file, folder.path()).stdout(Stdio::null()))?;
        balancer.wait_for(front);
        Ok(Pair {
            program: program.to_owned(),
            args,
            addresses: [one, two],
            backends,
            front,
            grpc,
            _balancer: balancer,
            _folder: folder,
        })
    }

    /// The number of the process of one of them.
    pub fn id(&self, which: usize) -> u32 {
        self.backends[which].child.id()
    }

    /// Drains one of them and starts it again. Returns whether it has cut no request.
    ///
    /// # Errors
    ///
    /// If it cannot be started again.
    pub fn restart(&mut self, which: usize) -> io::Result<bool> {
        self.backends[which].signal("TERM");
        let is_clean = self.backends[which].wait().success();
        self.start(which)?;
        Ok(is_clean)
    }

    /// Kills one of them without notice, and starts it again.
    ///
    /// # Errors
    ///
    /// If it cannot be started again.
    pub fn kill(&mut self, which: usize) -> io::Result<()> {
        self.backends[which].signal("KILL");
        self.backends[which].wait();
        self.start(which)
    }

    fn start(&mut self, which: usize) -> io::Result<()> {
        self.backends[which] = Process::backend(&self.program, self.addresses[which], &self.args)?;
        Ok(())
    }
}

/// A folder for temporary files, removed when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Creates a folder.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn new(name: &str) -> io::Result<Self> {
        let port = free_address().port();
        let place = env::temp_dir().join(format!("h2-sync-{name}-{}-{port}", std::process::id()));
        fs::create_dir_all(&place)?;
        Ok(Folder(place))
    }

    /// Writes a file. Returns its path.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let file = self.0.join(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
