//! One thing that an application, the network or the clock does.

use std::time::Duration;

use bytes::Bytes;
use h2_sync::frame::{ErrorCode, Setting, StreamId};
use h2_sync::headers;
use h2_sync::proto::{Priority, Role};

use super::super::cores::request;
use super::super::input::Input;
use super::{Pair, other};

impl Pair {
    pub(super) fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.octet();
        let role = if choice & 1 == 0 { Role::Client } else { Role::Server };
        let now = self.now;
        match choice >> 1 & 0x0f {
            0 => self.open(role, input),
            1 => {
                if let Ok(id) = self.side(role).core.reserve_stream_id(now) {
                    self.side(role).reserved.push(id);
                }
            }
            2 => self.use_reserved(role, input),
            3 => self.respond(role, input),
            4 | 5 => {
                let len = (usize::from(input.u16()) % 40_000) >> (choice >> 5);
                let end_stream = input.octet() & 7 == 0;
                self.send_data(role, len, end_stream, input);
            }
            6 => self.send_trailers(role, input),
            7 => {
                if let Some(id) = self.pick(role, input) {
                    match role {
                        Role::Client if choice & 0x20 != 0 => {
                            self.client.decline(id, now, &mut self.ledger);
                        }
                        Role::Client => self.client.reset(id, now, &mut self.ledger),
                        Role::Server => self.server.reset(id, now, &mut self.ledger),
                    }
                }
            }
            8 => {
                self.take_events(role);
                self.side(role).release(choice & 0x20 != 0, now);
            }
            9 => {
                let _ = self.side(role).core.ping(now);
            }
            10 => self.update_settings(role, input),
            11 => {
                if let Some(id) = self.pick(role, input) {
                    let priority = Priority::new(input.octet() & 7, choice & 0x20 != 0);
                    let _ = self.side(role).core.update_priority(id, priority);
                }
            }
            12 => {
                self.transmit(role, 1 << input.below(18));
            }
            13 => {
                self.deliver(role, usize::from(input.u16()) + 1);
            }
            14 => self.pass_time(Duration::from_millis(input.octet().into())),
            _ => match choice >> 5 {
                0 if input.octet() == 0xff => self.side(role).core.shutdown(now),
                1 if input.octet() == 0xff => {
                    let code = ErrorCode::NoError;
                    let _ = self.side(role).core.goaway(code, Bytes::from_static(b"bye"));
                }
                _ => {
                    self.transmit(role, usize::MAX);
                    self.deliver(other(role), usize::MAX);
                    self.take_events(other(role));
                }
            },
        }
    }

    fn open(&mut self, role: Role, input: &mut Input<'_>) {
        let now = self.now;
        if role == Role::Client {
            let (fields, end_stream) = read_request(input);
            self.client.open(&fields, end_stream, now, &mut self.ledger);
        } else if let Some(parent) = self.pick(role, input) {
            if let Ok(promised) = self.server.core.reserve_stream_id(now) {
                self.server.promise(parent, promised, &request("GET"), now, &mut self.ledger);
            }
        }
    }

    fn use_reserved(&mut self, role: Role, input: &mut Input<'_>) {
        let now = self.now;
        let reserved = &mut self.side(role).reserved;
        if reserved.is_empty() {
            return;
        }
        let id = reserved.remove(input.below(reserved.len()));
        if role == Role::Client {
            let (fields, end_stream) = read_request(input);
            self.client.send_headers(id, &fields, end_stream, now, &mut self.ledger);
        } else if let Some(parent) = self.pick(role, input) {
            self.server.promise(parent, id, &request("GET"), now, &mut self.ledger);
        }
    }

    fn respond(&mut self, role: Role, input: &mut Input<'_>) {
        let Some(id) = self.pick(role, input) else { return };
        let status = *input.pick(&["200", "103", "204", "404"]).unwrap_or(&"200");
        let end_stream = status != "103" && input.flag();
        if role == Role::Server {
            let fields = headers!(":status" => status, "x-stream" => id.to_string());
            self.server.send_headers(id, &fields, end_stream, self.now, &mut self.ledger);
        }
    }

    fn send_data(&mut self, role: Role, len: usize, end_stream: bool, input: &mut Input<'_>) {
        let Some(id) = self.pick(role, input) else { return };
        let now = self.now;
        match role {
            Role::Client => self.client.send_data(id, len, end_stream, now, &mut self.ledger),
            Role::Server => self.server.send_data(id, len, end_stream, now, &mut self.ledger),
        }
    }

    fn send_trailers(&mut self, role: Role, input: &mut Input<'_>) {
        let Some(id) = self.pick(role, input) else { return };
        // On a stream that waits for its response it would be one without a status.
        let has_body = self.ledger.lane(role, id).sent > 0;
        let (fields, now) = (headers!("x-end" => id.to_string()), self.now);
        match role {
            _ if !has_body => {}
            Role::Client => self.client.send_headers(id, &fields, true, now, &mut self.ledger),
            Role::Server => self.server.send_headers(id, &fields, true, now, &mut self.ledger),
        }
    }

    fn update_settings(&mut self, role: Role, input: &mut Input<'_>) {
        let now = self.now;
        let setting = match input.below(5) {
            0 => Setting::HeaderTableSize([4_096, 0, 100, 65_536][input.below(4)]),
            1 => Setting::MaxConcurrentStreams([100, 0, 1, 3][input.below(4)]),
            2 => Setting::InitialWindowSize([65_535, 0, 1, 100, 1 << 20][input.below(5)]),
            3 => Setting::MaxFrameSize([16_384, 20_000, 1 << 20][input.below(3)]),
            _ => Setting::EnablePush(role == Role::Client && input.flag()),
        };
        let _ = self.side(role).core.update_settings(vec![setting], now);
    }

    /// A stream that this side has not ended.
    fn pick(&mut self, role: Role, input: &mut Input<'_>) -> Option<StreamId> {
        input.pick(&self.ledger.open(role)).copied()
    }
}

fn read_request(input: &mut Input<'_>) -> (h2_sync::Headers, bool) {
    let method = *input.pick(&["POST", "GET", "HEAD", "CONNECT"]).unwrap_or(&"GET");
    (request(method), input.flag())
}
