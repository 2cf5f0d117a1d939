//! Many threads on one connection.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use h2_sync::{Act, Config, Evt, Session, StreamId};

use crate::support::*;

/// Sends every body back, until the peer closes.
fn echo(session: &Session) {
    while let Ok(evt) = session.take_evt() {
        let act = match evt {
            Evt::RecvHeaders { stream_identifier, .. } => {
                Act::SendHeaders { stream_identifier, headers: ok(), is_end_stream: false }
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                Act::SendData { stream_identifier, data, is_end_stream }
            }
            _ => continue,
        };
        session.put_act_timeout(act, LONG).unwrap();
    }
}

#[test]
fn a_thousand_streams_from_eight_threads_over_one_session() {
    bounded(|| {
        let (client, server) = two_sessions_over_tcp(Config::default(), Config::default());
        let sent = Mutex::new(HashMap::new());
        let mut received: HashMap<StreamId, BytesMut> = HashMap::new();
        std::thread::scope(|scope| {
            scope.spawn(|| echo(&server));
            for thread in 0..8 {
                let (client, sent) = (&client, &sent);
                scope.spawn(move || {
                    for n in 0..125 {
                        let stream_identifier = client.open(&post(), false).unwrap();
                        let data = Bytes::from(vec![thread; 1 + n * 100]);
                        sent.lock().unwrap().insert(stream_identifier, data.clone());
                        let act = Act::SendData { stream_identifier, data, is_end_stream: true };
                        client.put_act_timeout(act, LONG).unwrap();
                    }
                });
            }
            let mut done = 0;
            while done < 1_000 {
                match take(&client) {
                    Evt::RecvData { stream_identifier, data, is_end_stream } => {
                        received.entry(stream_identifier).or_default().extend_from_slice(&data);
                        done += usize::from(is_end_stream);
                    }
                    Evt::Reset { .. } | Evt::Closed { .. } => panic!("after {done} streams"),
                    _ => {}
                }
            }
            client.close();
        });
        let sent = sent.into_inner().unwrap();
        assert_eq!(sent.len(), 1_000);
        for (stream, data) in sent {
            assert!(received[&stream] == data, "stream {stream}");
        }
    });
}

#[test]
fn each_event_is_taken_by_one_of_many_takers() {
    const EACH: usize = 5_000;
    bounded(|| {
        let (client, server) = two_sessions(Config::default(), Config::default());
        let requests = Mutex::new(0);
        std::thread::scope(|scope| {
            // Half of them use the Session, half only its receiver.
            for taker in 0..8 {
                let (server, requests) = (&server, &requests);
                let receiver = (taker % 2 == 0).then(|| server.events().clone());
                scope.spawn(move || {
                    loop {
                        let evt = match &receiver {
                            Some(receiver) => receiver.recv(),
                            None => server.take_evt(),
                        };
                        match evt {
                            Ok(Evt::RecvHeaders { stream_identifier, .. }) => {
                                *requests.lock().unwrap() += 1;
                                let headers = ok();
                                let act = Act::SendHeaders {
                                    stream_identifier,
                                    headers,
                                    is_end_stream: true,
                                };
                                server.put_act(act).unwrap();
                            }
                            Ok(_) => {}
                            Err(_) => break,
                        }
                    }
                });
            }
            for _ in 0..EACH {
                client.open(&get(), true).unwrap();
            }
            for _ in 0..EACH {
                take_until(&client, |evt| matches!(evt, Evt::RecvHeaders { .. }).then_some(()));
            }
            client.close();
        });
        assert_eq!(requests.into_inner().unwrap(), EACH);
    });
}
