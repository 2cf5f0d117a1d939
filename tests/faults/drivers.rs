//! The four drivers of a connection, each over a failing transport with a healthy peer.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use h2_sync::client::Connection;
use h2_sync::server::{Request, Response, serve_connection};
use h2_sync::transport::{Halves, Transport, duplex};
use h2_sync::{Error, ErrorKind, Reason, Role, Session};

use crate::events::Teller;
use crate::exchange::{Asked, answer, ask, config, server_config};
use crate::faulty::{Call, Fault, Faulty, PLANNED, Planned, Script};
use crate::secure::Security;
use crate::sweep::{Went, eventually};

/// The driver of the connection whose transport fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    SessionClient,
    SessionServer,
    Connection,
    ServeConnection,
}

pub(crate) const ALL: [Driver; 4] =
    [Driver::SessionClient, Driver::SessionServer, Driver::Connection, Driver::ServeConnection];

/// A boxed transport.
pub(crate) type Ends = Halves<Box<dyn Read + Send>, Box<dyn Write + Send>>;

/// The outcome of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The exchange succeeded.
    pub(crate) is_complete: bool,
    /// The errors that the application got.
    pub(crate) errors: Vec<Error>,
    /// The transport panicked on the application's thread, in the call that opens the connection.
    pub(crate) has_panicked: bool,
    pub(crate) driver: Option<Driver>,
    pub(crate) went: Went,
}

/// The boxed halves of a transport.
pub(crate) fn ends(stream: impl Transport) -> Ends {
    let Halves { reader, writer, closer } = stream.split().unwrap();
    Halves { reader: Box::new(reader), writer: Box::new(writer), closer }
}

impl Driver {
    /// Runs the exchange over a transport with this script. When it returns, both ends have
    /// finished, all answers are correct, and the transport has been dropped.
    #[track_caller]
    pub(crate) fn run(self, script: Script, security: &Security) -> Outcome {
        let (near, far) = duplex(script.capacity);
        let (faulty, watch) = Faulty::new(near, script);
        let theirs = security.clone();
        let healthy = thread::spawn(move || self.healthy_end(ends(far), &theirs));
        let faulty = if script.in_turns { ends(faulty.in_turns()) } else { ends(faulty) };
        let near = || match security.open(faulty, self.role()) {
            Ok(ends) => self.failing_end(ends),
            Err(error) => Outcome { errors: vec![error], ..Outcome::default() },
        };
        let mut outcome = catch_unwind(AssertUnwindSafe(near)).unwrap_or_else(|panic| {
            assert!(panic.is::<Planned>(), "{:?}", panic.downcast_ref::<String>());
            Outcome { has_panicked: true, ..Outcome::default() }
        });
        if let Some(asked) = healthy.join().unwrap() {
            asked.is_right();
            outcome.is_complete = asked.is_complete();
        }
        eventually("the transport is dropped", || watch.is_gone());
        // No call continues after a failure, except where the failure is invisible: a read timeout
        // is set for each deadline, and if that fails, the deadline is only less exact.
        let is_known = !matches!(
            script.fault,
            Some((Call::Write, _, Fault::Claims) | (Call::SetReadTimeout, ..))
        );
        assert!(
            !is_known || watch.calls_after() < 4,
            "{} calls after the fault",
            watch.calls_after()
        );
        Outcome { driver: Some(self), went: Went::by(watch.has_fired()), ..outcome }
    }

    fn role(self) -> Role {
        match self {
            Driver::SessionClient | Driver::Connection => Role::Client,
            Driver::SessionServer | Driver::ServeConnection => Role::Server,
        }
    }

    fn failing_end(self, ends: Ends) -> Outcome {
        match self {
            Driver::SessionClient | Driver::SessionServer => session(ends, self.role()),
            Driver::Connection => {
                let connection = Connection::start(ends, config()).unwrap();
                let asked = ask(&connection);
                asked.is_right();
                let is_complete = asked.is_complete();
                let errors = asked.error.into_iter().collect();
                Outcome { is_complete, errors, ..Outcome::default() }
            }
            Driver::ServeConnection => Outcome { errors: serve(ends), ..Outcome::default() },
        }
    }

