//! Peers that break the protocol, or keep to it and mean ill: what they are told, what they may cost, and
//! that others are served meanwhile. Each guard has its honest twin.

use std::io::{Read, Write};

use h2_sync::client::Client;
use h2_sync::websocket::Compression;

use crate::by_hand::{BINARY, ByHand, CLOSE, PING, PONG, TEXT, frame};
use crate::memory::{MIB, bounded, measured};
use crate::sites::{Site, Way, config, echo};

const NEW_TEXT: u8 = 0x01;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// A server, and an attacker of it in either version.
struct Stage {
    site: Site,
    way: Way,
    neighbour: Client,
}

impl Stage {
    fn new(way: Way, change: impl FnOnce(&mut h2_sync::websocket::Config)) -> Self {
        let site = Site::with(way, config(change), echo);
        let neighbour = site.client(way);
        Stage { site, way, neighbour }
    }

    /// Calls `attack` with an open WebSocket, and expects the Close code that it provokes and the end.
    #[track_caller]
    fn provokes<T>(&self, code: u16, attack: impl FnOnce(&mut dyn Attacker) -> T) {
        match self.way {
            Way::Http1 => {
                let address = self.site.handle.local_addr().unwrap();
                let mut peer = ByHand::connect(address, "").0;
                attack(&mut peer);
                peer.expect_close(code);
                peer.until_end();
            }
            _ => {
                let client = self.site.client(self.way);
                let mut peer = ByHand::connect_http2(&client, &(self.site.plain() + "ws"));
                attack(&mut peer);
                peer.expect_close(code);
                peer.until_end();
            }
        }
        self.serves_neighbour();
    }

    /// Calls `act` with an open WebSocket, and expects that an echo goes through behind it.
    #[track_caller]
    fn bears(&self, act: impl FnOnce(&mut dyn Attacker)) {
        self.provokes(1000, |peer| {
            act(peer);
            peer.send(TEXT, b"still there");
            peer.until_text(b"still there");
            peer.send(CLOSE, &[0x03, 0xe8]);
        });
    }

    fn serves_neighbour(&self) {
        let response = self.neighbour.get(self.site.plain()).send().unwrap();
        assert_eq!(response.text().unwrap(), "plain");
    }
}

/// What an attack is made of.
trait Attacker {
    fn send(&mut self, first: u8, payload: &[u8]) -> bool;
    fn write(&mut self, octets: &[u8]) -> bool;
    fn until_text(&mut self, text: &[u8]);
}

impl<S: Stream> Attacker for ByHand<S> {
    fn send(&mut self, first: u8, payload: &[u8]) -> bool {
        ByHand::send(self, first, payload)
    }

    fn write(&mut self, octets: &[u8]) -> bool {
        ByHand::write(self, octets)
    }

    fn until_text(&mut self, text: &[u8]) {
        while self.next().expect("the echo comes before the end").payload != text {}
    }
}

const CLEAR: [Way; 2] = [Way::Http1, Way::Http2];

