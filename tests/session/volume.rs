//! Large transfers, with every octet compared.

use bytes::Bytes;
use h2_sync::{Act, Config, Evt, Session, StreamId};

use crate::support::*;

const TOTAL: usize = 100 << 20;

/// A known body. Its period is not a multiple of any buffer or frame size.
struct Pattern(Bytes);

impl Pattern {
    const PERIOD: usize = 99_991;

    fn new(seed: u32) -> Self {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let period: Vec<u8> = (0..Self::PERIOD).map(|_| next()).collect();
        Pattern([&period[..], &period[..]].concat().into())
    }

    fn at(&self, position: usize, len: usize) -> Bytes {
        self.0.slice(position % Self::PERIOD..).slice(..len)
    }
}

fn send(session: &Session, stream_identifier: StreamId, pattern: &Pattern) {
    let mut position = 0;
    while position < TOTAL {
        // Pieces of many sizes.
        let len = (1 + position % 70_001).min(TOTAL - position);
        let data = pattern.at(position, len);
        position += len;
        let act = Act::SendData { stream_identifier, data, is_end_stream: position == TOTAL };
        session.put_act_timeout(act, LONG).unwrap();
    }
}

fn receive(session: &Session, pattern: &Pattern) {
    let mut position = 0;
    take_until(session, |evt| match evt {
        Evt::RecvData { data, is_end_stream, .. } => {
            for piece in data.chunks(Pattern::PERIOD) {
                assert!(pattern.at(position, piece.len()) == piece, "at {position}");
                position += piece.len();
            }
            is_end_stream.then_some(())
        }
        Evt::Reset { .. } => panic!("reset at {position}"),
        _ => None,
    });
    assert_eq!(position, TOTAL);
}

fn both_ways_at_once(client: Session, server: Session) {
    let (up, down) = (Pattern::new(1), Pattern::new(2));
    let stream = client.open(&post(), false).unwrap();
    take_until(&server, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
    let act = Act::SendHeaders { stream_identifier: stream, headers: ok(), is_end_stream: false };
    server.put_act(act).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| send(&client, stream, &up));
        scope.spawn(|| send(&server, stream, &down));
        scope.spawn(|| receive(&client, &down));
        scope.spawn(|| receive(&server, &up));
    });
    client.close();
}

#[test]
fn a_hundred_mebibytes_both_ways_at_once_over_tcp() {
    bounded(|| {
        let (client, server) = two_sessions_over_tcp(Config::default(), Config::default());
        both_ways_at_once(client, server);
    });
}

#[test]
fn a_hundred_mebibytes_both_ways_at_once_over_a_duplex() {
    bounded(|| {
        let (client, server) = two_sessions(Config::default(), Config::default());
        both_ways_at_once(client, server);
    });
}

#[test]
fn a_hundred_mebibytes_in_the_largest_frames() {
    bounded(|| {
        let mut config = Config::default();
        config.max_frame_size = (1 << 24) - 1;
        config.initial_window_size = 64 << 20;
        config.connection_window_size = 64 << 20;
        let (client, server) = two_sessions(config.clone(), config);
        both_ways_at_once(client, server);
    });
}
