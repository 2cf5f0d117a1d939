//! Connections that start in HTTP/1.1 and are cut before, during and after the upgrade.

use std::io;
use std::thread;

use h2_sync::transport::{Transport, duplex};
use h2_sync::upgrade::{Options, Outcome, Upgraded, request_upgrade};
use h2_sync::{Error, ErrorKind, Reason, Role, Session};

use crate::events::{Teller, Told};
use crate::exchange::{RIGHT, config};
use crate::faulty::{At, Call, Fault, Faulty, PLANNED, Script};
use crate::sweep::{LONG, Went, alone, at_once, eventually, nothing_is_left, sweep_beside_others};

/// The least octets in each direction.
const OCTETS: usize = 300;

fn options() -> Options {
    let mut options = Options::default();
    options.timeout = Some(10 * LONG);
    options
}

/// One end of the exchange. An error means that HTTP/2 did not begin.
fn talk(stream: impl Transport, role: Role) -> Result<Told, Error> {
    let mut nothing = |_: &Session| {};
    match role {
        Role::Client => {
            let request = http::Request::get("http://test/").body(()).unwrap();
            match request_upgrade(stream, &request, &config(), &options())? {
                Outcome::Upgraded(Upgraded { stream, opening }) => {
                    let session = Session::with_opening(stream, config(), opening)?;
                    Ok(Teller::new(&session, &mut nothing).ask())
                }
                // A server that has received half of the request reports it.
                Outcome::Declined(response) => {
                    assert_eq!(response.head.status(), 400);
                    Err(io::Error::other("declined").into())
                }
            }
        }
        Role::Server => {
            let session = Session::accept_h2c(stream, config(), &options())?;
            Ok(Teller::new(&session, &mut nothing).answer())
        }
    }
}

/// Runs both ends, with the scripted transport at the end of this role. `so` checks the errors that
/// it gets, if any.
fn run(script: Script, role: Role, so: fn(&Error) -> bool) -> Went {
    let (near, far) = duplex(16 << 10);
    let (faulty, watch) = Faulty::new(near, script);
    let other = if role == Role::Client { Role::Server } else { Role::Client };
    let healthy = thread::spawn(move || talk(far, other));
    let near = talk(faulty, role);
    let far = healthy.join().unwrap();
    for told in [&near, &far].into_iter().flatten() {
        assert_eq!(told.answers, RIGHT[..told.answers.len()]);
    }
    match near {
        Ok(Told { reason: Reason::Error(error), .. }) | Err(error) => {
            assert!(so(&error), "{error:?}");
        }
        Ok(Told { reason: Reason::Peer { .. }, .. }) => {}
        Ok(told) => {
            let asked = if role == Role::Client { Some(told) } else { far.ok() };
            assert_eq!(asked.unwrap().answers, RIGHT);
        }
    }
    eventually("the transport is dropped", || watch.is_gone());
    Went::by(watch.has_fired())
}

fn is_cut_after_every_octet(call: Call, fault: Fault, so: fn(&Error) -> bool) {
    let _alone = alone();
    let faults = at_once([Role::Client, Role::Server].map(|role| {
        move || {
            sweep_beside_others(move |n| {
                let script = Script::of(call, At::Octet(n as u64), fault);
                run(script, role, so)
            })
        }
    }));
    nothing_is_left();
    assert!(faults.iter().all(|&faults| faults > OCTETS), "{faults:?}");
}

fn is_planned(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport && error.to_string().contains(PLANNED)
}

#[test]
fn it_is_reset_after_every_octet_that_is_read() {
    is_cut_after_every_octet(Call::Read, Fault::Resets, is_planned);
}

#[test]
fn it_is_reset_after_every_octet_that_is_written() {
    is_cut_after_every_octet(Call::Write, Fault::Resets, is_planned);
}

#[test]
fn it_ends_after_every_octet_that_is_read() {
    is_cut_after_every_octet(Call::Read, Fault::Nothing, |error| {
        // Half a message of HTTP/1.1 is a fault of the peer.
        error.is_closed() || error.kind() == ErrorKind::Peer
    });
}
