//! A Session with its two threads: actions, events, and the end.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use modelled_std::model::{self, Time};
use modelled_std::net;

use super::peer::{Peer, request, respond};
use crate::error::Error;
use crate::frame::{ErrorCode, StreamId};
use crate::proto::{Config, Connection, Event, Role};
use crate::session::{Act, Evt, Session};

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

fn session(
    config: Config,
    serve: impl FnMut(&mut Connection, Event) -> bool + Send + 'static,
) -> (Session, JoinHandle<()>) {
    session_with(config, Config::default(), serve)
}

fn session_with(
    config: Config,
    theirs: Config,
    mut serve: impl FnMut(&mut Connection, Event) -> bool + Send + 'static,
) -> (Session, JoinHandle<()>) {
    let (near, far) = pair();
    let server = thread::spawn(move || Peer::new(Role::Server, far, theirs).run(&mut serve));
    (Session::with_config(near, Role::Client, config).unwrap(), server)
}

/// Answers each request with `len` octets.
fn answer(octets: usize) -> impl FnMut(&mut Connection, Event) -> bool + Send + 'static {
    move |core, event| {
        if let Event::Headers { stream_id, .. } = event {
            respond(core, stream_id, vec![1; octets]);
        }
        true
    }
}

/// Takes all events, asserts that `Closed` is the last, and returns the number of octets received.
fn take_all(session: &Session) -> usize {
    let mut octets = 0;
    loop {
        match session.take_evt().expect("the last event says that it is the last") {
            Evt::RecvData { data, .. } => octets += data.len(),
            Evt::Closed { .. } => break,
            _ => {}
        }
    }
    assert!(session.take_evt().is_err(), "an event comes after the last one");
    octets
}

/// Threads put requests while one takes events: all are answered, and no wake-up is lost.
pub fn what_is_put_by_several_threads_is_answered() {
    model::check(400, Time::Waits, || {
        let (session, server) = session(Config::default(), answer(3));
        let session = Arc::new(session);
        let puts = [0, 1].map(|_| {
            let session = Arc::clone(&session);
            thread::spawn(move || session.open(&request("/"), true).unwrap())
        });
        let mut ended = 0;
        while ended < 2 {
            if let Evt::RecvData { is_end_stream: true, .. } = session.take_evt().unwrap() {
                ended += 1;
            }
        }
        puts.into_iter().for_each(|put| assert!(put.join().is_ok()));
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        session.close();
        take_all(&session);
        server.join().unwrap();
    });
}

/// One thread writes its actions itself and takes events in batches, while another puts actions and
/// the writer thread sleeps or writes: all is written, answered and credited, and no wake-up is lost.
pub fn what_callers_write_themselves_is_answered() {
    model::check(400, Time::Waits, || {
        let config = Config { initial_window_size: 20, ..Config::default() };
        let (session, server) = session(config, answer(30));
        let session = Arc::new(session);
        let other = Arc::clone(&session);
        let other = thread::spawn(move || other.open(&request("/"), true).unwrap());
        let id = session.open(&request("/"), false).unwrap();
        let data = Bytes::from_static(b"body");
        let act = Act::SendData { stream_identifier: id, data, is_end_stream: true };
        session.write_acts(&mut vec![act]).unwrap();
        let (mut evts, mut octets) = (Vec::new(), 0);
        while octets < 60 {
            session.take_evts(&mut evts).unwrap();
            for evt in evts.drain(..) {
                if let Evt::RecvData { data, .. } = evt {
                    octets += data.len();
                }
            }
        }
        other.join().unwrap();
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        session.close();
        take_all(&session);
        server.join().unwrap();
    });
}

/// The session is closed while a thread writes: it ends, with the reason last.
pub fn session_ends_while_a_caller_writes() {
    model::check(300, Time::Waits, || {
        let (session, server) = session(Config::default(), answer(3));
        let session = Arc::new(session);
        let other = Arc::clone(&session);
        let closes = thread::spawn(move || other.close());
        let _ = session.open(&request("/"), true);
        let _ = session.write_acts(&mut vec![Act::Ping]);
        let mut evts = Vec::new();
        while !matches!(evts.last(), Some(Evt::Closed { .. })) {
            session.take_evts(&mut evts).unwrap();
        }
        assert!(session.take_evts(&mut evts).is_err(), "an event comes after the last one");
        closes.join().unwrap();
        server.join().unwrap();
    });
}

/// A stream's window is smaller than its body: credit for taken events keeps it moving, and is
/// returned completely and in time.
pub fn credit_goes_back_for_what_is_taken() {
    model::check(400, Time::Waits, || {
        let config = Config { initial_window_size: 20, ..Config::default() };
        let (session, server) = session(config, answer(70));
        session.open(&request("/"), true).unwrap();
        let mut octets = 0;
        while octets < 70 {
            if let Evt::RecvData { data, .. } = session.take_evt().unwrap() {
                octets += data.len();
            }
        }
        assert_eq!(octets, 70);
        assert_eq!(model::leaps(), 0, "credit was lost");
        session.close();
        take_all(&session);
        server.join().unwrap();
    });
}

