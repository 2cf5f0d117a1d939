//! Well-behaved peers of an application that takes no events for a long time. They respect the
//! announced windows and limits, so no guard may end their connection.

use bytes::Bytes;
use h2_sync::frame::{Frame, Setting};
use h2_sync::{Act, Config, ErrorCode, Evt, Role, Session, StreamId};

use crate::peer::{Peer, session_and_peer};
use crate::support::*;

/// Concurrent streams: the limit that a Session announces by default.
const STREAMS: u32 = 128;

const BOTH_ROLES: [Role; 2] = [Role::Server, Role::Client];

fn session(role: Role) -> (Session, Peer) {
    let mut config = Config::default();
    config.initial_window_size = 128 << 10;
    session_and_peer(role, config, 1 << 20)
}

/// How much the peer may send, on the connection and on a stream that has sent nothing yet.
struct Windows {
    connection: usize,
    stream: usize,
}

impl Windows {
    /// The windows of RFC 9113, Section 6.9.2, with the changes in the Session's first frames.
    fn announced(peer: &mut Peer) -> Self {
        let mut windows = Windows { connection: 65_535, stream: 65_535 };
        peer.until_synchronized().iter().for_each(|frame| windows.note(frame));
        windows
    }

    fn note(&mut self, frame: &Frame) {
        match frame {
            Frame::WindowUpdate(update) if update.stream_id == StreamId::CONNECTION => {
                self.connection += update.increment as usize;
            }
            Frame::Settings(settings) => {
                for setting in &settings.entries {
                    if let Setting::InitialWindowSize(size) = setting {
                        self.stream = *size as usize;
                    }
                }
            }
            _ => {}
        }
    }

    /// Sends DATA once the connection's window has room for it.
    fn send_data(&mut self, peer: &mut Peer, stream: StreamId, data: Bytes) {
        while self.connection < data.len() {
            peer.until(|frame| {
                self.note(frame);
                Some(())
            });
        }
        self.connection -= data.len();
        peer.send_data(stream, data, false);
    }
}

/// Opens streams, from either side, as far as the peer may send bodies on them.
fn open(role: Role, session: &Session, peer: &mut Peer, streams: u32) -> Vec<StreamId> {
    let ids: Vec<_> = (0..streams).map(|n| id(2 * n + 1)).collect();
    for &stream in &ids {
        match role {
            Role::Server => peer.send_headers(stream, &post(), false),
            Role::Client => {
                assert_eq!(session.open(&get(), true).unwrap(), stream);
                assert_eq!(peer.receive_headers().0, stream);
                peer.send_headers(stream, &ok(), false);
            }
        }
    }
    ids
}

/// Takes events up to `octets` octets of DATA.
fn take_data(session: &Session, octets: usize) {
    let mut left = octets;
    while left > 0 {
        match take(session) {
            Evt::RecvData { data, .. } => left = left.checked_sub(data.len()).expect("no more"),
            evt @ (Evt::Reset { .. } | Evt::Closed { .. }) => panic!("{evt:?}"),
            _ => {}
        }
    }
}

#[test]
fn bodies_that_fill_the_windows_of_all_streams_are_kept() {
    for role in BOTH_ROLES {
        bounded(move || {
            let (session, mut peer) = session(role);
            let mut windows = Windows::announced(&mut peer);
            let ids = open(role, &session, &mut peer, STREAMS);
            let frame = Bytes::from(vec![7; 16 << 10]);
            assert_eq!(windows.stream % frame.len(), 0);
            for _ in 0..windows.stream / frame.len() {
                for &stream in &ids {
                    windows.send_data(&mut peer, stream, frame.clone());
                }
            }
            peer.synchronize();
            take_data(&session, STREAMS as usize * windows.stream);
        });
    }
}

