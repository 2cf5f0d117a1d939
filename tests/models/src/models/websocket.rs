//! A WebSocket with its reader, its senders, and a thread that closes it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use modelled_std::model::{self, Time};

use crate::websocket::{
    CloseCode, Config, Message, Reader, Sender, TrySendError, WebSocket, client_over, server_over,
};

const MS: Duration = Duration::from_millis(1);

/// A server's end and a client's, over a connection with buffers of that size.
fn pair(buffer: usize, config: &Config) -> (WebSocket, WebSocket) {
    modelled_std::net::set_buffer(buffer);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let of_client = config.clone();
    let client = thread::spawn(move || {
        let request = http::Request::get("ws://a/").body(()).unwrap();
        client_over(TcpStream::connect(address).unwrap(), request, &of_client).unwrap()
    });
    let server = server_over(listener.accept().unwrap().0, config).unwrap();
    (server, client.join().unwrap())
}

/// A server's end, with a peer that completes the handshake and does nothing more.
fn with_silent_peer(buffer: usize, config: &Config) -> (WebSocket, TcpStream) {
    modelled_std::net::set_buffer(buffer);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            assert_eq!(stream.read(&mut octet).unwrap(), 1);
            answer.extend(octet);
        }
        stream
    });
    let server = server_over(listener.accept().unwrap().0, config).unwrap();
    (server, peer.join().unwrap())
}

/// The messages of one thread: its number, twice.
fn send_two(sender: Sender, n: u8) {
    for len in [40, 3] {
        sender.send(vec![n; len]).unwrap();
    }
}

/// Repeats `try_send` until it succeeds.
fn try_until_sent(sender: Sender, n: u8) {
    while let Err(error) = sender.try_send(vec![n; 5]) {
        let TrySendError::Full(_) = error else { panic!("{error}") };
        thread::sleep(MS);
    }
}

/// Reads until the end, and answers each PING with a message.
fn read_all(reader: &mut Reader) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(message) = reader.read().unwrap() {
        all.push(message.into_bytes().to_vec());
    }
    all
}

/// Two threads send, one with `try_send`, while one reads: all messages arrive complete, once, and
/// in the order of each thread, and the close ends both ends.
pub fn messages_of_all_threads_arrive_whole() {
    model::check(200, Time::Waits, || {
        let (server, client) = pair(30, &Config::default());
        let (mut reader, sender) = server.split();
        let senders = [1, 2].map(|n| {
            let sender = sender.clone();
            thread::spawn(move || send_two(sender, n))
        });
        let tries = {
            let sender = sender.clone();
            thread::spawn(move || try_until_sent(sender, 3))
        };
        let client = thread::spawn(move || {
            let (mut reader, sender) = client.split();
            sender.ping("there?").unwrap();
            sender.send("from the client").unwrap();
            let mut got: Vec<_> =
                (0..5).map(|_| reader.read().unwrap().unwrap().into_bytes().to_vec()).collect();
            reader.close(CloseCode::NORMAL, "").unwrap();
            // A stable sort keeps the order of each thread.
            got.sort_by_key(|message| message[0]);
            got
        });
        let message = reader.read().unwrap();
        assert_eq!(message, Some(Message::from("from the client")));
        assert!(read_all(&mut reader).is_empty());
        senders.into_iter().chain([tries]).for_each(|it| it.join().unwrap());
        let expected = [vec![1; 40], vec![1; 3], vec![2; 40], vec![2; 3], vec![3; 5]];
        assert_eq!(client.join().unwrap(), expected);
    });
}

/// One thread reads, one sends and one closes, while the peer echoes: all of them return, and the
/// messages before the close arrive, without later ones.
pub fn a_close_ends_the_reader_and_the_senders() {
    model::check(300, Time::Waits, || {
        let (server, mut client) = pair(30, &Config::default());
        let (mut reader, sender) = server.split();
        let sends = {
            let sender = sender.clone();
            thread::spawn(move || (0..3).take_while(|_| sender.send(vec![1; 20]).is_ok()).count())
        };
        let closes = thread::spawn(move || sender.close(CloseCode::GOING_AWAY, "").is_ok());
        let client = thread::spawn(move || {
            let mut count = 0;
            while client.read().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(client.closed().unwrap().code, Some(CloseCode::GOING_AWAY));
            count
        });
        assert!(read_all(&mut reader).is_empty());
        assert!(closes.join().unwrap());
        assert_eq!(sends.join().unwrap(), client.join().unwrap());
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

/// Both ends close at once, each on a thread that does not read.
pub fn closes_of_both_ends_meet() {
    model::check(300, Time::Waits, || {
        let (server, client) = pair(100, &Config::default());
        let ends = [server, client].map(|socket| {
            let (mut reader, sender) = socket.split();
            let closes = thread::spawn(move || drop(sender.close(CloseCode::NORMAL, "")));
            thread::spawn(move || {
                assert!(read_all(&mut reader).is_empty());
                closes.join().unwrap();
                reader.closed().unwrap().code
            })
        });
        for end in ends {
            assert_eq!(end.join().unwrap(), Some(CloseCode::NORMAL));
        }
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

/// The peer neither reads nor writes: a sender is blocked, others wait behind it, and one thread
/// closes. The reader ends in time, and all others with it.
pub fn a_silent_peer_is_given_up_by_all() {
    model::check(200, Time::Waits, || {
        let config = Config { close_timeout: 50 * MS, ..Config::default() };
        let (server, peer) = with_silent_peer(30, &config);
        let (mut reader, sender) = server.split();
        let senders = [1, 2].map(|n| {
            let sender = sender.clone();
            thread::spawn(move || sender.send(vec![n; 100]).is_err())
        });
        let closes = thread::spawn(move || sender.close(CloseCode::NORMAL, ""));
        while reader.read().is_ok() {}
        assert!(senders.into_iter().all(|sender| sender.join().unwrap()));
        // The Close frame may have been sent before the messages.
        drop((closes.join().unwrap(), reader, peer));
    });
}

/// The reader is dropped while other threads send: each send succeeds or fails, and the peer gets
/// the messages of those that succeeded, then the Close frame.
pub fn a_dropped_reader_ends_the_senders() {
    model::check(300, Time::Waits, || {
        let (server, mut client) = pair(30, &Config::default());
        let (reader, sender) = server.split();
        let senders = [1, 2].map(|n| {
            let sender = sender.clone();
            thread::spawn(move || sender.send(vec![n; 20]).is_ok())
        });
        let client = thread::spawn(move || {
            let mut count = 0;
            while client.read().is_ok_and(|message| message.is_some()) {
                count += 1;
            }
            count
        });
        drop(reader);
        let sent = senders.into_iter().map(|it| usize::from(it.join().unwrap())).sum::<usize>();
        let received = client.join().unwrap();
        model::assert(received <= 2 && sent <= 2, "a message arrived twice");
    });
}