/// The same for two threads that take events, one of them from the channel's receiver.
pub fn credit_goes_back_for_what_is_taken_behind_our_back() {
    model::check(300, Time::Waits, || {
        let config = Config { initial_window_size: 20, ..Config::default() };
        let (session, server) = session(config, answer(70));
        let session = Arc::new(session);
        session.open(&request("/"), true).unwrap();
        let other = Arc::clone(&session);
        let takes = thread::spawn(move || {
            let mut octets = 0;
            loop {
                match other.events().recv() {
                    Ok(Evt::RecvData { data, is_end_stream, .. }) => {
                        octets += data.len();
                        if is_end_stream {
                            other.close();
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return octets,
                }
            }
        });
        let mut octets = 0;
        while let Ok(evt) = session.take_evt() {
            if let Evt::RecvData { data, is_end_stream, .. } = evt {
                octets += data.len();
                if is_end_stream {
                    session.close();
                }
            }
        }
        assert_eq!(octets + takes.join().unwrap(), 70);
        server.join().unwrap();
    });
}

/// All events are taken from the receiver: the writer polls for credit to return until all is
/// returned, also for data that arrives just as it stops.
pub fn credit_goes_back_for_what_the_receiver_takes() {
    model::check(600, Time::Waits, || {
        let config = Config { initial_window_size: 20, ..Config::default() };
        let (session, server) = session(config, answer(25));
        let session = Arc::new(session);
        let other = Arc::clone(&session);
        let events = session.events();
        let opens = thread::spawn(move || {
            other.open(&request("/"), true).unwrap();
            thread::sleep(Duration::from_millis(1));
            other.open(&request("/"), true).unwrap();
        });
        session.open(&request("/"), true).unwrap();
        let mut octets = 0;
        while octets < 75 {
            if let Evt::RecvData { data, .. } = events.recv().unwrap() {
                octets += data.len();
            }
        }
        opens.join().unwrap();
        session.close();
        server.join().unwrap();
    });
}

/// Threads close, drop, put and take in any order: all of them return, and the last event comes
/// once.
pub fn close_ends_whatever_goes_on() {
    let body = || {
        net::set_buffer(80);
        let (session, server) = session(Config::default(), answer(200));
        let session = Arc::new(session);
        let takes = Arc::clone(&session);
        let takes = thread::spawn(move || take_all(&takes));
        let puts = Arc::clone(&session);
        let puts = thread::spawn(move || {
            for _ in 0..2 {
                match puts.open(&request("/"), true) {
                    Ok(id) => drop(puts.put_act(Act::SendData {
                        stream_identifier: id,
                        data: vec![0; 10].into(),
                        is_end_stream: true,
                    })),
                    Err(error) => assert!(error.is_closed(), "{error}"),
                }
            }
        });
        session.close();
        drop(session);
        assert!(takes.join().unwrap() <= 400);
        puts.join().unwrap();
        server.join().unwrap();
    };
    model::check(300, Time::Waits, body);
    model::check(300, Time::RunsFor(Duration::from_secs(1)), body);
}

/// The peer closes while threads put, wait for room and take.
pub fn the_peers_end_ends_whatever_goes_on() {
    model::check(400, Time::Waits, || {
        let mut requests = 0;
        let (session, server) = session(Config::default(), move |_, event| {
            requests += usize::from(matches!(event, Event::Headers { .. }));
            requests < 1
        });
        let session = Arc::new(session);
        let puts = Arc::clone(&session);
        let puts = thread::spawn(move || {
            let put = || -> Result<StreamId, Error> {
                puts.open(&request("/"), true)?;
                puts.open(&request("/"), true)
            };
            let _ = put();
            puts.shutdown(Duration::from_secs(1));
        });
        take_all(&session);
        puts.join().unwrap();
        drop(session);
        server.join().unwrap();
    });
}

/// There is always room for one of it on a stream, and not for two.
const PIECE: usize = 40_000;

/// A thread waits for room, which the peer's reading makes: it gets it, and no wake-up is lost.
pub fn a_thread_that_waits_for_room_gets_it() {
    model::check(300, Time::Waits, || {
        let config = Config { max_send_buffer: 1, ..Config::default() };
        let (session, server) = session(config, |core, event| {
            if let Event::Data { stream_id, data, end_stream } = event {
                let _ = core.release(stream_id, data.len(), Instant::now());
                if end_stream {
                    respond(core, stream_id, vec![1]);
                }
            }
            true
        });
        let upload = crate::headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "a.example", ":path" => "/"
        );
        let id = session.open(&upload, false).unwrap();
        for piece in 0..3 {
            let data = vec![0; PIECE].into();
            let act = Act::SendData { stream_identifier: id, data, is_end_stream: piece == 2 };
            session.put_act_timeout(act, Duration::from_secs(100)).unwrap();
        }
        loop {
            if let Evt::RecvData { .. } = session.take_evt().unwrap() {
                break;
            }
        }
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        drop(session);
        server.join().unwrap();
    });
}

/// A thread waits for room when the peer resets the stream: it learns of it.
pub fn a_thread_that_waits_for_room_learns_of_a_reset() {
    model::check(400, Time::Waits, || {
        let config = Config { max_send_buffer: 1, ..Config::default() };
        let theirs = Config { initial_window_size: 10, ..Config::default() };
        let (session, server) = session_with(config, theirs, |core, event| {
            if let Event::Data { stream_id, .. } = event {
                // It may be gone by now.
                let _ = core.reset(stream_id, ErrorCode::Cancel, Instant::now());
            }
            true
        });
        let upload = crate::headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "a.example", ":path" => "/"
        );
        let id = session.open(&upload, false).unwrap();
        let put = || {
            let data = vec![0; PIECE].into();
            let act = Act::SendData { stream_identifier: id, data, is_end_stream: false };
            session.put_act_timeout(act, Duration::from_secs(100))
        };
        let error = loop {
            if let Err(error) = put() {
                break error;
            }
        };
        assert!(!error.is_full(), "{error}");
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        drop(session);
        server.join().unwrap();
    });
}
