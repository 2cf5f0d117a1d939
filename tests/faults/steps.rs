//! Sessions, connections and halves that are closed or dropped at each step of an exchange, without
//! harm to the other end.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use h2_sync::client::Connection;
use h2_sync::server::{Request, Response, serve_connection};
use h2_sync::transport::duplex;
use h2_sync::{Error, Evt, Reason, Role, Session};

use crate::drivers::ends;
use crate::events::{Teller, Told};
use crate::exchange::{Asked, answer, ask, ask_in_steps, config, get, post, server_config};
use crate::faulty::{Faulty, Script};
use crate::sweep::{Went, alone, eventually, sweep, times};

/// The least number of steps of the exchange.
const STEPS: usize = 10;

/// Runs `near` with a Session of this role against a healthy peer. Asserts afterwards that its
/// transport has been dropped.
fn with_session(role: Role, near: impl FnOnce(Session) -> Went) -> Went {
    let (stream, far) = duplex(16 << 10);
    let (faulty, watch) = Faulty::new(stream, Script::clean());
    let healthy = thread::spawn(move || match role {
        Role::Client => {
            serve_connection(far, server_config(), answer).unwrap_or_else(|error| gone(&error));
        }
        Role::Server => {
            let asked = ask(&Connection::start(far, config()).unwrap());
            asked.is_right();
            asked.error.iter().for_each(gone);
        }
    });
    let went = near(Session::with_config(faulty, role, config()).unwrap());
    healthy.join().unwrap();
    eventually("the transport is dropped", || watch.is_gone());
    went
}

fn gone(error: &Error) {
    assert!(error.is_closed() || error.is_reset() && error.is_retry_safe(), "{error:?}");
}

fn tell(role: Role, session: &Session, before: &mut dyn FnMut(&Session)) -> Told {
    let teller = Teller::new(session, before);
    match role {
        Role::Client => teller.ask(),
        Role::Server => teller.answer(),
    }
}

#[test]
fn a_session_is_closed_before_every_event() {
    let _alone = alone();
    for role in [Role::Client, Role::Server] {
        let steps = sweep(move |n| {
            with_session(role, |session| {
                let (mut taken, mut went) = (0, Went::Through);
                let told = tell(role, &session, &mut |session| {
                    if taken == n {
                        session.close();
                        went = Went::Faulty;
                    }
                    taken += 1;
                });
                if went == Went::Faulty {
                    let is_ended = matches!(told.reason, Reason::Local | Reason::Peer { .. });
                    assert!(is_ended, "{:?}", told.reason);
                }
                assert!(told.refused.iter().all(Error::is_closed), "{:?}", told.refused);
                went
            })
        });
        assert!(steps > STEPS);
    }
}

#[test]
fn a_session_is_dropped_before_every_event_and_its_last_event_still_comes() {
    let _alone = alone();
    for role in [Role::Client, Role::Server] {
        let steps = sweep(move |n| {
            with_session(role, |session| {
                let events = session.events().clone();
                let mut session = Some(session);
                let (mut taken, mut closed) = (0, 0);
                if role == Role::Client {
                    let request = h2_sync::headers!(
                        ":method" => "GET", ":scheme" => "http", ":authority" => "t", ":path" => "/",
                    );
                    session.as_ref().unwrap().open(&request, true).unwrap();
                }
                loop {
                    if taken == n {
                        session = None;
                    }
                    match events.recv() {
                        Ok(Evt::Closed { .. }) => closed += 1,
                        Ok(Evt::RecvHeaders { .. }) if role == Role::Client => {
                            if let Some(session) = &session {
                                session.put_act(h2_sync::Act::Ping).unwrap();
                            }
                        }
                        // The client gets no answer.
                        Ok(Evt::RecvHeaders { .. } | Evt::Pong { .. }) => session = None,
                        Ok(_) => {}
                        Err(_) => break,
                    }
                    taken += 1;
                }
                assert_eq!(closed, 1);
                Went::by(taken > n)
            })
        });
        assert!(steps > 2, "{steps}");
    }
}

#[test]
fn close_wakes_a_wait_for_an_event_or_for_room() {
    let _alone = alone();
    times(16, |_| {
        let (near, far) = duplex(16 << 10);
        let session = Arc::new(Session::with_config(near, Role::Client, config()).unwrap());
        let (started, is_started) = mpsc::channel();
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let (session, started) = (Arc::clone(&session), started.clone());
                thread::spawn(move || {
                    started.send(()).unwrap();
                    std::iter::from_fn(|| session.take_evt().ok())
                        .filter(|evt| matches!(evt, Evt::Closed { .. }))
                        .count()
                })
            })
            .collect();
        waiting.iter().for_each(|_| is_started.recv().unwrap());
        session.close();
        let closed: usize = waiting.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(closed, 1);
        drop(far);
    });
}

