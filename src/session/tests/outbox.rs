use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use crossbeam_channel::{Receiver, unbounded};

use crate::frame::{ErrorCode, StreamId};
use crate::headers;
use crate::proto::{Budget, CommandError, Config, Connection, Role, Transmit};
use crate::session::Evt;
use crate::session::outbox::CAPACITY;
use crate::session::shared::Shared;
use crate::transport::{Closer, Halves};

/// A generous timeout for slow machines.
const LONG: Duration = Duration::from_secs(100);

/// Waits until `done` returns true, by the work of other threads.
fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < deadline, "an event or a credit was lost");
        thread::yield_now();
    }
}

/// A client's core, whose frames the tests exchange by hand.
struct Client {
    core: Connection,
    input: Input,
}

/// The input of the server's reader.
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

/// Returns a client, the shared state of its server, and the server's events.
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
    // Prefaces, settings and their acknowledgements.
    (0..3).for_each(|_| client.exchange(&shared));
    while events.try_recv().is_ok() {}
    shared.deliver();
    (client, shared, events)
}

impl Client {
    /// Exchanges pending frames in both directions. The server delivers events only after it has
    /// received something, as its reader does.
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

/// How events are taken.
#[derive(Clone, Copy, PartialEq)]
enum Taker {
    TakeEvt,
    Receiver,
    Both,
}

/// Takes events in two threads while `during` runs: through `take_evt`, through the receiver, or
/// one of each. With the receiver, the writer's checks are simulated.
fn while_taking(
    taker: Taker,
    shared: &Shared,
    events: &Receiver<Evt>,
    during: impl FnOnce(&Taken),
) {
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
    if taker != Taker::TakeEvt {
        shared.receiver_goes_out();
    }
    thread::scope(|scope| {
        scope.spawn(|| take(taker == Taker::Receiver));
        scope.spawn(|| take(taker != Taker::TakeEvt));
        if taker != Taker::TakeEvt {
            scope.spawn(look);
        }
        let _stop = Stop(&taken.done);
        during(&taken);
    });
}

/// Counters of the events taken.
#[derive(Default)]
struct Taken {
    headers: AtomicUsize,
    octets: AtomicUsize,
    done: AtomicBool,
}

/// Stops the taking threads, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn all_credit_goes_back(taker: Taker) {
    const TOTAL: usize = 4 << 20;
    let (mut client, shared, events) = connect(128, 65_535);
    let streams = client.open_all(4);
    let mut left = [TOTAL; 4];
    while_taking(taker, &shared, &events, |taken| {
        wait_until(|| {
            for (&id, left) in streams.iter().zip(&mut left) {
                let data = Bytes::from(vec![0; (*left).min(7_001)]);
                let len = data.len();
                if len > 0 && client.core.send_data(id, data, false, Instant::now()).is_ok() {
                    *left -= len;
                }
            }
            // Once the windows are exhausted, only taking events opens them again.
            client.exchange(&shared);
            taken.octets.load(Ordering::Relaxed) == streams.len() * TOTAL
        });
    });
    shared.deliver();
    for id in streams {
        let released = shared.wire.with(|state, now| state.core.release(id, 1, now));
        assert_eq!(released, Err(CommandError::ReleasedTooMuch(id)), "credit is still out");
    }
    assert!(!shared.has_to_check());
}

#[test]
fn all_credit_goes_back_when_taken_one_by_one() {
    all_credit_goes_back(Taker::TakeEvt);
}

#[test]
fn all_credit_goes_back_when_taken_through_the_receiver() {
    all_credit_goes_back(Taker::Receiver);
}

#[test]
fn all_credit_goes_back_when_taken_both_ways_at_once() {
    all_credit_goes_back(Taker::Both);
}

/// The window holds one piece, so the next one can only arrive after the credit of the last.
fn credit_goes_back_piece_by_piece(taker: Taker) {
    const PIECES: usize = 5_000;
    let (mut client, shared, events) = connect(128, 1_000);
    let id = client.open();
    client.exchange(&shared);
    while_taking(taker, &shared, &events, |taken| {
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
    credit_goes_back_piece_by_piece(Taker::TakeEvt);
}

#[test]
fn credit_goes_back_piece_by_piece_when_taken_through_the_receiver() {
    credit_goes_back_piece_by_piece(Taker::Receiver);
}

#[test]
fn credit_goes_back_piece_by_piece_when_taken_both_ways_at_once() {
    credit_goes_back_piece_by_piece(Taker::Both);
}

fn all_slots_come_back(taker: Taker) {
    const SLOTS: u32 = 50;
    let (mut client, shared, events) = connect(SLOTS, 65_535);
    let stats = || shared.wire.lock().core.stats();
    while_taking(taker, &shared, &events, |taken| {
        for _ in 0..100 {
            for _ in 0..SLOTS {
                let id = client.open();
                client.core.reset(id, ErrorCode::Cancel, Instant::now()).unwrap();
            }
            // Some are refused, as long as the slots of the others are held.
            client.exchange(&shared);
        }
        let accepted = stats().streams_accepted as usize;
        wait_until(|| taken.headers.load(Ordering::Relaxed) == accepted);
    });
    shared.deliver();
    let refused = stats().streams_refused;
    client.open_all(SLOTS as usize);
    client.exchange(&shared);
    assert_eq!(stats().streams_refused, refused);
}

#[test]
fn all_slots_come_back_when_taken_one_by_one() {
    all_slots_come_back(Taker::TakeEvt);
}

#[test]
fn all_slots_come_back_when_taken_through_the_receiver() {
    all_slots_come_back(Taker::Receiver);
}

#[test]
fn all_slots_come_back_when_taken_both_ways_at_once() {
    all_slots_come_back(Taker::Both);
}

fn surplus_events_follow(taker: Taker) {
    let (mut client, shared, events) = connect(u32::MAX, 65_535);
    let mut opened = 0;
    while_taking(taker, &shared, &events, |taken| {
        // Around the capacity of the channel, where the last event may just not fit.
        for round in 0..30 {
            let more = CAPACITY - 10 + 5 * round;
            client.open_all(more);
            opened += more;
            client.exchange(&shared);
            // No more input arrives, so only the taking threads can cause deliveries.
            wait_until(|| taken.headers.load(Ordering::Relaxed) == opened);
        }
    });
}

#[test]
fn surplus_events_follow_when_taken_one_by_one() {
    surplus_events_follow(Taker::TakeEvt);
}

#[test]
fn surplus_events_follow_when_taken_through_the_receiver() {
    surplus_events_follow(Taker::Receiver);
}

#[test]
fn surplus_events_follow_when_taken_both_ways_at_once() {
    surplus_events_follow(Taker::Both);
}

#[test]
fn the_channel_holds_at_most_its_capacity() {
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
