use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use crossbeam_channel::{unbounded, Receiver};

use crate::frame::{ErrorCode, StreamId};
use crate::headers;
use crate::proto::{Budget, CommandError, Config, Connection, Role, Transmit};
use crate::session::outbox::CAPACITY;
use crate::session::shared::Shared;
use crate::session::Evt;
use crate::transport::{Closer, Halves};

/// Nothing here takes so long, on however slow a machine.
const LONG: Duration = Duration::from_secs(100);

/// Returns once `done`, if threads that run meanwhile bring that about.
fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < deadline, "something has been forgotten");
        thread::yield_now();
    }
}

/// A client's core, which talks to the server's by hand.
struct Client {
    core: Connection,
    input: Input,
}

/// What the server's reader is given.
#[derive(Clone, Default)]
struct Input(Arc<Mutex<BytesMut>>);

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut octets = self.0.lock().unwrap();
        let n = octets.len().min(buf.len());
        buf[..n].copy_from_slice(&octets.split_to(n));
        Ok(n)
    }
}

/// A client, what the threads of its server share, and the server's events.
fn connect(max_concurrent_streams: u32, window: u32) -> (Client, Shared, Receiver<Evt>) {
    let plenty = Budget::new(1_000_000, 1);
    let config = Config {
        max_concurrent_streams,
        hold_slots: true,
        initial_window_size: window,
        resets_received: plenty,
        resets_provoked: plenty,
        glitches: plenty,
        ..Config::default()
    };
    let now = Instant::now();
    let server = Connection::new(Role::Server, config.clone(), now).unwrap();
    let core = Connection::new(Role::Client, config, now).unwrap();
    let (sender, events) = unbounded();
    let input = Input::default();
    let halves = Halves { reader: input.clone(), writer: io::sink(), closer: Closer::none() };
    let shared = Shared::new(server, halves, sender, true).unwrap();
    let mut client = Client { core, input };
    // Preface, settings and their acknowledgements.
    (0..3).for_each(|_| client.exchange(&shared));
    while events.try_recv().is_ok() {}
    shared.deliver();
    (client, shared, events)
}

impl Client {
    /// Moves what both have to say. The server's side delivers when something has come, as its
    /// reader does, and at no other time.
    fn exchange(&mut self, shared: &Shared) {
        let mut out = Transmit::new();
        if self.core.poll_transmit(Instant::now(), &mut out, usize::MAX) {
            self.input.0.lock().unwrap().extend_from_slice(&out.to_vec());
            while !self.input.0.lock().unwrap().is_empty() {
                drop(shared.wire.read_once(shared.wire.lock(), None));
                shared.deliver();
            }
            out.clear();
        }
        shared.wire.with(|state, now| state.core.poll_transmit(now, &mut out, usize::MAX));
        let mut octets = BytesMut::from(&out.to_vec()[..]);
        self.core.receive(&mut octets, Instant::now()).unwrap();
    }

    fn open(&mut self) -> StreamId {
        let request = headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/",
        );
        self.core.open(&request, false, Instant::now()).unwrap()
    }

    fn open_all(&mut self, streams: usize) -> Vec<StreamId> {
        (0..streams).map(|_| self.open()).collect()
    }
}

/// Who takes events.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    TakeEvt,
    Receiver,
    Both,
}

/// Takes events in two threads, while `during` runs: as `take_evt` does, through the receiver
/// alone, or one of each. Where the receiver is used, the writer looks now and then.
fn while_taking(who: Who, shared: &Shared, events: &Receiver<Evt>, during: impl FnOnce(&Taken)) {
    let taken = Taken::default();
    let take = |from_behind: bool| {
        while !taken.done.load(Ordering::Relaxed) {
            let Ok(evt) = events.recv_timeout(Duration::from_millis(1)) else { continue };
            if !from_behind {
                shared.taken(events.len());
            }
            match evt {
                Evt::RecvHeaders { .. } => drop(taken.headers.fetch_add(1, Ordering::Relaxed)),
                Evt::RecvData { data, .. } => {
                    taken.octets.fetch_add(data.len(), Ordering::Relaxed);
                }
                _ => {}
            }
        }
    };
    let look = || {
        while !taken.done.load(Ordering::Relaxed) {
            if shared.has_to_check() {
                shared.deliver_as_writer();
            }
            thread::yield_now();
        }
    };
    if who != Who::TakeEvt {
        shared.receiver_goes_out();
    }
    thread::scope(|scope| {
        scope.spawn(|| take(who == Who::Receiver));
        scope.spawn(|| take(who != Who::TakeEvt));
        if who != Who::TakeEvt {
            scope.spawn(look);
        }
        let _stop = Stop(&taken.done);
        during(&taken);
    });
}

/// What has been taken so far.
#[derive(Default)]
struct Taken {
    headers: AtomicUsize,
    octets: AtomicUsize,
    done: AtomicBool,
}

