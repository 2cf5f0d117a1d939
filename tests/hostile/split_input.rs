//! The result does not depend on how the input is split into reads: a live server and a live client
//! receive a long exchange whole, split in two at each octet, and in pieces of each size.
//!
//! An in-memory transport returns exactly these pieces. The tests compare the result on each stream
//! and the acknowledgements, but not their order: a response may be sent before a later frame
//! arrives.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use h2_sync::client::{Connection, ResponseHalf};
use h2_sync::frame::{self, Frame};
use h2_sync::hpack::{Decoder, Limits};
use h2_sync::server::{self, Request, Response, serve_connection};
use h2_sync::{Error, ErrorCode, Headers};

use crate::bad_fields::case;
use crate::memory::bounded;
use crate::support::LONG;
use crate::support::wire::*;
use crate::victim::BoxError;

/// A reader that returns one piece per read, and then blocks until the end of the test.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    end: Receiver<()>,
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.front_mut() else {
            let _ = self.end.recv();
            return Ok(0);
        };
        let len = piece.len().min(buf.len());
        buf[..len].copy_from_slice(&piece[..len]);
        piece.drain(..len);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(len)
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The ways in which to split an input of this length.
fn cuts(len: usize) -> impl Iterator<Item = Cut> {
    (1..len).map(Cut::At).chain((1..=16).map(Cut::Each))
}

#[derive(Debug, Clone, Copy)]
enum Cut {
    At(usize),
    Each(usize),
}

impl Cut {
    fn pieces(self, input: &[u8]) -> VecDeque<Vec<u8>> {
        match self {
            Cut::At(at) => [&input[..at], &input[at..]].map(<[u8]>::to_vec).into(),
            Cut::Each(len) => input.chunks(len).map(<[u8]>::to_vec).collect(),
        }
    }
}

/// The output of a server.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// For each stream: its field sections, its body, and its end.
    streams: BTreeMap<u32, Vec<String>>,
    settings_acks: usize,
    pongs: Vec<[u8; 8]>,
    goaway: Option<ErrorCode>,
}

impl Outcome {
    fn of(written: &Written) -> Self {
        let mut input = BytesMut::from(&written.0.lock().unwrap()[..]);
        let mut decoder = Decoder::new(Limits::default());
        let mut outcome = Outcome::default();
        while let Some(frame) = Frame::decode(&mut input, frame::DEFAULT_MAX_FRAME_SIZE).unwrap() {
            outcome.note(frame, &mut decoder);
        }
        outcome
    }

    fn note(&mut self, frame: Frame, decoder: &mut Decoder) {
        let stream = self.streams.entry(frame.stream_id().get()).or_default();
        match frame {
            Frame::Headers(frame) => {
                let section = decoder.decode(&frame.fragment, true).unwrap().unwrap().headers;
                stream.push(format!("{section:?}"));
                stream.extend(frame.end_stream.then(|| "end".to_owned()));
            }
            Frame::Data(frame) => {
                // The pieces of a body may be combined.
                stream.push(String::from_utf8(frame.data.to_vec()).unwrap());
                if let [.., before, last] = &mut stream[..] {
                    if before.starts_with("body") {
                        before.push_str(last);
                        stream.pop();
                    }
                }
                stream.extend(frame.end_stream.then(|| "end".to_owned()));
            }
            Frame::RstStream(frame) => stream.push(format!("{}", frame.error_code)),
            Frame::Settings(settings) => self.settings_acks += usize::from(settings.ack),
            Frame::Ping(ping) => self.pongs.push(ping.payload),
            Frame::Goaway(frame) => self.goaway = Some(frame.error_code),
            _ => {}
        }
    }

    fn ended_streams(&self) -> usize {
        self.streams
            .values()
            .filter(|stream| stream.last().is_some_and(|last| is_end(last)))
            .count()
    }
}

fn is_end(last: &str) -> bool {
    last == "end" || last == ErrorCode::ProtocolError.to_string()
}

/// Responds with everything received.
fn tell(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    let mut body = String::from("body: ");
    request.read_to_string(&mut body)?;
    body.push_str(&format!(" {:?} {:?}", request.trailers()?, request.fields()));
    response.set_header("name", "value")?;
    Ok(response.send(body)?)
}

