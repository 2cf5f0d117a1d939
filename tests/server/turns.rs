//! Fairness of writing for other handlers.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::session::Evt;
use h2_sync::{Session, StreamId};

use crate::support::{bounded, get, serve_with};

const WRITERS: usize = 4;
const PIECE: usize = 64 << 10;

/// The octets that the slow client reads before the comparison.
const TOTAL: usize = 24 << 20;

#[test]
fn equal_writers_get_their_shares_of_a_slow_reader() {
    bounded(|| {
        let piece = Bytes::from(vec![7; PIECE]);
        let server = serve_with(Default::default(), move |_, response| {
            loop {
                response.send(piece.clone())?;
            }
        });
        let stream = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let client: Session = h2_sync::new_connection(stream, true, false).unwrap();
        for _ in 0..WRITERS {
            client.open(&get("/"), true).unwrap();
        }
        let mut shares = HashMap::<StreamId, usize>::new();
        let mut total = 0;
        let mut paid = 0;
        while total < TOTAL {
            let Evt::RecvData { stream_identifier, data, .. } = client.take_evt().unwrap() else {
                continue;
            };
            *shares.entry(stream_identifier).or_default() += data.len();
            total += data.len();
            // About 20 MiB in a second.
            while paid < total / PIECE {
                paid += 1;
                thread::sleep(Duration::from_millis(3));
            }
        }
        let fair = TOTAL / WRITERS;
        // A busy machine delays a handler at times, but no other one takes its turns for long.
        assert_eq!(shares.len(), WRITERS);
        for (id, share) in shares {
            assert!(share >= fair / 2, "stream {id}: {share} of {fair}");
        }
    });
}
