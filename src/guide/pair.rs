// Included by the programs of the course: a client's and a server's core, and the network between.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use h2_sync::frame::{Frame, MAX_MAX_FRAME_SIZE, PREFACE};
use h2_sync::proto::{Config, Connection, Event, Role, Transmit};

/// A client and a server that are connected.
struct Pair {
    client: Connection,
    server: Connection,
    now: Instant,
    is_new: bool,
    client_events: VecDeque<Event>,
    server_events: VecDeque<Event>,
}

#[allow(dead_code)] // No program uses all of it.
impl Pair {
    fn new(client: Config, server: Config) -> Result<Self, Box<dyn std::error::Error>> {
        let now = Instant::now();
        Ok(Pair {
            client: Connection::new(Role::Client, client, now)?,
            server: Connection::new(Role::Server, server, now)?,
            now,
            is_new: true,
            client_events: VecDeque::new(),
            server_events: VecDeque::new(),
        })
    }

    /// A pair with its handshake done.
    fn connected(client: Config, server: Config) -> Result<Self, Box<dyn std::error::Error>> {
        let mut pair = Pair::new(client, server)?;
        pair.run()?;
        pair.client_events.clear();
        pair.server_events.clear();
        Ok(pair)
    }

    /// Carries octets to and fro until both sides have nothing more to send, 10 ms each way.
    /// Returns the frames in order: `>` for those of the client, `<` for those of the server.
    fn run(&mut self) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let mut frames = Vec::new();
        loop {
            let [up, down] = [&mut self.client, &mut self.server].map(|core| {
                let mut out = Transmit::new();
                core.poll_transmit(self.now, &mut out, usize::MAX);
                BytesMut::from(&out.to_vec()[..])
            });
            if up.is_empty() && down.is_empty() {
                return Ok(frames);
            }
            for (mark, octets) in [('>', &up), ('<', &down)] {
                let mut octets = octets.clone();
                if mark == '>' && std::mem::take(&mut self.is_new) {
                    octets.advance(PREFACE.len());
                }
                while let Some(frame) = Frame::decode(&mut octets, MAX_MAX_FRAME_SIZE)? {
                    frames.push(format!("{mark} {frame}"));
                }
            }
            self.now += Duration::from_millis(10);
            for (core, mut octets) in [(&mut self.server, up), (&mut self.client, down)] {
                core.receive(&mut octets, self.now)?;
                core.handle_timeout(self.now);
            }
            self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
            self.server_events.extend(std::iter::from_fn(|| self.server.poll_event()));
        }
    }
}