/// The input of a server: frames of all types, with and without padding, field blocks in one and in
/// several frames, and requests that are valid, malformed, cancelled or unfinished.
fn input_of_server() -> Vec<u8> {
    let trailers = block(&[("trailer-one", "1"), ("trailer-two", "2")]);
    // "www.example.com" in Huffman code (RFC 7541, Section C.4.1).
    let huffman = b"\x40\x01h\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    let with_priority = [dependency(0), post(), huffman.to_vec()].concat();
    [
        frame::PREFACE.to_vec(),
        settings(&[(HEADER_TABLE_SIZE, 8_192), (INITIAL_WINDOW_SIZE, 100_000), (0x99, 7)]),
        settings_ack(),
        ping(b"first one"[..8].try_into().unwrap()),
        window_update(0, 1_000),
        frame(HEADERS, PADDED | WITH_PRIORITY | END_HEADERS, 1, padded(with_priority, 7)),
        frame(DATA, PADDED, 1, padded("hello ", 200)),
        frame(UNKNOWN, 0xff, 0, "an extension"),
        data(1, 0, ""),
        data(1, 0, "world"),
        frame(HEADERS, END_STREAM, 1, &trailers[..5]),
        continuation(1, 0, []),
        continuation(1, 0, &trailers[5..8]),
        continuation(1, END_HEADERS, &trailers[8..]),
        headers(3, END, [get(), vec![0xbe]].concat()),
        priority(3, 1),
        priority_update(5, "u=1"),
        headers(5, END, and(get(), &[("Bad", "")])),
        headers(7, END_HEADERS, post()),
        data(7, 0, "cancelled"),
        rst_stream(7, 0x8),
        headers(9, END_HEADERS, and(post(), &[("content-length", "5")])),
        data(9, END_STREAM, "four"),
        settings(&[(INITIAL_WINDOW_SIZE, 65_535), (MAX_CONCURRENT_STREAMS, 10)]),
        window_update(7, 5),
        ping(b"the last"),
        headers(11, END_STREAM, []),
        continuation(11, 0, &get()[..1]),
        continuation(11, END_HEADERS, &get()[1..]),
        goaway(0, 0),
    ]
    .concat()
}

/// Returns the server's output once it is complete as expected, or final.
fn serve(pieces: VecDeque<Vec<u8>>, is_all: impl Fn(&Outcome) -> bool) -> Outcome {
    let (over, end) = channel();
    let written = Written::default();
    let transport = (Pieces { pieces, end }, written.clone());
    let mut config = server::Config::default();
    config.date = false;
    let serving = thread::spawn(move || serve_connection(transport, config, tell));
    let until = Instant::now() + LONG;
    while !is_all(&Outcome::of(&written)) && !serving.is_finished() && Instant::now() < until {
        thread::park_timeout(Duration::from_micros(200));
    }
    drop(over);
    // The output shows how the connection ended.
    let _ = serving.join().unwrap();
    Outcome::of(&written)
}

#[test]
fn a_server_gives_the_same_result_for_input_split_at_each_octet() {
    bounded(|| {
        let input = input_of_server();
        let is_all = |outcome: &Outcome| {
            (outcome.ended_streams(), outcome.settings_acks, outcome.pongs.len()) == (5, 2, 2)
        };
        let whole = serve([input.clone()].into(), is_all);
        assert!(is_all(&whole), "{whole:#?}");
        let stream = |id: u32| whole.streams[&id].concat();
        assert!(
            stream(1).contains("hello world") && stream(1).contains("trailer-two"),
            "{whole:?}"
        );
        assert!(stream(3).contains("www.example.com"), "{whole:?}");
        for cut in cuts(input.len()) {
            case(cut);
            assert_eq!(serve(cut.pieces(&input), is_all), whole);
        }
    });
}

/// Inputs that end the connection, after the preface.
fn bad_inputs() -> Vec<(ErrorCode, Vec<u8>)> {
    let greeting = || settings(&[]);
    let after = |octets: Vec<u8>| [greeting(), octets].concat();
    vec![
        (ErrorCode::ProtocolError, settings(&[(ENABLE_PUSH, 2)])),
        (ErrorCode::FlowControlError, settings(&[(INITIAL_WINDOW_SIZE, 0x8000_0000)])),
        (ErrorCode::ProtocolError, settings(&[(MAX_FRAME_SIZE, 0)])),
        (ErrorCode::FrameSizeError, frame(SETTINGS, 0, 0, [0; 5])),
        (ErrorCode::FrameSizeError, after(frame(PING, 0, 0, [0; 7]))),
        (ErrorCode::FlowControlError, after(window_update(0, MAX_WINDOW))),
        (ErrorCode::CompressionError, after(headers(1, END, [0x80]))),
        (ErrorCode::ProtocolError, after([headers(1, 0, get()), ping(b"now this")].concat())),
        (ErrorCode::ProtocolError, after(data(1, 0, "on an idle stream"))),
        (ErrorCode::FrameSizeError, after(head(0xff_ffff, DATA, 0, 1))),
    ]
}

