//! Honest transfers that are long, slow or many: with the default limits no guard ends or refuses them,
//! and the windows of those that are read at once grow.

use std::io::{Read, Write};
use std::thread;

use h2_sync::StreamId;
use h2_sync::client::Body;
use h2_sync::frame::Frame;

use crate::client_stage::client;
use crate::memory::{KIB, MIB, bounded};
use crate::support::{Peer, listener, wire};
use crate::victim::{Victim, post};

/// Answers with the number of octets, or with as many octets as the path says.
fn victim() -> Victim {
    Victim::new(|request, response| {
        if let Ok(octets) = request.path()[1..].parse::<u64>() {
            std::io::copy(&mut std::io::repeat(b'x').take(octets), response)?;
            return Ok(());
        }
        let octets = std::io::copy(request, &mut std::io::sink())?;
        Ok(write!(response, "{octets}")?)
    })
}

/// All requests were answered, over this many connections.
fn assert_untouched(victim: &Victim, connections: u64) {
    let stats = victim.handle.stats();
    assert_eq!((stats.requests_refused, stats.connections_accepted), (0, connections));
}

/// A body that comes in small pieces with pauses, as over a slow network.
struct Slow(usize);

impl Read for Slow {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        thread::park_timeout(std::time::Duration::from_millis(1));
        let octets = buf.len().min(self.0).min(KIB);
        buf[..octets].fill(b'x');
        self.0 -= octets;
        Ok(octets)
    }
}

#[test]
fn many_slow_uploads_at_once_arrive_whole() {
    bounded(|| {
        let victim = victim();
        let client = client(|_| {});
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let body = Body::from_reader(Slow(100 * KIB));
                    let response = client.post(&*victim.url).body(body).send().unwrap();
                    assert_eq!(response.text().unwrap(), (100 * KIB).to_string());
                });
            }
        });
        assert_untouched(&victim, 1);
    });
}

#[test]
fn uploads_to_slow_readers_arrive_whole_beside_fast_ones() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let (mut octets, mut piece) = (0, vec![0; 64 * KIB]);
            loop {
                match request.read(&mut piece)? {
                    0 => return Ok(write!(response, "{octets}")?),
                    read => octets += read,
                }
                if request.path() == "/slow" {
                    thread::park_timeout(std::time::Duration::from_millis(2));
                }
            }
        });
        let client = client(|_| {});
        thread::scope(|scope| {
            for n in 0..8 {
                let (client, path) = (&client, if n % 2 == 0 { "slow" } else { "fast" });
                let url = format!("{}{path}", victim.url);
                scope.spawn(move || {
                    let response = client.post(url).body(vec![b'x'; 4 * MIB]).send().unwrap();
                    assert_eq!(response.text().unwrap(), (4 * MIB).to_string());
                });
            }
        });
        assert_untouched(&victim, 1);
    });
}

#[test]
fn long_downloads_at_once_arrive_whole() {
    bounded(|| {
        let victim = victim();
        let client = client(|_| {});
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let url = format!("{}{}", victim.url, 64 * MIB);
                    let mut response = client.get(url).send().unwrap();
                    let read = std::io::copy(&mut response, &mut std::io::sink()).unwrap();
                    assert_eq!(read, 64 * MIB as u64);
                });
            }
        });
        assert_untouched(&victim, 1);
    });
}

/// As in gRPC: each call sends messages while those of the other side come.
#[test]
fn calls_with_messages_in_both_directions_arrive_whole() {
    const MESSAGES: usize = 500;
    const OCTETS: usize = 4 * KIB;
    bounded(|| {
        let victim = Victim::new(|request, response| {
            let (mut requests, mut replies) = response.split(request)?;
            while let Some(piece) = requests.next_chunk()? {
                replies.send(piece)?;
            }
            Ok(replies.finish()?)
        });
        let client = client(|_| {});
        thread::scope(|scope| {
            for _ in 0..16 {
                let (mut requests, mut replies) = client.post(&*victim.url).open().unwrap();
                scope.spawn(move || {
                    (0..MESSAGES).for_each(|_| requests.send(vec![b'x'; OCTETS]).unwrap());
                    requests.finish().unwrap();
                });
                scope.spawn(move || {
                    let mut octets = 0;
                    while let Some(piece) = replies.next_chunk().unwrap() {
                        octets += piece.len();
                    }
                    assert_eq!(octets, MESSAGES * OCTETS);
                });
            }
        });
        assert_untouched(&victim, 1);
    });
}

/// Sends as much as the window of the stream allows, until it is twice as large as at first. The
/// window of the connection is larger. Returns the octets that were sent.
fn until_window_has_grown(peer: &mut Peer, stream_id: StreamId, initial: usize) -> usize {
    let mut window = initial;
    let mut sent = 0;
    while window < 2 * initial {
        sent += window;
        let octets = vec![b'x'; window];
        let frames = octets.chunks(16 * KIB).map(|piece| wire::data(stream_id.get(), 0, piece));
        assert!(peer.write(frames.collect::<Vec<_>>().concat()), "{:?}", peer.seen);
        window = 0;
        while window < initial / 2 {
            window += peer.until(|frame| match frame {
                Frame::WindowUpdate(update) if update.stream_id == stream_id => {
                    Some(update.increment as usize)
                }
                Frame::RstStream(reset) => panic!("{reset:?}"),
                _ => None,
            });
        }
    }
    sent
}

#[test]
fn the_window_of_an_upload_that_is_read_at_once_grows() {
    bounded(|| {
        let victim = victim();
        let mut peer = victim.peer();
        peer.synchronize();
        let stream_id = peer.open(&post("/"), false);
        until_window_has_grown(&mut peer, stream_id, 256 * KIB);
        peer.send_data(stream_id, "", true);
        assert_eq!(peer.response(stream_id).0, 200);
    });
}

#[test]
fn the_window_of_a_download_that_is_read_at_once_grows() {
    bounded(|| {
        let (listener, url) = listener();
        let asks = thread::spawn(move || {
            let mut response = client(|_| {}).get(&*url).send().unwrap();
            std::io::copy(&mut response, &mut std::io::sink()).unwrap()
        });
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.send_headers(stream_id, &h2_sync::headers!(":status" => "200"), false);
        let sent = until_window_has_grown(&mut peer, stream_id, MIB);
        peer.send_data(stream_id, "", true);
        assert_eq!(asks.join().unwrap(), sent as u64);
    });
}
