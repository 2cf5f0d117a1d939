//! Sockets that are handed over to a successor.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use h2_sync::server::{Aborted, Handle, Listener, Server};

use crate::load::Load;
use crate::process::{LONG, Process, answer, ask, command, eventually, handler};

fn server() -> (Handle, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0").unwrap().named("web");
    let server = Server::on([listener]).serve(handler).unwrap();
    let address = server.local_addr().unwrap();
    (server, address)
}

#[test]
fn no_request_is_lost_while_a_successor_takes_over() {
    let (server, address) = server();
    let load = Load::on(address);
    eventually(|| load.answered() > 50);
    let mut successor = Process::from(server.hand_over(command(), LONG).unwrap());
    assert_eq!(successor.line("inherited"), "web");
    let ours = load.answered();
    eventually(|| load.answered() > ours + 50);
    assert_eq!(server.shutdown(LONG), Aborted::default());
    let until_end = load.answered();
    eventually(|| load.answered() > until_end + 50);
    assert_eq!(answer(ask(address)), format!("{} web", successor.id()));
    load.end();
    assert_eq!(successor.end(), "0");
}

#[test]
fn connection_in_the_queue_is_left_to_the_successor() {
    let (server, address) = server();
    let successor = Process::from(server.hand_over(command(), LONG).unwrap());
    server.shutdown(LONG);
    let waiting: Vec<_> = (0..10).map(|_| ask(address)).collect();
    for stream in waiting {
        assert_eq!(answer(stream), format!("{} web", successor.id()));
    }
    assert_eq!(successor.end(), "0");
}

#[test]
fn server_goes_on_if_the_successor_does_not_come_up() {
    let (server, address) = server();
    let error = server.hand_over(Command::new("/nonexistent"), LONG).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::TimedOut, "{error}");
    let error = server.hand_over(Command::new("false"), LONG).unwrap_err();
    assert_eq!(error.to_string(), "the successor ended before it served");
    // It holds the sockets, but does not serve them.
    let mut sleeps = Command::new("sleep");
    sleeps.arg("1000").stdin(Stdio::null());
    let error = server.hand_over(sleeps, Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(answer(ask(address)), format!("{} web", std::process::id()));
    assert_eq!(server.shutdown(LONG), Aborted::default());
    let error = server.hand_over(command(), LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
}