#[test]
fn small_and_empty_messages_are_kept() {
    const ROUNDS: usize = 200;
    for role in BOTH_ROLES {
        bounded(move || {
            let (session, mut peer) = session(role);
            let mut windows = Windows::announced(&mut peer);
            let ids = open(role, &session, &mut peer, STREAMS);
            for _ in 0..ROUNDS {
                for &stream in &ids {
                    windows.send_data(&mut peer, stream, Bytes::from_static(b"hello"));
                    windows.send_data(&mut peer, stream, Bytes::new());
                }
            }
            peer.synchronize();
            take_data(&session, ROUNDS * ids.len() * 5);
        });
    }
}

#[test]
fn pings_and_credit_for_every_ten_octets_are_handled() {
    const OCTETS: usize = 60_000;
    for role in BOTH_ROLES {
        bounded(move || {
            let (session, mut peer) = session(role);
            peer.synchronize();
            let stream_identifier = match role {
                Role::Server => {
                    let stream_identifier = open(role, &session, &mut peer, 1)[0];
                    peer.synchronize();
                    let headers = ok();
                    let is_end_stream = false;
                    let act = Act::SendHeaders { stream_identifier, headers, is_end_stream };
                    session.put_act(act).unwrap();
                    stream_identifier
                }
                Role::Client => session.open(&post(), false).unwrap(),
            };
            for _ in 0..4 {
                let data = Bytes::from(vec![7; OCTETS]);
                let act = Act::SendData { stream_identifier, data, is_end_stream: false };
                session.put_act_timeout(act, LONG).unwrap();
                peer.receive_data(OCTETS);
                for n in 0..OCTETS / 10 {
                    peer.grant(stream_identifier, 10);
                    peer.grant(StreamId::CONNECTION, 10);
                    if n % 400 == 0 {
                        peer.synchronize();
                    }
                }
            }
            peer.synchronize();
        });
    }
}

#[test]
fn a_server_may_reset_every_request() {
    const REQUESTS: usize = 3_000;
    bounded(|| {
        let (session, mut peer) = session(Role::Client);
        for _ in 0..REQUESTS {
            let stream = session.open(&get(), true).unwrap();
            assert_eq!(peer.receive_headers().0, stream);
            peer.reset(stream, ErrorCode::RefusedStream);
        }
        peer.synchronize();
        let mut resets = 0;
        while resets < REQUESTS {
            match take(&session) {
                Evt::Reset { retry_safe, .. } => {
                    assert!(retry_safe);
                    resets += 1;
                }
                evt @ Evt::Closed { .. } => panic!("{evt:?} after {resets} resets"),
                _ => {}
            }
        }
    });
}

/// A browser that leaves a page for another, ten times. The application has not taken the events,
/// so the streams of the first page hold their slots, which the client cannot know.
#[test]
fn a_client_that_cancels_its_requests_may_send_others() {
    const PAGES: u32 = 10;
    bounded(|| {
        let (session, mut peer) = session(Role::Server);
        peer.synchronize();
        for page in 0..PAGES {
            let ids: Vec<_> = (0..STREAMS).map(|n| id(2 * (page * STREAMS + n) + 1)).collect();
            ids.iter().for_each(|&stream| peer.send_headers(stream, &get(), true));
            peer.synchronize();
            for &stream in &ids {
                if peer.seen.reset_of(stream).is_none() {
                    peer.reset(stream, ErrorCode::Cancel);
                }
            }
        }
        peer.synchronize();
        let refused = peer.seen.resets(ErrorCode::RefusedStream);
        assert_eq!(refused as u32, (PAGES - 1) * STREAMS);
        // Once the application has taken all events, there are free slots again.
        let mut resets = 0;
        while resets < STREAMS {
            match take(&session) {
                Evt::Reset { .. } => resets += 1,
                evt @ Evt::Closed { .. } => panic!("{evt:?}"),
                _ => {}
            }
        }
        peer.send_headers(id(2 * PAGES * STREAMS + 1), &get(), true);
        take_until(&session, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
    });
}