#[test]
fn a_server_reports_the_same_error_for_input_split_at_each_octet() {
    bounded(|| {
        for (code, octets) in bad_inputs() {
            let input = [frame::PREFACE.to_vec(), octets].concat();
            for cut in cuts(input.len()) {
                case((code, cut));
                let outcome = serve(cut.pieces(&input), |outcome| outcome.goaway.is_some());
                assert_eq!(outcome.goaway, Some(code), "{outcome:?}");
            }
        }
    });
}

/// The input of a client that has sent seven requests.
fn input_of_client() -> Vec<u8> {
    let trailers = block(&[("trailer-one", "1"), ("trailer-two", "2")]);
    [
        settings(&[(MAX_CONCURRENT_STREAMS, 100), (INITIAL_WINDOW_SIZE, 70_000), (0x99, 7)]),
        settings_ack(),
        window_update(0, 1_000),
        ping(b"are you?"),
        headers(1, END_HEADERS, and(status("103"), &[("link", "</style>")])),
        frame(
            HEADERS,
            PADDED | END_HEADERS,
            1,
            padded([ok(), indexed_literal("a", "b")].concat(), 9),
        ),
        frame(DATA, PADDED, 1, padded("hello ", 100)),
        headers(3, END, [ok(), vec![0xbe]].concat()),
        frame(0x0a, 0, 0, b"\0\x04testclear"),
        frame(0x0c, 0, 0, b"\0\x0bhttp://test"),
        frame(UNKNOWN, 0xff, 9, "an extension"),
        headers(5, END, and(ok(), &[("Bad", "")])),
        data(1, 0, ""),
        data(1, 0, "world"),
        rst_stream(7, 0x7),
        frame(HEADERS, END_STREAM, 1, &trailers[..5]),
        continuation(1, 0, &trailers[5..8]),
        continuation(1, END_HEADERS, &trailers[8..]),
        headers(9, END_HEADERS, and(ok(), &[("content-length", "5")])),
        data(9, END_STREAM, "four"),
        settings(&[(MAX_CONCURRENT_STREAMS, 50)]),
        headers(11, END_STREAM, &status("204")[..2]),
        continuation(11, END_HEADERS, &status("204")[2..]),
        goaway(11, 0),
    ]
    .concat()
}

/// Describes the result of a request.
fn told(mut response: ResponseHalf) -> String {
    let all = |response: &mut ResponseHalf| -> Result<(Headers, String), Error> {
        let fields = response.fields()?;
        let mut body = String::new();
        response.read_to_string(&mut body)?;
        body.push_str(&format!(" {:?}", response.trailers()?));
        Ok((fields, body))
    };
    match all(&mut response) {
        Ok(all) => format!("{all:?}"),
        Err(error) => format!("{:?} {:?} {}", error.kind(), error.code(), error.is_retry_safe()),
    }
}

fn ask(pieces: VecDeque<Vec<u8>>, requests: usize) -> Vec<String> {
    let (over, end) = channel();
    let transport = (Pieces { pieces, end }, Written::default());
    let connection = Connection::start(transport, h2_sync::Config::default()).unwrap();
    let request = http::Request::get("http://test/").body(()).unwrap();
    // All are sent before anything is read.
    let responses: Vec<_> = (0..requests).map(|_| connection.send(&request).unwrap()).collect();
    let told = responses
        .into_iter()
        .map(|mut response| {
            response.set_deadline(Some(Instant::now() + LONG));
            told(response)
        })
        .collect();
    drop(over);
    told
}

#[test]
fn a_client_gives_the_same_result_for_input_split_at_each_octet() {
    bounded(|| {
        let input = input_of_client();
        let whole = ask([input.clone()].into(), 7);
        assert!(whole[0].contains("hello world") && whole[0].contains("trailer-two"), "{whole:?}");
        assert!(whole[1].contains("a: b"), "{whole:?}");
        for (at, code) in [(2, "ProtocolError"), (3, "RefusedStream"), (4, "ProtocolError")] {
            assert!(whole[at].contains(code), "{whole:?}");
        }
        assert!(whole[5].contains("204"), "{whole:?}");
        assert!(whole[6].ends_with("true"), "the last request was not processed: {whole:?}");
        for cut in cuts(input.len()) {
            case(cut);
            assert_eq!(ask(cut.pieces(&input), 7), whole);
        }
    });
}

#[test]
fn a_client_reports_the_same_error_for_input_split_at_each_octet() {
    bounded(|| {
        for (code, input) in bad_inputs() {
            for cut in cuts(input.len()) {
                case((code, cut));
                let told = ask(cut.pieces(&input), 1).concat();
                assert!(told.contains(&format!("{code:?}")), "{told}");
            }
        }
    });
}
