//! Handlers that panic, fail, or drop their values at each step: only their own stream is affected.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use h2_sync::client::Connection;
use h2_sync::server::{Request, Response, serve_connection};
use h2_sync::transport::duplex;
use h2_sync::{Error, ErrorCode};
use http::HeaderMap;

use crate::exchange::{config, get, post, server_config};
use crate::faulty::{Faulty, Script, panic_as_planned};
use crate::sweep::{Went, alone, eventually, sweep, times};

/// The last step of a handler.
#[derive(Debug, Clone, Copy)]
enum Act {
    Panic,
    Fail,
    /// Splits the stream, and drops the halves.
    DropHalves,
    /// Splits the stream, and panics while it holds the halves.
    PanicWithHalves,
    /// Leaves a value that panics when it is dropped.
    LeavePanic,
}

const ALL: [Act; 5] =
    [Act::Panic, Act::Fail, Act::DropHalves, Act::PanicWithHalves, Act::LeavePanic];

/// The number of steps of [`answer_up_to`].
const STEPS: usize = 8;

struct PanicsLater;

impl Drop for PanicsLater {
    fn drop(&mut self) {
        panic_as_planned();
    }
}

/// An exchange with one client, up to step `n`.
fn answer_up_to(
    n: usize,
    act: Act,
    request: &mut Request,
    response: &mut Response,
) -> io::Result<()> {
    let mut step = 0;
    let mut at_step = |request: &mut Request, response: &mut Response| {
        step += 1;
        if step - 1 != n {
            return Ok(());
        }
        match act {
            Act::Panic => panic_as_planned(),
            Act::Fail => Err(io::Error::other("it fails")),
            Act::LeavePanic => {
                request.extensions_mut().insert(Arc::new(PanicsLater));
                Ok(())
            }
            Act::DropHalves => response.split(request).map(drop).map_err(io::Error::from),
            Act::PanicWithHalves => {
                let _halves = response.split(request)?;
                panic_as_planned()
            }
        }
    };
    at_step(request, response)?;
    response.set_header("x", "1")?;
    at_step(request, response)?;
    let mut start = [0; 4];
    request.read_exact(&mut start)?;
    at_step(request, response)?;
    response.write_all(&start)?;
    at_step(request, response)?;
    response.flush()?;
    at_step(request, response)?;
    let mut rest = Vec::new();
    request.read_to_end(&mut rest)?;
    at_step(request, response)?;
    response.write_all(&rest)?;
    at_step(request, response)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("end", "yes".parse().unwrap());
    response.set_trailers(trailers);
    at_step(request, response)
}

#[test]
fn a_handler_that_fails_at_any_step_costs_its_stream_alone() {
    let _alone = alone();
    for act in ALL {
        let run = move |n| {
            let (near, far) = duplex(16 << 10);
            let (faulty, watch) = Faulty::new(near, Script::clean());
            let handler = Arc::new(());
            let theirs = Arc::clone(&handler);
            let server = thread::spawn(move || {
                serve_connection(
                    faulty,
                    server_config(),
                    move |request: &mut Request, response: &mut Response| {
                        let _theirs = &theirs;
                        match request.path() {
                            "/fails" => answer_up_to(n, act, request, response),
                            _ => crate::exchange::answer(request, response),
                        }
                    },
                )
            });
            let connection = Connection::start(far, config()).unwrap();
            // Another request on the same connection, before, during and after.
            let (mut send, mut recv) = connection.open(&post()).unwrap();
            send.send("one ").unwrap();
            let went = ask_what_fails(&connection, act);
            assert_eq!(get(&connection).unwrap(), "200 hello");
            send.send("two").unwrap();
            send.finish().unwrap();
            assert_eq!(io::read_to_string(&mut recv).unwrap(), "one two");
            drop((send, recv, connection));
            server.join().unwrap().unwrap();
            eventually("the transport is dropped", || watch.is_gone());
            eventually("the handler is dropped", || Arc::strong_count(&handler) == 1);
            went
        };
        if matches!(act, Act::LeavePanic) {
            // The response is complete by then.
            times(STEPS, move |n| assert_eq!(run(n), Went::Through));
        } else {
            assert_eq!(sweep(run), STEPS, "{act:?}");
        }
    }
}

/// Asserts that the client gets the complete response, 500, or a reset, but never a truncated
/// response that looks complete.
fn ask_what_fails(connection: &Connection, act: Act) -> Went {
    let request = http::Request::post("http://test/fails").body(()).unwrap();
    let (mut send, mut recv) = connection.open(&request).unwrap();
    // The stream may be reset by now.
    let _ = send.send("1234").and_then(|()| send.send("567")).and_then(|()| send.finish());
    let mut read = || {
        let response = recv.response()?;
        let mut body = String::new();
        recv.read_to_string(&mut body)?;
        let trailers = recv.trailers()?;
        Ok::<_, Error>((response, body, trailers))
    };
    match read() {
        Ok((response, body, trailers)) if response.status() == 200 => {
            let is_whole = body == "1234567" && trailers.is_some();
            assert!(is_whole, "{act:?}: {body:?} {trailers:?}");
            Went::Through
        }
        Ok((response, ..)) => {
            assert_eq!(response.status(), 500, "{act:?}");
            Went::Faulty
        }
        Err(error) => {
            let codes = [ErrorCode::InternalError, ErrorCode::Cancel, ErrorCode::NoError];
            assert!(error.code().is_some_and(|code| codes.contains(&code)), "{act:?} {error:?}");
            Went::Faulty
        }
    }
}
