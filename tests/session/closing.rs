//! Actions put before a Session is closed, dropped or aborted.

use bytes::Bytes;
use h2_sync::frame::Frame;
use h2_sync::{Act, Config, Evt, Role, Session, StreamId};

use crate::peer::session_and_peer;
use crate::support::*;

const OCTETS: usize = 500_000;

/// A server's Session that has put a whole response, and a client that has not read any of it.
fn answered() -> (Session, Session, StreamId) {
    let (client, server) = two_sessions_over_tcp(Config::default(), Config::default());
    let stream_identifier = client.open(&get(), true).unwrap();
    take_until(&server, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
    let headers = ok();
    server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream: false }).unwrap();
    let data = Bytes::from(vec![7; OCTETS]);
    server.put_act(Act::SendData { stream_identifier, data, is_end_stream: true }).unwrap();
    (client, server, stream_identifier)
}

/// The octets of the response that arrive, and whether its end does.
fn received(client: &Session) -> (usize, bool) {
    let (mut octets, mut is_whole) = (0, false);
    while let Ok(evt) = client.take_evt() {
        if let Evt::RecvData { data, is_end_stream, .. } = evt {
            octets += data.len();
            is_whole |= is_end_stream;
        }
    }
    (octets, is_whole)
}

#[test]
fn answer_put_before_a_drop_arrives_whole() {
    bounded(|| {
        let (client, server, _) = answered();
        drop(server);
        assert_eq!(received(&client), (OCTETS, true));
    });
}

#[test]
fn answer_put_before_close_arrives_whole_and_the_application_sees_the_end_at_once() {
    bounded(|| {
        let (client, server, stream_identifier) = answered();
        server.close();
        take_to_the_end(&server);
        let late = Act::Reset { stream_identifier, error_code: h2_sync::ErrorCode::Cancel };
        assert!(server.put_act(late).is_err());
        assert!(server.open(&get(), true).is_err());
        assert_eq!(received(&client), (OCTETS, true));
    });
}

#[test]
fn close_leaves_data_for_an_exhausted_window_to_the_background() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let id = session.open(&post(), false).unwrap();
        let data = Bytes::from(vec![7; 100_000]);
        session
            .put_act(Act::SendData { stream_identifier: id, data, is_end_stream: true })
            .unwrap();
        // It returns although the peer's window stays exhausted.
        session.close();
        take_to_the_end(&session);
        let mut octets = 0;
        while octets < 65_535 {
            octets += peer.until(|frame| match frame {
                Frame::Data(data) => Some(data.data.len()),
                _ => None,
            });
        }
        // After the window opens, the rest follows, then GOAWAY.
        peer.grant(StreamId::CONNECTION, 1 << 20);
        peer.grant(id, 1 << 20);
        while octets < 100_000 {
            octets += peer.until(|frame| match frame {
                Frame::Data(data) => Some(data.data.len()),
                _ => None,
            });
        }
        peer.until(|frame| matches!(frame, Frame::Goaway(_)).then_some(()));
    });
}

#[test]
fn abort_cuts_at_once() {
    bounded(|| {
        let (session, mut peer) = session_and_peer(Role::Client, Config::default(), 1 << 20);
        let id = session.open(&post(), false).unwrap();
        let data = Bytes::from(vec![7; 100_000]);
        session
            .put_act(Act::SendData { stream_identifier: id, data, is_end_stream: true })
            .unwrap();
        session.abort();
        take_to_the_end(&session);
        while peer.next().is_some() {}
    });
}