    /// Runs the other end, and returns its answers if it is the client.
    fn healthy_end(self, ends: Ends, security: &Security) -> Option<Asked> {
        match self.role() {
            Role::Client => {
                let served = security
                    .open(ends, Role::Server)
                    .and_then(|ends| serve_connection(ends, server_config(), answer));
                served.unwrap_or_else(|error| gone(&error));
                None
            }
            Role::Server => Some(match security.open(ends, Role::Client) {
                Ok(ends) => {
                    let connection = Connection::start(ends, config()).unwrap();
                    let asked = ask(&connection);
                    asked.error.iter().for_each(gone);
                    asked
                }
                Err(error) => {
                    gone(&error);
                    Asked { error: Some(error), ..Asked::default() }
                }
            }),
        }
    }
}

/// Asserts that the healthy end learns of the other one's end.
#[track_caller]
fn gone(error: &Error) {
    // A GOAWAY resets requests that it has not processed. The end may have come before its preface,
    // or during a handshake.
    let is_safe = error.is_reset() && error.is_retry_safe();
    let kinds = [ErrorKind::Closed, ErrorKind::Transport, ErrorKind::Tls, ErrorKind::Peer];
    assert!(is_safe || kinds.contains(&error.kind()), "{error:?}");
}

fn session(ends: Ends, role: Role) -> Outcome {
    let session = Session::with_config(ends, role, config()).unwrap();
    let mut nothing = |_: &Session| {};
    let teller = Teller::new(&session, &mut nothing);
    let told = if role == Role::Client { teller.ask() } else { teller.answer() };
    let mut errors = told.refused;
    match told.reason {
        Reason::Error(error) => errors.push(error),
        Reason::Peer { .. } | Reason::Local => {}
        reason => panic!("an unknown reason: {reason:?}"),
    }
    let asked = Asked { answers: told.answers, is_stopped: true, ..Asked::default() };
    asked.is_right();
    Outcome { is_complete: asked.is_complete(), errors, ..Outcome::default() }
}

/// Serves, and returns the errors of the connection and of its handlers.
fn serve(ends: Ends) -> Vec<Error> {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&errors);
    let handler = move |request: &mut Request, response: &mut Response| {
        let result = answer(request, response).map_err(Error::from);
        if let Err(error) = &result {
            theirs.lock().unwrap().push(error.clone());
        }
        result
    };
    let served = serve_connection(ends, server_config(), handler);
    // The handler is dropped with the rest of the server.
    eventually("the handler is dropped", || Arc::strong_count(&errors) == 1);
    let mut errors = std::mem::take(&mut *errors.lock().unwrap());
    errors.extend(served.err());
    errors
}

impl Outcome {
    /// Asserts that the exchange succeeded, or that all participants got the transport's error with
    /// its text.
    #[track_caller]
    pub(crate) fn is_clear(&self) {
        self.is_told(|error| {
            // A handshake reports a peer that closes in the middle of it as such.
            let is_kind = matches!(error.kind(), ErrorKind::Transport | ErrorKind::Closed);
            is_kind && error.to_string().contains(PLANNED)
        });
    }

    /// Asserts that the exchange succeeded, or that all participants got such an error.
    #[track_caller]
    pub(crate) fn is_told(&self, so: impl Fn(&Error) -> bool) {
        // Requests after the end are refused.
        let is_late = |error: &Error| error.is_closed();
        assert!(self.errors.iter().all(|error| so(error) || is_late(error)), "{self:?}");
        // A server between two requests has no handler to report to.
        let may_be_silent = self.is_complete || self.driver == Some(Driver::ServeConnection);
        let is_told = self.has_panicked || self.errors.iter().any(so);
        assert!(is_told || may_be_silent, "{self:?}");
    }

    /// Asserts that the exchange succeeded without an error.
    #[track_caller]
    pub(crate) fn is_as_if_nothing_had_happened(&self) {
        assert!(self.is_complete && self.errors.is_empty(), "{self:?}");
    }
}