#[test]
fn frame_that_breaks_the_protocol_is_answered_with_1002() {
    bounded(|| {
        for way in CLEAR {
            let stage = Stage::new(way, |_| {});
            for first in [0xc1, 0xa1, 0x91, 0x83, 0x87, 0x8b, 0x8f, 0x03] {
                stage.provokes(1002, |peer| peer.send(first, b""));
            }
            // A control frame in fragments, or too long.
            stage.provokes(1002, |peer| peer.send(0x09, b""));
            stage.provokes(1002, |peer| peer.send(PING, &[0; 126]));
            // A continuation of nothing, and a new message within another.
            stage.provokes(1002, |peer| peer.send(LAST, b"x"));
            stage.provokes(1002, |peer| {
                peer.send(NEW_TEXT, b"x");
                peer.send(TEXT, b"y");
            });
            // Without a mask, also on HTTP/2.
            stage.provokes(1002, |peer| peer.write(&frame(TEXT, b"x", false)));
            // Lengths that are longer than need be, or have the highest bit.
            stage.provokes(1002, |peer| peer.write(&[TEXT, 0xfe, 0, 5, 0, 0, 0, 0]));
            stage.provokes(1002, |peer| {
                peer.write(&[TEXT, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
            });
            stage.provokes(1002, |peer| {
                peer.write(&[TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
            });
        }
    });
}

#[test]
fn fragments_with_control_frames_between_them_are_a_message() {
    bounded(|| {
        for way in CLEAR {
            let stage = Stage::new(way, |_| {});
            stage.bears(|peer| {
                peer.send(NEW_TEXT, b"a");
                peer.send(PING, b"between");
                peer.send(MORE, b"b");
                peer.send(PONG, b"unasked");
                peer.send(LAST, b"c");
                peer.until_text(b"abc");
            });
        }
    });
}

#[test]
fn text_that_is_not_utf_8_is_answered_with_1007_also_late_in_a_message() {
    bounded(|| {
        for way in CLEAR {
            let stage = Stage::new(way, |_| {});
            for wrong in [&b"\xff"[..], b"a\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe4"]
            {
                stage.provokes(1007, |peer| peer.send(TEXT, wrong));
            }
            // As early as it can be wrong: the message has not ended.
            stage.provokes(1007, |peer| {
                peer.send(NEW_TEXT, &vec![b'x'; MIB]);
                peer.send(MORE, b"\xce");
                peer.send(MORE, b"\xff");
            });
            stage.provokes(1007, |peer| peer.send(CLOSE, b"\x03\xe8\xff"));
            // The octets of one character in three fragments.
            stage.bears(|peer| {
                peer.send(NEW_TEXT, b"\xe2");
                peer.send(MORE, b"\x82");
                peer.send(LAST, b"\xac");
                peer.until_text("€".as_bytes());
            });
            // What is not text may be anything.
            stage.bears(|peer| {
                peer.send(BINARY, b"\xff\xfe");
                peer.until_text(b"\xff\xfe");
            });
        }
    });
}

#[test]
fn close_code_that_must_not_be_sent_is_answered_with_1002_and_others_come_back() {
    bounded(|| {
        for way in CLEAR {
            let stage = Stage::new(way, |_| {});
            for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
                stage.provokes(1002, |peer| peer.send(CLOSE, &code.to_be_bytes()));
            }
            stage.provokes(1002, |peer| peer.send(CLOSE, b"x"));
            for code in [1000_u16, 1001, 1003, 1011, 3000, 4999] {
                stage.provokes(code, |peer| peer.send(CLOSE, &code.to_be_bytes()));
            }
        }
    });
}

#[test]
fn frame_over_max_frame_is_refused_by_its_head() {
    measured(|memory| {
        for way in CLEAR {
            let stage = Stage::new(way, |config| config.max_frame = 1 << 20);
            stage.serves_neighbour();
            let measured = memory.start();
            for len in [(1_u64 << 20) + 1, 1 << 40, (1 << 63) - 1] {
                stage.provokes(1009, |peer| {
                    let mut octets = vec![BINARY, 0xff];
                    octets.extend(len.to_be_bytes());
                    octets.extend([1, 2, 3, 4]);
                    peer.write(&octets);
                });
            }
            measured.assert_peak(MIB);
            stage.bears(|peer| {
                peer.send(BINARY, &vec![7; 1 << 20]);
                peer.until_text(&vec![7; 1 << 20]);
            });
        }
    });
}

#[test]
fn message_over_max_message_is_refused_before_it_is_in_memory() {
    measured(|memory| {
        for way in CLEAR {
            let stage = Stage::new(way, |config| config.max_message = 100_000);
            stage.serves_neighbour();
            let measured = memory.start();
            stage.provokes(1009, |peer| {
                peer.send(0x02, &[0; 60_000]);
                while peer.send(MORE, &[0; 60_000]) {
                    // The server reads no more, and the end comes.
                }
            });
            measured.assert_peak(4 * MIB);
            stage.bears(|peer| {
                peer.send(0x02, &[7; 60_000]);
                peer.send(LAST, &[7; 40_000]);
                peer.until_text(&[7; 100_000]);
            });
        }
    });
}

#[test]
fn inflate_bomb_costs_no_more_than_max_message() {
    measured(|memory| {
        let mut settings = config(|config| config.max_message = 100_000);
        settings.compression = Some(Compression::default());
        let site = Site::with(Way::Http1, settings, echo);
        let fields = "sec-websocket-extensions: permessage-deflate\r\n";
        let open = || ByHand::connect(site.handle.local_addr().unwrap(), fields).0;
        drop(open());
        // 16 MiB of zeros are 16 KiB.
        let bomb = deflated(&vec![0; 16 * MIB]);
        let honest = deflated(&[0; 100_000]);
        let measured = memory.start();
        let mut peer = open();
        peer.send(0xc2, &bomb);
        peer.expect_close(1009);
        peer.until_end();
        measured.assert_peak(3 * MIB);
        let mut peer = open();
        peer.send(0xc2, &honest);
        let back = peer.next().unwrap();
        assert_eq!(back.first, 0xc2);
        peer.send(CLOSE, [0x03, 0xe8]);
        peer.expect_close(1000);
    });
}

/// The payload of a compressed message.
fn deflated(octets: &[u8]) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(octets.len() / 100 + 1024);
    compress.compress_vec(octets, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

#[test]
fn garbage_in_place_of_deflate_is_answered_with_1007() {
    bounded(|| {
        let settings = config(|config| config.compression = Some(Compression::default()));
        let site = Site::with(Way::Http1, settings, echo);
        let fields = "sec-websocket-extensions: permessage-deflate\r\n";
        let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), fields).0;
        peer.send(0xc1, b"\xff\xff\xff\xff");
        peer.expect_close(1007);
        // A control frame is not compressed, and neither is a continuation marked.
        for first in [0xc9, 0xc0] {
            let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), fields).0;
            if first == 0xc0 {
                peer.send(NEW_TEXT, b"x");
            }
            peer.send(first, b"");
            peer.expect_close(1002);
        }
    });
}

