//! How a run ends: everything is let through, and everything is finished.

use std::time::Duration;

use h2_sync::frame::Setting;
use h2_sync::headers;
use h2_sync::proto::{CloseReason, Role};

use super::super::cores::request;
use super::{DEADLINE, Pair, other};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

impl Pair {
    pub(super) fn finish(mut self) {
        // Acknowledgements first, without which there are no new settings.
        (0..3).for_each(|_| _ = self.exchange());
        self.limit_streams(1 << 20);
        // Reserved identifiers are given up, so that nothing waits for them.
        for _ in 0..3 {
            self.let_through();
            self.pass_time(Duration::from_millis(200));
        }
        self.let_through();
        for role in ROLES {
            let side = self.side(role);
            let is_alive = side.core.close_reason().is_none();
            let full = side.full.clone();
            let waiting =
                full.into_iter().find(|&id| id.is_connection() || !self.ledger.is_cut(id));
            assert!(!is_alive || waiting.is_none(), "{role:?} was never told of room: {waiting:?}");
        }
        // A promised stream may only get its response when another has ended.
        for _ in 0..4 {
            self.end_streams();
            self.let_through();
        }
        // One more, which shows that every place among the concurrent streams was given back.
        self.limit_streams(1);
        self.let_through();
        self.client.open(&request("GET"), true, self.now, &mut self.ledger);
        self.pass_time(Duration::from_millis(200));
        self.let_through();
        self.end_streams();
        self.let_through();
        self.check_end();
        // No deadline has been left behind.
        self.pass_time(2 * DEADLINE);
    }

    fn limit_streams(&mut self, count: u32) {
        let now = self.now;
        for role in ROLES {
            let limit = Setting::MaxConcurrentStreams(count);
            let settings = vec![limit, Setting::InitialWindowSize(65_535)];
            let _ = self.side(role).core.update_settings(settings, now);
        }
    }

    /// Until there is nothing more to say, on either side.
    fn let_through(&mut self) {
        while self.exchange() {}
        for role in ROLES {
            if self.side(role).core.close_reason().is_some() {
                self.side(other(role)).core.end_of_input();
                self.take_events(other(role));
            }
        }
    }

    /// Everything once there, and once back. `false` if there was nothing.
    fn exchange(&mut self) -> bool {
        let mut has_moved = false;
        for role in ROLES {
            has_moved |= self.transmit(role, usize::MAX);
            has_moved |= self.deliver(other(role), usize::MAX);
            has_moved |= self.take_events(other(role));
            let now = self.now;
            self.side(other(role)).release(true, now);
        }
        has_moved
    }

    fn end_streams(&mut self) {
        let now = self.now;
        for id in self.ledger.open(Role::Client) {
            self.client.send_data(id, 0, true, now, &mut self.ledger);
        }
        for id in self.ledger.open(Role::Server) {
            let response = headers!(":status" => "200");
            self.server.send_data(id, 0, true, now, &mut self.ledger);
            if !self.ledger.lane(Role::Server, id).has_sent_end {
                self.server.send_headers(id, &response, true, now, &mut self.ledger);
            }
        }
    }

    fn check_end(&mut self) {
        let mut are_alive = true;
        for role in ROLES {
            let core = &mut self.side(role).core;
            assert!(!matches!(core.close_reason(), Some(CloseReason::Error(_))));
            are_alive &= core.close_reason().is_none();
            let stats = core.stats();
            assert_eq!(stats.streams_open, 0, "{role:?} keeps streams: {core:#?}");
            assert_eq!(stats.send_buffered, 0, "{role:?} keeps octets: {core:#?}");
            assert!(!core.wants_transmit());
            assert!(!core.has_events());
        }
        if are_alive {
            let (client, server) = (self.client.core.stats(), self.server.core.stats());
            assert_eq!(client.send_window, server.receive_window);
            assert_eq!(server.send_window, client.receive_window);
        }
        self.ledger.check_complete(are_alive);
    }
}
