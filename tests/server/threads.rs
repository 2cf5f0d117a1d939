//! Threads and descriptors after connections have ended, and failing listeners.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{bounded, config, eventually, get, post, serve_with};

#[test]
fn nothing_is_left_after_two_hundred_connections() {
    bounded(|| {
        let config = config(|config| config.idle_thread_timeout = Duration::from_millis(1));
        let server = serve_with(config, |request, response| {
            if request.path() == "/echo" {
                std::io::copy(request, response)?;
            }
            Ok(response.write_all(b"hello")?)
        });
        for n in 0..200 {
            match n % 4 {
                0 => drop(TcpStream::connect(server.local_addr().unwrap()).unwrap()),
                1 => {
                    // Closed in the middle of a request.
                    let mut peer = Peer::of(&server);
                    peer.open(&post("/echo"), false);
                    peer.open(&get("/"), true);
                }
                2 => drop(Client::of(&server).post("/echo")),
                _ => assert_eq!(Client::of(&server).fetch("/").text(), "hello"),
            }
        }
        eventually(|| server.stats().connections == 0);
        eventually(|| server.stats().threads == 0);
        assert_eq!(server.stats().handlers_running, 0);
        assert_eq!(server.stats().connections_accepted, 200);
    });
}

#[test]
fn over_the_limit_connections_wait_until_one_ends() {
    bounded(|| {
        let config = config(|config| config.max_connections = 2);
        let server = serve_with(config, |_, response| Ok(response.write_all(b"hello")?));
        let mut clients: Vec<_> = (0..3).map(|_| Client::of(&server)).collect();
        for client in &mut clients[..2] {
            assert_eq!(client.fetch("/").text(), "hello");
        }
        let waits = clients[2].get("/");
        assert_eq!(server.stats().connections, 2);
        assert_eq!(server.stats().connections_accepted, 2);
        drop(clients.remove(0));
        assert_eq!(clients[1].reply(waits).text(), "hello");
        assert_eq!(server.stats().connections_accepted, 3);
    });
}

#[test]
fn a_server_that_is_full_can_be_shut_down() {
    bounded(|| {
        let config = config(|config| config.max_connections = 1);
        let server = serve_with(config, |_, _| Ok(()));
        let mut client = Client::of(&server);
        client.fetch("/");
        let _waits = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        assert_eq!(server.shutdown(crate::support::LONG).connections, 0);
        client.until_closed();
    });
}

/// Set for the process whose log is counted.
const COUNTED: &str = "H2_SYNC_TEST_COUNTED_LOG";

/// Counts the lines at `warn` and above.
struct Lines(AtomicUsize);

static LINES: Lines = Lines(AtomicUsize::new(0));

impl log::Log for Lines {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// In a process of its own, for a log of this test alone.
#[test]
fn server_without_threads_logs_a_line_a_second_and_can_be_shut_down() {
    if std::env::var_os(COUNTED).is_some() {
        return without_threads();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "threads::server_without_threads_logs_a_line_a_second_and_can_be_shut_down",
        ])
        .env(COUNTED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn without_threads() {
    bounded(|| {
        log::set_logger(&LINES).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        let began = Instant::now();
        // More threads than any process may have.
        let server = serve_with(config(|config| config.stack_size = 1 << 50), |_, _| Ok(()));
        let clients: Vec<_> = (0..20).map(|_| Peer::of(&server)).collect();
        // Each waits for a thread for a second at most.
        eventually(|| server.stats().connections_failed >= 3);
        assert_eq!(server.stats().threads, 0);
        server.shutdown(Duration::from_millis(20));
        let (lines, seconds) = (LINES.0.load(Ordering::Relaxed), began.elapsed().as_secs());
        assert!(lines >= 1 && lines as u64 <= seconds + 2, "{lines} lines in {seconds} s");
        drop(clients);
    });
}

/// Set for the process with few descriptors.
#[cfg(unix)]
const FEW: &str = "H2_SYNC_TEST_FEW_DESCRIPTORS";

#[cfg(unix)]
#[test]
fn a_server_without_descriptors_goes_on_when_there_are_some_again() {
    use std::process::{Command, Stdio};

    if std::env::var_os(FEW).is_some() {
        return few_descriptors();
    }
    let name = "threads::a_server_without_descriptors_goes_on_when_there_are_some_again";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(FEW, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("served again"), "{text}");
}

#[cfg(unix)]
fn few_descriptors() {
    bounded(|| {
        let server =
            serve_with(Default::default(), |_, response| Ok(response.write_all(b"hello")?));
        let mut first = Client::of(&server);
        assert_eq!(first.fetch("/").text(), "hello");
        // All descriptors except one for a client.
        let open = || std::fs::File::open("/dev/null").ok();
        let mut files: Vec<_> = std::iter::from_fn(open).collect();
        files.pop();
        let mut second = Client::of(&server);
        eventually(|| server.stats().accept_errors > 0);
        assert_eq!(first.fetch("/").text(), "hello");
        files.clear();
        assert_eq!(second.fetch("/").text(), "hello");
        assert_eq!(Client::of(&server).fetch("/").text(), "hello");
        println!("served again");
    });
}
