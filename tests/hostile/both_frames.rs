//! Generated frames: any type, any short length, any flags, any stream.

use std::net::TcpStream;
use std::thread::{self, JoinHandle};

use h2_sync::client::Connection;
use h2_sync::frame::{Frame, Ping};
use h2_sync::{Config, Error, ErrorCode, ErrorKind};

use crate::memory::bounded;
use crate::neighbour::Neighbour;
use crate::support::{Peer, listener, wire};
use crate::victim::{Victim, post};

const LENGTHS: u64 = 65;

/// A reproducible random number generator (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// A frame of this type and length.
    fn frame(&mut self, kind: u8, length: u64) -> Vec<u8> {
        let n = self.next();
        let flags = if n & 1 == 0 { 0 } else { (n >> 8) as u8 };
        let stream = match n >> 16 & 7 {
            0..3 => 0,
            3..5 => 1,
            5 => 3,
            6 => 2,
            _ => (n >> 32) as u32,
        };
        // Small numbers are as likely as large ones.
        let mask = if n & 2 == 0 { 0xff } else { 0x03 };
        let payload: Vec<_> = (0..length).map(|_| self.next() as u8 & mask).collect();
        wire::frame(kind, flags, stream, payload)
    }
}

/// Returns whether the connection continues, that is, answers a PING. If it has ended, it must have
/// been with an error code that blames the peer.
#[track_caller]
fn goes_on(peer: &mut Peer, sent: &[u8]) -> bool {
    let payload = *b"are you?";
    peer.ping(&payload);
    while let Some(frame) = peer.next() {
        if matches!(frame, Frame::Ping(Ping { ack: true, payload: of }) if of == payload) {
            return true;
        }
    }
    let goaway = peer.seen.goaway.as_ref();
    let code = goaway.unwrap_or_else(|| panic!("closed without GOAWAY after {sent:02x?}"));
    assert_ne!(code.error_code, ErrorCode::InternalError, "after {sent:02x?}");
    false
}

#[test]
fn a_server_accepts_any_frame_or_reports_an_error() {
    bounded(|| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut numbers = Numbers(1);
        for kind in 0..=u8::MAX {
            let mut peer = None;
            for length in 0..LENGTHS {
                let mut it = peer.take().unwrap_or_else(|| {
                    let mut peer = victim.peer();
                    peer.open(&post("/"), false);
                    peer
                });
                let frame = numbers.frame(kind, length);
                it.write(&frame);
                if goes_on(&mut it, &frame) {
                    peer = Some(it);
                }
            }
        }
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

/// A client whose thread sends one request after the other until the connection ends, and the
/// server's side of that connection.
fn client() -> (Peer, JoinHandle<Option<Error>>) {
    let (listener, _) = listener();
    let address = listener.local_addr().unwrap();
    let asks = thread::spawn(move || {
        let stream = TcpStream::connect(address).unwrap();
        let connection = Connection::start(stream, Config::default()).unwrap();
        let mut last = None;
        while !connection.is_closed() {
            let request = http::Request::get("http://test/").body(()).unwrap();
            let response = connection.send(&request).and_then(|mut half| half.response());
            match response {
                Ok(_) => {}
                Err(error) => {
                    last = Some(error);
                    // After GOAWAY no other thread reads.
                    connection.maintain();
                }
            }
        }
        last
    });
    let mut peer = Peer::accept(&listener);
    peer.receive_headers();
    (peer, asks)
}

#[test]
fn a_client_accepts_any_frame_or_reports_an_error() {
    bounded(|| {
        let mut numbers = Numbers(2);
        for kind in 0..=u8::MAX {
            let mut victim = None;
            for length in 0..LENGTHS {
                let (mut peer, asks) = victim.take().unwrap_or_else(client);
                let frame = numbers.frame(kind, length);
                peer.write(&frame);
                if goes_on(&mut peer, &frame) {
                    victim = Some((peer, asks));
                    continue;
                }
                drop(peer);
                let error = asks.join().unwrap().expect("the last request must fail");
                assert_ne!(error.kind(), ErrorKind::Internal, "{error} after {frame:02x?}");
            }
            if let Some((mut peer, asks)) = victim {
                peer.shut();
                peer.until_closed();
                asks.join().unwrap();
            }
        }
    });
}