#[test]
fn endless_tiny_fragments_and_floods_of_control_frames_have_a_budget() {
    bounded(|| {
        for way in CLEAR {
            let stage = Stage::new(way, |_| {});
            stage.provokes(1008, |peer| {
                peer.send(0x02, b"");
                while peer.send(MORE, b"") {}
            });
            stage.provokes(1008, |peer| while peer.send(PONG, b"") {});
            // As many as honest peers send.
            stage.bears(|peer| {
                peer.send(0x02, &[7; 1_000]);
                for _ in 0..500 {
                    peer.send(MORE, &[7; 1_000]);
                }
                peer.send(LAST, b"");
                peer.until_text(&vec![7; 501_000]);
            });
            stage.bears(|peer| {
                for _ in 0..50 {
                    peer.send(PING, b"x");
                }
            });
        }
    });
}

#[test]
fn peer_that_goes_in_the_midst_of_a_frame_is_an_error_of_the_reader_and_no_message() {
    bounded(|| {
        for way in CLEAR {
            let (tells, told) = crossbeam_channel::unbounded();
            let site = Site::with(way, config(|_| {}), move |mut socket| {
                let outcome = socket.read();
                tells.send(outcome.map_err(|error| error.is_closed())).unwrap();
                Ok(())
            });
            let half = &frame(TEXT, b"hello", true)[..8];
            match way {
                Way::Http1 => {
                    let mut peer = ByHand::connect(site.handle.local_addr().unwrap(), "").0;
                    peer.write(half);
                    peer.stream.shutdown(std::net::Shutdown::Write).unwrap();
                    assert_eq!(told.recv().unwrap(), Err(true));
                }
                _ => {
                    let client = site.client(way);
                    let mut peer = ByHand::connect_http2(&client, &(site.plain() + "ws"));
                    peer.write(half);
                    drop(peer);
                    assert!(told.recv().unwrap().is_err());
                }
            }
        }
    });
}

#[test]
fn peer_that_does_not_read_delays_no_other_and_holds_only_what_is_sent() {
    measured(|memory| {
        for way in CLEAR {
            let settings = config(|config| {
                config.write_timeout = Some(std::time::Duration::from_millis(300));
            });
            let (tells, told) = crossbeam_channel::unbounded();
            let site = Site::with(way, settings, move |socket| {
                let message = h2_sync::websocket::Message::binary(vec![0; MIB]);
                let error = loop {
                    if let Err(error) = socket.send(message.clone()) {
                        break error;
                    }
                };
                tells.send(error.is_timeout()).unwrap();
                Ok(())
            });
            let neighbour = site.client(way);
            let client = site.client(way);
            let plain = || neighbour.get(site.plain()).send().unwrap().text().unwrap();
            plain();
            let measured = memory.start();
            let peers: Vec<Box<dyn std::any::Any>> = match way {
                Way::Http1 => {
                    vec![Box::new(ByHand::connect(site.handle.local_addr().unwrap(), "").0)]
                }
                _ => vec![Box::new(ByHand::connect_http2(&client, &(site.plain() + "ws")))],
            };
            while told.try_recv().is_err() {
                assert_eq!(plain(), "plain");
            }
            measured.assert_peak(8 * MIB);
            drop(peers);
        }
    });
}

#[test]
fn server_that_masks_is_an_error_of_the_client() {
    bounded(|| {
        let (near, mut far) = h2_sync::transport::duplex(64 << 10);
        let opens = std::thread::spawn(move || {
            let request = http::Request::get("/").header("host", "test").body(()).unwrap();
            h2_sync::websocket::client_over(near, request, &config(|_| {}))
        });
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            far.read_exact(&mut octet).unwrap();
            head.push(octet[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let accept = h2_sync::ws::accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
        );
        far.write_all(answer.as_bytes()).unwrap();
        far.write_all(&frame(TEXT, b"hello", false)).unwrap();
        far.write_all(&frame(TEXT, b"hello", true)).unwrap();
        let mut socket = opens.join().unwrap().unwrap();
        assert_eq!(socket.read().unwrap(), Some("hello".into()));
        let error = socket.read().unwrap_err();
        assert_eq!(error.kind(), h2_sync::ErrorKind::Peer, "{error}");
    });
}
