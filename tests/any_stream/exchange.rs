//! The exchange over each stream: 16 MiB in each direction, concurrently.

use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::transport::Transport;
use h2_sync::{Act, ErrorCode, Evt, Reason, Session, StreamId, headers, new_connection};

/// A generous timeout for slow machines.
pub(crate) const LONG: Duration = Duration::from_secs(100);

const TOTAL: usize = 16 << 20;

/// Runs the exchange between two ends in this process.
pub(crate) fn between<C: Transport, S: Transport>(client: C, server: S) {
    let client = new_connection(client, true, false).unwrap();
    let server = new_connection(server, false, false).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| as_server(&server));
        as_client(&client);
    });
}

/// Runs the client's part, which ends the connection.
pub(crate) fn as_client(session: &Session) {
    let request = headers!(
        ":method" => "POST", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    let stream = session.open(&request, false).unwrap();
    let (up, down) = (Body::new(1), Body::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            send(session, stream, &up);
            put(session, stream, Bytes::new(), true);
        });
        receive(session, &down);
    });
    session.close();
    let reason = closed(session);
    assert!(matches!(reason, Reason::Local), "{reason:?}");
}

/// Runs the server's part, up to the end of the connection.
pub(crate) fn as_server(session: &Session) {
    let stream = take_until(session, |evt| match evt {
        Evt::RecvHeaders { stream_identifier, .. } => Some(stream_identifier),
        _ => None,
    });
    let headers = headers!(":status" => "200");
    let act = Act::SendHeaders { stream_identifier: stream, headers, is_end_stream: false };
    session.put_act_timeout(act, LONG).unwrap();
    let (up, down) = (Body::new(1), Body::new(2));
    thread::scope(|scope| {
        scope.spawn(|| send(session, stream, &down));
        receive(session, &up);
    });
    // Sent last: when the client has the end, the server has received everything too.
    put(session, stream, Bytes::new(), true);
    let reason = closed(session);
    let no_error = Some(ErrorCode::NoError);
    assert!(matches!(&reason, Reason::Peer { goaway, .. } if *goaway == no_error), "{reason:?}");
}

/// A known body. Its period is not a multiple of any buffer or frame size.
struct Body(Bytes);

impl Body {
    const PERIOD: usize = 65_521;

    fn new(seed: u32) -> Self {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let period: Vec<u8> = (0..Self::PERIOD).map(|_| next()).collect();
        Body(period.repeat(2).into())
    }

    /// Returns the octets at a position; at most one period.
    fn at(&self, position: usize, len: usize) -> Bytes {
        self.0.slice(position % Self::PERIOD..).slice(..len)
    }
}

/// Sends the body, and leaves the stream open.
fn send(session: &Session, stream: StreamId, body: &Body) {
    let mut position = 0;
    while position < TOTAL {
        // Pieces of many sizes.
        let len = (1 + position % 50_021).min(TOTAL - position);
        put(session, stream, body.at(position, len), false);
        position += len;
    }
}

fn put(session: &Session, stream_identifier: StreamId, data: Bytes, is_end_stream: bool) {
    let act = Act::SendData { stream_identifier, data, is_end_stream };
    session.put_act_timeout(act, LONG).unwrap();
}

/// Receives and compares the body, up to the end of the stream.
fn receive(session: &Session, body: &Body) {
    let mut position = 0;
    take_until(session, |evt| match evt {
        Evt::RecvData { data, is_end_stream, .. } => {
            for piece in data.chunks(Body::PERIOD) {
                assert!(body.at(position, piece.len()) == piece, "at {position}");
                position += piece.len();
            }
            is_end_stream.then_some(())
        }
        Evt::Reset { error_code, .. } => panic!("reset at {position}: {error_code}"),
        _ => None,
    });
    assert_eq!(position, TOTAL);
}

fn closed(session: &Session) -> Reason {
    loop {
        if let Evt::Closed { reason } = session.take_evt_timeout(LONG).unwrap() {
            return reason;
        }
    }
}

/// Takes events until `wanted` returns a value.
fn take_until<T>(session: &Session, mut wanted: impl FnMut(Evt) -> Option<T>) -> T {
    loop {
        let evt = session.take_evt_timeout(LONG).unwrap();
        if let Evt::Closed { reason } = &evt {
            panic!("the connection ended first: {reason:?}");
        }
        if let Some(found) = wanted(evt) {
            return found;
        }
    }
}
