//! Two connections that talk to each other.

use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::super::{Config, Connection, Event, Role, Transmit};
use super::{WireOrder, audit};
use crate::frame::{Frame, PREFACE};

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// A client and a server on one thread, with a manual clock.
pub(super) struct Pair {
    pub(super) client: Connection,
    pub(super) server: Connection,
    pub(super) now: Instant,
    /// Octets per delivery.
    pub(super) chunk: usize,
    /// Octets in flight to the client and to the server.
    inputs: [BytesMut; 2],
    pub(super) order: WireOrder,
}

impl Pair {
    pub(super) fn new(client: Config, server: Config) -> Self {
        let now = Instant::now();
        Pair {
            client: Connection::new(Role::Client, client, now).unwrap(),
            server: Connection::new(Role::Server, server, now).unwrap(),
            now,
            chunk: usize::MAX,
            inputs: Default::default(),
            order: WireOrder::of_both(),
        }
    }

    /// Returns a pair that has exchanged SETTINGS.
    pub(super) fn greeted(client: Config, server: Config) -> Self {
        let mut pair = Self::new(client, server);
        pair.pump();
        pair.events(Side::Client);
        pair.events(Side::Server);
        pair
    }

    /// Carries octets both ways until neither side has output. Returns whether there was any.
    pub(super) fn pump(&mut self) -> bool {
        let mut any = false;
        while self.carry(Side::Client) | self.carry(Side::Server) {
            any = true;
        }
        any
    }

    /// Carries the output of one side to the other. Returns whether there was any.
    pub(super) fn carry(&mut self, from: Side) -> bool {
        let [to_client, to_server] = &mut self.inputs;
        let order = &mut self.order;
        let (from, to, input) = match from {
            Side::Client => (&mut self.client, &mut self.server, to_server),
            Side::Server => (&mut self.server, &mut self.client, to_client),
        };
        let mut out = Transmit::new();
        from.poll_transmit(self.now, &mut out, self.chunk);
        let octets = out.to_vec();
        let mut frames = BytesMut::from(octets.strip_prefix(PREFACE).unwrap_or(&octets));
        while let Some(frame) = Frame::decode(&mut frames, u32::MAX).unwrap() {
            order.check(from.role(), &frame);
        }
        for piece in octets.chunks(self.chunk) {
            input.extend_from_slice(piece);
            to.receive(input, self.now).unwrap();
        }
        audit(from);
        audit(to);
        !octets.is_empty()
    }

    pub(super) fn side(&mut self, side: Side) -> &mut Connection {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    pub(super) fn events(&mut self, side: Side) -> Vec<Event> {
        let core = self.side(side);
        std::iter::from_fn(|| core.poll_event()).collect()
    }

    /// Advances the clock of both sides, which handle their deadlines on time.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = [self.client.poll_timeout(), self.server.poll_timeout()];
            let next = next.into_iter().flatten().min().filter(|&at| at < end);
            self.now = next.unwrap_or(end).max(self.now);
            self.client.handle_timeout(self.now).unwrap();
            self.server.handle_timeout(self.now).unwrap();
            if next.is_none() {
                return;
            }
        }
    }
}
