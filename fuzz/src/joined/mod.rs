//! Two cores joined by a pipe that loses nothing and delivers in pieces of any size.

mod end;
mod ledger;
mod side;
mod step;

use std::time::{Duration, Instant};

use h2_sync::proto::{Budget, Config, Role};

use super::cores::frames;
use super::input::Input;
use super::wire_order::WireOrder;
use ledger::Ledger;
use side::Side;

/// Longer than what the steps of an input can take together.
const DEADLINE: Duration = Duration::from_secs(1 << 20);

/// Any commands to a client and a server, in any order, while octets and time pass.
///
/// - Nothing goes out for a stream before the frame that opens it.
/// - Neither core finds fault with the other.
/// - Every stream delivers what was sent, in order, and whole unless it was reset.
/// - A side that was told "full" is told of room; at the end nothing is left, in either core.
pub fn two_cores_joined(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair::new(&mut input);
    while !input.is_empty() {
        pair.step(&mut input);
    }
    pair.finish();
}

#[derive(Debug)]
struct Pair {
    client: Side,
    server: Side,
    ledger: Ledger,
    order: WireOrder,
    now: Instant,
}

impl Pair {
    fn new(input: &mut Input<'_>) -> Self {
        let now = Instant::now();
        let config = read_config(input);
        Self {
            client: Side::new(Role::Client, &config, now),
            server: Side::new(Role::Server, &config, now),
            ledger: Ledger::default(),
            order: WireOrder::of_both(),
            now,
        }
    }

    fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Moves what a core has to say, about `max` octets of it, to the other's end of the pipe.
    fn transmit(&mut self, from: Role, max: usize) -> bool {
        let now = self.now;
        let octets = self.side(from).transmit(now, max);
        for frame in frames(from, &octets) {
            self.order.check(from, &frame);
        }
        let has_moved = !octets.is_empty();
        self.side(other(from)).pipe.extend_from_slice(&octets);
        has_moved
    }

    fn deliver(&mut self, to: Role, max: usize) -> bool {
        let now = self.now;
        let side = self.side(to);
        let len = max.min(side.pipe.len());
        side.buffer.extend_from_slice(&side.pipe.split_to(len));
        if let Err(error) = side.core.receive(&mut side.buffer, now) {
            panic!("a {} refuses what our own core sends: {error}", to.name());
        }
        len > 0
    }

    fn take_events(&mut self, role: Role) -> bool {
        match role {
            Role::Client => self.client.take_events(&mut self.ledger),
            Role::Server => self.server.take_events(&mut self.ledger),
        }
    }

    fn pass_time(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        for role in [Role::Client, Role::Server] {
            let core = &mut self.side(role).core;
            if core.poll_timeout().is_some_and(|deadline| deadline <= now) {
                if let Err(error) = core.handle_timeout(now) {
                    panic!("a {} waits for what has been done: {error}", role.name());
                }
                assert!(core.poll_timeout().is_none_or(|deadline| deadline > now));
            }
        }
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// No budget and no deadline is ever reached: both sides keep the rules, however slow they are.
fn read_config(input: &mut Input<'_>) -> Config {
    let mut config = Config::default();
    let control = input.octet();
    config.enable_push = control & 0x01 != 0;
    config.hold_slots = control & 0x02 != 0;
    config.keepalive_interval = (control & 0x04 != 0).then_some(Duration::from_secs(10));
    config.connection_window_size = [65_535, 70_000, 1 << 20][input.below(3)];
    config.initial_window_size = [65_535, 2, 1, 100, 1 << 20][input.below(5)];
    config.max_concurrent_streams = [100, 0, 1, 3][input.below(4)];
    config.max_send_buffer = [8 << 20, 1, 2_000, 100_000][input.below(4)];
    config.max_stream_send_buffer = [2 << 20, 1, 500, 50_000][input.below(4)];
    config.max_promised_streams = [100, 0, 2][input.below(3)];
    let unlimited = Budget::new(u32::MAX, u32::MAX);
    config.resets_received = unlimited;
    config.resets_provoked = unlimited;
    config.glitches = unlimited;
    config.pings_received = unlimited;
    config.settings_received = unlimited;
    config.handshake_timeout = Some(DEADLINE);
    config.settings_timeout = Some(DEADLINE);
    config.header_timeout = Some(DEADLINE);
    config.idle_timeout = None;
    config.stall_timeout = Some(DEADLINE);
    config.keepalive_timeout = DEADLINE;
    config
}
