//! Many threads share a connection when its transport fails: all of them are woken, whichever was
//! reading or writing.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use h2_sync::client::Connection;
use h2_sync::server::{Request, Response, serve_connection};
use h2_sync::transport::duplex;
use h2_sync::{Error, ErrorKind, Role};

use crate::exchange::{answer, config, get, post, server_config};
use crate::faulty::{At, Call, Fault, Faulty, PLANNED, Script};
use crate::sweep::{Went, alone, at_once, eventually, nothing_is_left, sweep, sweep_beside_others};

const THREADS: usize = 5;

/// Threads send requests whose bodies have an octet for each round trip, and wait for its echo.
fn ask_all(connection: &Connection) -> Vec<Error> {
    let talk = || {
        let (mut send, mut recv) = connection.open(&post())?;
        for _ in 0..3 {
            send.send("x")?;
            io::Read::read_exact(&mut recv, &mut [0])?;
        }
        send.finish()?;
        assert_eq!(io::read_to_string(&mut recv)?, "");
        assert_eq!(get(connection)?, "200 hello");
        Ok::<_, Error>(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(talk)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap().err()).collect()
    })
}

/// The errors that the threads or handlers at this end get when its transport fails.
pub(crate) fn run(script: Script, role: Role) -> (Vec<Error>, Went) {
    let (near, far) = duplex(16 << 10);
    let (faulty, watch) = Faulty::new(near, script);
    let failed = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&failed);
    let handler = move |request: &mut Request, response: &mut Response| {
        answer(request, response).map_err(Error::from).inspect_err(|error| {
            theirs.lock().unwrap().push(error.clone());
        })
    };
    let told = match role {
        Role::Client => {
            let server = thread::spawn(|| serve_connection(far, server_config(), handler));
            let told = ask_all(&Connection::start(faulty, config()).unwrap());
            // It may have closed before it sent anything.
            server.join().unwrap().unwrap_or_else(|error| assert!(error.is_closed(), "{error:?}"));
            told
        }
        Role::Server => {
            let client = thread::spawn(move || ask_all(&Connection::start(far, config()).unwrap()));
            let served = serve_connection(faulty, server_config(), handler);
            client.join().unwrap();
            eventually("the handlers end", || Arc::strong_count(&failed) == 1);
            served.err().into_iter().chain(failed.lock().unwrap().drain(..)).collect()
        }
    };
    eventually("the transport is dropped", || watch.is_gone());
    (told, Went::by(watch.has_fired()))
}

fn all_are_told(call: Call, fault: Fault, so: fn(&Error) -> bool) {
    let _alone = alone();
    let ends = [Role::Client, Role::Server].map(|role| [(role, true), (role, false)]);
    let faults = at_once(ends.concat().into_iter().map(|(role, is_timed)| {
        move || {
            sweep_beside_others(move |n| {
                let script = Script { is_timed, ..Script::of(call, At::Call(n), fault) };
                let (told, went) = run(script.in_pieces(24), role);
                assert!(told.iter().all(so), "{told:?}");
                if role == Role::Client && n < 4 {
                    assert_eq!(told.len(), THREADS, "{told:?}");
                }
                went
            })
        }
    }));
    nothing_is_left();
    assert!(faults.iter().all(|&faults| faults > 10), "{faults:?}");
}

#[test]
fn all_are_told_of_a_read_that_fails() {
    all_are_told(Call::Read, Fault::Fails(io::ErrorKind::Other), is_planned);
}

#[test]
fn all_are_told_of_a_write_that_fails() {
    all_are_told(Call::Write, Fault::Fails(io::ErrorKind::Other), is_planned);
}

#[test]
fn all_are_told_of_a_reset() {
    all_are_told(Call::Write, Fault::Resets, is_planned);
}

#[test]
fn all_are_told_of_the_end() {
    all_are_told(Call::Read, Fault::Nothing, |error| {
        // The server may not know the client's protocol yet.
        error.is_closed() || error.kind() == ErrorKind::Peer
    });
}

#[test]
fn all_are_told_of_a_panic_in_a_read() {
    // While the server detects the protocol, the panic happens on the caller's thread.
    let _alone = alone();
    let faults = sweep(|n| {
        let script = Script::of(Call::Read, At::Call(n), Fault::Panics).in_pieces(24);
        let (told, went) = run(script, Role::Client);
        assert!(told.iter().all(|error| error.kind() == ErrorKind::Internal), "{told:?}");
        went
    });
    assert!(faults > 10, "{faults}");
}

fn is_planned(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport && error.to_string().contains(PLANNED)
}