/// Runs the exchange over a client's connection, which `act` disturbs at step `n`.
fn with_connection(
    n: usize,
    act: impl Fn(&Connection),
    is_dropped: bool,
    after: impl FnOnce(Connection, Asked),
) -> Went {
    let (near, far) = duplex(16 << 10);
    let (faulty, watch) = Faulty::new(near, Script::clean());
    let server = thread::spawn(|| serve_connection(far, server_config(), answer));
    let connection = Connection::start(ends(faulty), config()).unwrap();
    let (mut step, mut went) = (0, Went::Through);
    let asked = ask_in_steps(&connection, &mut || {
        let is_now = step == n;
        step += 1;
        if is_now {
            went = Went::Faulty;
            act(&connection);
        }
        !(is_now && is_dropped)
    });
    asked.is_right();
    after(connection, asked);
    // A client that closes before its preface cannot be served.
    server.join().unwrap().unwrap_or_else(|error| gone(&error));
    eventually("the transport is dropped", || watch.is_gone());
    went
}

#[test]
fn the_halves_of_streams_are_dropped_at_every_step_and_the_connection_goes_on() {
    let _alone = alone();
    let steps = sweep(|n| {
        with_connection(
            n,
            |_| {},
            true,
            |connection, asked| {
                assert!(asked.error.is_none(), "{asked:?}");
                assert_eq!(get(&connection).unwrap(), "200 hello");
                eventually("no stream is left", || {
                    connection.ping(crate::sweep::LONG).unwrap();
                    connection.open_streams() == 0
                });
            },
        )
    });
    assert!(steps > STEPS);
}

#[test]
fn the_connection_is_dropped_before_its_streams_at_every_step() {
    let _alone = alone();
    // `with_connection` drops open streams first; here, they outlive their connection.
    let steps = sweep(|n| {
        let (near, far) = duplex(16 << 10);
        let (faulty, watch) = Faulty::new(near, Script::clean());
        let server = thread::spawn(|| serve_connection(far, server_config(), answer));
        let connection = Connection::start(faulty, config()).unwrap();
        assert_eq!(get(&connection).unwrap(), "200 hello");
        let mut connection = Some(connection);
        let mut step = 0;
        let mut next = |connection: &mut Option<Connection>| {
            if step == n {
                *connection = None;
            }
            step += 1;
        };
        let (mut send, mut recv) = connection.as_ref().unwrap().open(&post()).unwrap();
        next(&mut connection);
        send.send("one ").unwrap();
        next(&mut connection);
        assert_eq!(recv.response().unwrap().status(), 200);
        next(&mut connection);
        send.send("two").unwrap();
        send.finish().unwrap();
        next(&mut connection);
        drop(send);
        next(&mut connection);
        // Open streams finish.
        assert_eq!(std::io::read_to_string(&mut recv).unwrap(), "one two");
        next(&mut connection);
        drop((recv, connection));
        server.join().unwrap().unwrap();
        eventually("the transport is dropped", || watch.is_gone());
        Went::by(n < step)
    });
    assert_eq!(steps, 6);
}

#[test]
fn a_connection_is_closed_at_every_step() {
    let _alone = alone();
    let steps = sweep(|n| {
        with_connection(n, Connection::close, false, |connection, asked| {
            assert!(asked.is_complete() || asked.error.as_ref().is_some_and(Error::is_closed));
            assert!(get(&connection).is_err_and(|error| error.is_closed()) || asked.is_complete());
        })
    });
    assert!(steps > STEPS);
}

#[test]
fn a_connection_goes_away_at_every_step_and_finishes_what_is_open() {
    let _alone = alone();
    let steps = sweep(|n| {
        with_connection(n, Connection::shutdown, false, |_, asked| {
            let is_refused = asked.error.as_ref().is_some_and(Error::is_closed);
            assert!(asked.is_complete() || is_refused, "{asked:?}");
        })
    });
    assert!(steps > STEPS);
}

#[test]
fn close_wakes_a_wait_for_a_response() {
    let _alone = alone();
    times(40, |n| {
        let (near, far) = duplex(16 << 10);
        let (faulty, watch) = Faulty::new(near, Script { is_timed: n % 2 == 0, ..Script::clean() });
        // Sends no answer before the end of the connection.
        let silent = |request: &mut Request, _: &mut Response| request.next_chunk().map(drop);
        let server = thread::spawn(move || serve_connection(far, server_config(), silent));
        let connection = Connection::start(faulty, config()).unwrap();
        let (started, is_started) = mpsc::channel();
        let waiting: Vec<_> = (0..6)
            .map(|_| {
                let (connection, started) = (connection.clone(), started.clone());
                thread::spawn(move || {
                    let (_send, mut recv) = connection.open(&post()).unwrap();
                    started.send(()).unwrap();
                    recv.response().unwrap_err()
                })
            })
            .collect();
        waiting.iter().for_each(|_| is_started.recv().unwrap());
        connection.close();
        for thread in waiting {
            let error = thread.join().unwrap();
            assert!(error.is_closed(), "{error:?}");
        }
        drop(connection);
        server.join().unwrap().unwrap();
        eventually("the transport is dropped", || watch.is_gone());
    });
}