/// Ends the takers, also where a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn all_credit_goes_back(who: Who) {
    const TOTAL: usize = 4 << 20;
    let (mut client, shared, events) = connect(128, 65_535);
    let streams = client.open_all(4);
    let mut left = [TOTAL; 4];
    while_taking(who, &shared, &events, |taken| {
        wait_until(|| {
            for (&id, left) in streams.iter().zip(&mut left) {
                let data = Bytes::from(vec![0; (*left).min(7_001)]);
                let len = data.len();
                if len > 0 && client.core.send_data(id, data, false, Instant::now()).is_ok() {
                    *left -= len;
                }
            }
            // Once the windows are shut, nothing comes, and who takes has to open them.
            client.exchange(&shared);
            taken.octets.load(Ordering::Relaxed) == streams.len() * TOTAL
        });
    });
    shared.deliver();
    for id in streams {
        let released = shared.wire.with(|state, _| state.core.release(id, 1));
        assert_eq!(released, Err(CommandError::ReleasedTooMuch(id)), "credit is still out");
    }
    assert!(!shared.has_to_check());
}

#[test]
fn all_credit_goes_back_when_taken_one_by_one() {
    all_credit_goes_back(Who::TakeEvt);
}

#[test]
fn all_credit_goes_back_when_taken_behind_our_back() {
    all_credit_goes_back(Who::Receiver);
}

#[test]
fn all_credit_goes_back_when_taken_both_ways_at_once() {
    all_credit_goes_back(Who::Both);
}

/// The window takes one piece, so the next one comes when credit for the last has gone back.
fn credit_goes_back_piece_by_piece(who: Who) {
    const PIECES: usize = 5_000;
    let (mut client, shared, events) = connect(128, 1_000);
    let id = client.open();
    client.exchange(&shared);
    while_taking(who, &shared, &events, |taken| {
        for piece in 1..=PIECES {
            let data = Bytes::from_static(&[0; 1_000]);
            client.core.send_data(id, data, false, Instant::now()).unwrap();
            wait_until(|| {
                client.exchange(&shared);
                taken.octets.load(Ordering::Relaxed) == piece * 1_000
            });
        }
    });
}

#[test]
fn credit_goes_back_piece_by_piece_when_taken_one_by_one() {
    credit_goes_back_piece_by_piece(Who::TakeEvt);
}

#[test]
fn credit_goes_back_piece_by_piece_when_taken_behind_our_back() {
    credit_goes_back_piece_by_piece(Who::Receiver);
}

#[test]
fn credit_goes_back_piece_by_piece_when_taken_both_ways_at_once() {
    credit_goes_back_piece_by_piece(Who::Both);
}

fn all_places_come_back(who: Who) {
    const PLACES: u32 = 50;
    let (mut client, shared, events) = connect(PLACES, 65_535);
    let stats = || shared.wire.lock().core.stats();
    while_taking(who, &shared, &events, |taken| {
        for _ in 0..100 {
            for _ in 0..PLACES {
                let id = client.open();
                client.core.reset(id, ErrorCode::Cancel, Instant::now()).unwrap();
            }
            // Some are refused, as long as the places of the others are held.
            client.exchange(&shared);
        }
        let accepted = stats().streams_accepted as usize;
        wait_until(|| taken.headers.load(Ordering::Relaxed) == accepted);
    });
    shared.deliver();
    let refused = stats().streams_refused;
    client.open_all(PLACES as usize);
    client.exchange(&shared);
    assert_eq!(stats().streams_refused, refused);
}

#[test]
fn all_places_come_back_when_taken_one_by_one() {
    all_places_come_back(Who::TakeEvt);
}

#[test]
fn all_places_come_back_when_taken_behind_our_back() {
    all_places_come_back(Who::Receiver);
}

#[test]
fn all_places_come_back_when_taken_both_ways_at_once() {
    all_places_come_back(Who::Both);
}

fn what_did_not_fit_follows(who: Who) {
    let (mut client, shared, events) = connect(u32::MAX, 65_535);
    let mut opened = 0;
    while_taking(who, &shared, &events, |taken| {
        // Around the size of the channel, where the last event may just not have fitted.
        for round in 0..30 {
            let more = CAPACITY - 10 + 5 * round;
            client.open_all(more);
            opened += more;
            client.exchange(&shared);
            // Nothing comes any more, so nobody but the takers sees to the rest.
            wait_until(|| taken.headers.load(Ordering::Relaxed) == opened);
        }
    });
}

#[test]
fn what_did_not_fit_follows_when_taken_one_by_one() {
    what_did_not_fit_follows(Who::TakeEvt);
}

#[test]
fn what_did_not_fit_follows_when_taken_behind_our_back() {
    what_did_not_fit_follows(Who::Receiver);
}

#[test]
fn what_did_not_fit_follows_when_taken_both_ways_at_once() {
    what_did_not_fit_follows(Who::Both);
}

#[test]
fn the_channel_takes_so_many_and_no_more() {
    let (mut client, shared, events) = connect(u32::MAX, 65_535);
    for _ in 0..10 {
        client.open_all(CAPACITY);
        client.exchange(&shared);
    }
    assert!(events.len() <= CAPACITY, "{}", events.len());
    let mut taken = 0;
    while events.try_recv().is_ok() {
        shared.taken(events.len());
        taken += 1;
    }
    assert_eq!(taken, 10 * CAPACITY);
}
