//! A live Session on loopback with a [`Peer`] at its other end. Each exchange runs twice: with the
//! peer's octets written all at once, and one at a time. Both have to end the same way.

use std::net::{TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use h2_sync::frame::{Frame, Goaway, PREFACE, Ping, RstStream};
use h2_sync::proto::{CommandError, Config};
use h2_sync::{Act, ErrorCode, Evt, Headers, Reason, Role, Session, StreamId, headers};

use crate::peer::{Cut, LONG, Peer};
use crate::wire;

/// An exchange with a live server that has gone through the start of a connection.
#[track_caller]
pub(crate) fn server(exchange: impl Fn(&mut Live)) {
    server_with(|_| {}, exchange);
}

/// An exchange with a live client that has gone through the start of a connection.
#[track_caller]
pub(crate) fn client(exchange: impl Fn(&mut Live)) {
    client_with(|_| {}, exchange);
}

/// The same exchange with either.
#[track_caller]
pub(crate) fn both(exchange: impl Fn(&mut Live)) {
    server(&exchange);
    client(&exchange);
}

#[track_caller]
pub(crate) fn server_with(configure: impl Fn(&mut Config), exchange: impl Fn(&mut Live)) {
    twice(Role::Server, configure, |live| {
        live.greet(&[]);
        exchange(live);
    });
}

#[track_caller]
pub(crate) fn client_with(configure: impl Fn(&mut Config), exchange: impl Fn(&mut Live)) {
    twice(Role::Client, configure, |live| {
        live.greet(&[]);
        exchange(live);
    });
}

/// An exchange from the first octet on.
#[track_caller]
pub(crate) fn twice(role: Role, configure: impl Fn(&mut Config), exchange: impl Fn(&mut Live)) {
    let [whole, octets] = [Cut::Whole, Cut::Octets].map(|cut| {
        let mut config = Config::default();
        configure(&mut config);
        let mut live = Live::start(role, config, cut);
        exchange(&mut live);
        live.peer.flush();
        std::mem::take(&mut live.peer.transcript)
    });
    assert_eq!(whole, octets, "it depends on how the octets are cut");
}

/// The live side and its peer.
pub(crate) struct Live {
    /// Dropped first, so that the Session need not wait for it to close.
    pub(crate) peer: Peer,
    pub(crate) session: Session,
    role: Role,
    cut: Cut,
    /// The events taken so far.
    told: Vec<Evt>,
    /// The next stream of the peer's that has no part in the exchange but to show that it goes on.
    next: u32,
    label: String,
}

impl Live {
    fn start(role: Role, config: Config, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let session = Session::with_config(near, role, config).unwrap();
        let (told, label) = (Vec::new(), String::new());
        Live { peer: Peer::new(far, cut), session, role, cut, told, next: 101, label }
    }

    /// The start of a connection, with these settings of the peer's, up to both acknowledgements.
    #[track_caller]
    pub(crate) fn greet(&mut self, entries: &[(u16, u32)]) {
        match self.role {
            Role::Server => self.send(PREFACE),
            Role::Client => assert_eq!(self.peer.read_exact(PREFACE.len())[..], PREFACE[..]),
        }
        self.send(wire::settings(entries));
        let first = self.peer.next();
        assert!(matches!(&first, Some(Frame::Settings(frame)) if !frame.ack), "{first:?}");
        self.send(wire::settings_ack());
        self.assert_settings_ack();
    }

    pub(crate) fn is_client(&self) -> bool {
        self.role == Role::Client
    }

    /// What a failure is to be about, in a test of many cases.
    pub(crate) fn case(&mut self, label: impl Into<String>) {
        self.label = label.into();
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.peer.send(octets);
    }

    /// Sends settings and waits for their acknowledgement.
    #[track_caller]
    pub(crate) fn settings(&mut self, entries: &[(u16, u32)]) {
        self.send(wire::settings(entries));
        self.assert_settings_ack();
    }

    /// The next frame but WINDOW_UPDATE.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> Frame {
        loop {
            match self.peer.next() {
                Some(Frame::WindowUpdate(_)) => {}
                Some(frame) => return frame,
                None => panic!("the live side closed"),
            }
        }
    }

    #[track_caller]
    pub(crate) fn assert_settings_ack(&mut self) {
        let frame = self.frame();
        assert!(matches!(&frame, Frame::Settings(frame) if frame.ack), "{frame}");
    }

    /// A PING is acknowledged, and nothing else comes before.
    #[track_caller]
    pub(crate) fn assert_ping(&mut self) {
        self.send(wire::ping(b"go on? :"));
        assert_eq!(self.frame(), Ping { ack: true, payload: *b"go on? :" }.into());
    }

    /// Nothing has come that does not belong to it, and another request is answered.
    #[track_caller]
    pub(crate) fn assert_goes_on(&mut self) {
        match self.role {
            Role::Server => {
                self.assert_ping();
                let id = self.next_id();
                self.send(wire::headers(id, wire::END, wire::get()));
                self.accept(id);
                self.answer(id);
            }
            Role::Client => {
                let id = self.open(true);
                self.send(wire::headers(id, wire::END, wire::ok()));
                self.accept(id);
            }
        }
    }

    /// A stream error (Section 5.4.2): RST_STREAM with this code, and the connection goes on.
    #[track_caller]
    pub(crate) fn assert_reset(&mut self, stream: u32, code: ErrorCode) {
        self.expect_reset(stream, code);
        self.assert_goes_on();
    }

    /// RST_STREAM comes next.
    #[track_caller]
    pub(crate) fn expect_reset(&mut self, stream: u32, code: ErrorCode) {
        assert_eq!(self.frame(), RstStream { stream_id: id(stream), error_code: code }.into());
    }

    /// A malformed message (Section 8.1.1): a stream error PROTOCOL_ERROR, and the application does
    /// not get to see it.
    #[track_caller]
    pub(crate) fn assert_malformed(&mut self, stream: u32) {
        self.assert_reset(stream, ErrorCode::ProtocolError);
        self.assert_untold(stream);
    }

    /// A connection error (Section 5.4.1): GOAWAY with this code, then the transport is closed, and
    /// the application is told.
    #[track_caller]
    pub(crate) fn assert_goaway(&mut self, code: ErrorCode) -> Goaway {
        let frame = self.frame();
        let Frame::Goaway(goaway) = frame else { panic!("not GOAWAY but {frame}") };
        assert_eq!(goaway.error_code, code, "{goaway}");
        let after = self.peer.next();
        assert!(after.is_none(), "after GOAWAY: {after:?}");
        match self.end() {
            Reason::Error(error) => assert_eq!(error.code(), Some(code), "{error}"),
            other => panic!("the reason is {other:?}"),
        }
        goaway
    }

    /// The peer closes by itself, or has closed; how the connection ended.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Reason {
        self.event(|evt| match evt {
            Evt::Closed { reason } => Some(reason.clone()),
            _ => None,
        })
    }

    /// Takes events until one is the one.
    #[track_caller]
    pub(crate) fn event<T>(&mut self, wanted: impl Fn(&Evt) -> Option<T>) -> T {
        self.peer.flush();
        loop {
            let evt = self.session.take_evt_timeout(LONG).expect("an event comes");
            let found = wanted(&evt);
            let is_end = matches!(evt, Evt::Closed { .. });
            self.told.push(evt);
            if let Some(found) = found {
                return found;
            }
            assert!(!is_end, "closed, and not expected to be: {:?}", self.told);
        }
    }

    /// The application gets the next field section of a stream.
    #[track_caller]
    pub(crate) fn accept(&mut self, stream: u32) -> Headers {
        self.event(|evt| match evt {
            Evt::RecvHeaders { stream_identifier, headers, .. } if *stream_identifier == stream => {
                Some(headers.clone())
            }
            _ => None,
        })
    }

    /// The application gets the content of a stream, to its end.
    #[track_caller]
    pub(crate) fn content(&mut self, stream: u32) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let (data, is_end) = self.event(|evt| match evt {
                Evt::RecvData { stream_identifier, data, is_end_stream }
                    if *stream_identifier == stream =>
                {
                    Some((data.clone(), *is_end_stream))
                }
                _ => None,
            });
            content.extend_from_slice(&data);
            if is_end {
                return content;
            }
        }
    }

    /// The application is told that a stream was reset; with which code, and whether it is safe to
    /// try again.
    #[track_caller]
    pub(crate) fn reset(&mut self, stream: u32) -> (ErrorCode, bool) {
        self.event(|evt| match evt {
            Evt::Reset { stream_identifier, error_code, retry_safe, .. }
                if *stream_identifier == stream =>
            {
                Some((*error_code, *retry_safe))
            }
            _ => None,
        })
    }

    /// The application has got no message on a stream.
    #[track_caller]
    pub(crate) fn assert_untold(&self, stream: u32) {
        let is_of = |evt: &&Evt| match evt {
            Evt::RecvHeaders { stream_identifier, .. }
            | Evt::RecvData { stream_identifier, .. }
            | Evt::Promise { promised_stream_identifier: stream_identifier, .. } => {
                *stream_identifier == stream
            }
            _ => false,
        };
        let told: Vec<_> = self.told.iter().filter(is_of).collect();
        assert!(told.is_empty(), "the application was told: {told:?}");
    }

    /// A stream of the peer's that has not been used, above all that have.
    pub(crate) fn next_id(&mut self) -> u32 {
        self.next += 2;
        self.next
    }

    /// The live client sends a request, a GET that is whole or a POST that goes on.
    #[track_caller]
    pub(crate) fn open(&mut self, is_end: bool) -> u32 {
        let method = if is_end { "GET" } else { "POST" };
        self.open_with(&request(method), is_end)
    }

    /// The live client sends this request, and the peer gets it.
    #[track_caller]
    pub(crate) fn open_with(&mut self, headers: &Headers, is_end: bool) -> u32 {
        self.peer.flush();
        let stream = self.session.open(headers, is_end).expect("the request is taken");
        let frame = self.frame();
        let Frame::Headers(first) = &frame else { panic!("not HEADERS but {frame}") };
        assert_eq!((first.stream_id, first.end_stream), (stream, is_end));
        stream.get()
    }

    /// The live server answers 200 without content, and the peer gets it.
    #[track_caller]
    pub(crate) fn answer(&mut self, stream: u32) {
        self.respond(stream, &headers!(":status" => "200"), true);
        let fields = self.assert_headers(stream, true);
        assert_eq!(fields.status(), Some(200));
    }

    /// The application sends a field section.
    #[track_caller]
    pub(crate) fn respond(&mut self, stream: u32, headers: &Headers, is_end_stream: bool) {
        let (stream_identifier, headers) = (id(stream), headers.clone());
        self.act(Act::SendHeaders { stream_identifier, headers, is_end_stream });
    }

    /// The application sends content.
    #[track_caller]
    pub(crate) fn put_data(&mut self, stream: u32, data: impl Into<Bytes>, is_end_stream: bool) {
        let (stream_identifier, data) = (id(stream), data.into());
        self.act(Act::SendData { stream_identifier, data, is_end_stream });
    }

    #[track_caller]
    pub(crate) fn act(&mut self, act: Act) {
        self.peer.flush();
        self.session.put_act(act).expect("the action is taken");
    }

    /// The action is refused, as the mistake that it is.
    #[track_caller]
    pub(crate) fn refused(&mut self, act: Act) -> CommandError {
        self.peer.flush();
        let error = self.session.put_act(act).expect_err("the action is refused");
        error.error().as_command_error().expect("it is the caller's mistake").clone()
    }

    /// HEADERS of one frame come next on a stream.
    #[track_caller]
    pub(crate) fn assert_headers(&mut self, stream: u32, is_end: bool) -> Headers {
        let frame = self.frame();
        let Frame::Headers(headers) = &frame else { panic!("not HEADERS but {frame}") };
        assert_eq!((headers.stream_id, headers.end_stream), (id(stream), is_end), "{frame}");
        self.peer.section.clone().expect("the field section is whole")
    }

    /// Asserts that the next frame is DATA of `len` octets.
    #[track_caller]
    pub(crate) fn assert_data(&mut self, stream: u32, len: usize, is_end: bool) {
        let frame = self.frame();
        let Frame::Data(data) = &frame else { panic!("not DATA but {frame}") };
        let found = (data.stream_id, data.data.len(), data.end_stream);
        assert_eq!(found, (id(stream), len, is_end), "{frame}");
    }

    /// A request of the peer's that goes on, at a live server.
    #[track_caller]
    pub(crate) fn request(&mut self, stream: u32) {
        self.send(wire::headers(stream, wire::END_HEADERS, wire::post()));
        self.accept(stream);
    }

    /// A whole request of the peer's that waits for its answer, at a live server.
    #[track_caller]
    pub(crate) fn whole_request(&mut self, stream: u32) {
        self.send(wire::headers(stream, wire::END, wire::get()));
        self.accept(stream);
    }
}

/// What a test that failed was doing.
impl Drop for Live {
    fn drop(&mut self) {
        if thread::panicking() {
            let Live { role, cut, label, .. } = self;
            eprintln!("with a live {}, octets cut as {cut:?}, case {label:?}", role.name());
            eprintln!("frames received: {:#?}", self.peer.transcript);
        }
    }
}

pub(crate) fn id(stream: u32) -> StreamId {
    StreamId::new(stream).unwrap()
}

pub(crate) fn request(method: &str) -> Headers {
    headers!(":method" => method, ":scheme" => "http", ":authority" => "test", ":path" => "/")
}
