//! The same exchange by a Session, from either end, as events and actions.

use std::collections::HashMap;

use h2_sync::{Act, Error, Evt, Headers, HeadersKind, Reason, Session, StreamId, headers};

/// The events and errors of a Session, after its end.
#[derive(Debug)]
pub(crate) struct Told {
    /// The outcome of the requests, at a client.
    pub(crate) answers: Vec<String>,
    pub(crate) reason: Reason,
    /// The errors of refused actions.
    pub(crate) refused: Vec<Error>,
}

/// One end of the exchange, up to the last event.
pub(crate) struct Teller<'a> {
    session: &'a Session,
    /// Called before each event is taken.
    before: &'a mut dyn FnMut(&Session),
    replies: HashMap<StreamId, Reply>,
    refused: Vec<Error>,
    has_pong: bool,
    end: Option<Reason>,
}

#[derive(Debug, Default)]
struct Reply {
    status: String,
    body: Vec<u8>,
    trailers: Option<String>,
    is_complete: bool,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(session: &'a Session, before: &'a mut dyn FnMut(&Session)) -> Self {
        let (replies, refused) = Default::default();
        Teller { session, before, replies, refused, has_pong: false, end: None }
    }

    /// Sends all requests, closes the connection, and takes the remaining events.
    pub(crate) fn ask(mut self) -> Told {
        let mut answers = Vec::new();
        // `None` means the end of the connection, or a refused action.
        let _ = self.try_ask(&mut answers);
        self.session.close();
        self.rest(answers)
    }

    /// Answers all requests up to the end of the connection.
    pub(crate) fn answer(mut self) -> Told {
        while self.end.is_none() {
            self.next();
        }
        self.session.close();
        self.rest(Vec::new())
    }

    fn try_ask(&mut self, answers: &mut Vec<String>) -> Option<()> {
        let first = self.open("GET", true)?;
        answers.push(self.reply(first)?);

        let echo = self.open("POST", false)?;
        self.send(echo, b"one ", false)?;
        self.until(|it| it.replies.get(&echo).is_some_and(|reply| reply.body == b"one "))?;
        self.send(echo, b"two ", false)?;
        self.send(echo, b"three", false)?;
        let headers = headers!("end" => "yes");
        self.put(Act::SendHeaders { stream_identifier: echo, headers, is_end_stream: true })?;
        answers.push(self.reply(echo)?);

        self.put(Act::Ping)?;
        self.until(|it| it.has_pong)?;
        answers.push("pong".to_owned());

        let slow = self.open("POST", false)?;
        self.send(slow, b"at ", false)?;
        let quick = self.open("GET", true)?;
        answers.push(self.reply(quick)?);
        self.send(slow, b"once", true)?;
        answers.push(self.reply(slow)?);
        Some(())
    }

    /// Asserts that the last event is `Closed`, and that it comes once.
    fn rest(mut self, answers: Vec<String>) -> Told {
        while self.end.is_none() {
            self.next();
        }
        assert!(self.session.take_evt().is_err(), "an event after the last one");
        let late = self.session.put_act(Act::Ping).unwrap_err();
        assert!(late.error().is_closed(), "{late:?}");
        let Teller { refused, end, .. } = self;
        Told { answers, reason: end.unwrap(), refused }
    }

    fn open(&mut self, method: &str, is_end_stream: bool) -> Option<StreamId> {
        let path = if method == "GET" { "/" } else { "/echo" };
        let request = headers!(
            ":method" => method, ":scheme" => "http", ":authority" => "test", ":path" => path,
        );
        match self.session.open(&request, is_end_stream) {
            Ok(id) => Some(id),
            Err(error) => {
                self.refused.push(error);
                None
            }
        }
    }

    fn send(
        &mut self,
        stream_identifier: StreamId,
        data: &[u8],
        is_end_stream: bool,
    ) -> Option<()> {
        let data = data.to_vec().into();
        self.put(Act::SendData { stream_identifier, data, is_end_stream })
    }

    fn put(&mut self, act: Act) -> Option<()> {
        match self.session.put_act(act) {
            Ok(()) => Some(()),
            Err(error) => {
                self.refused.push(error.error().clone());
                None
            }
        }
    }

    fn reply(&mut self, id: StreamId) -> Option<String> {
        self.until(|it| it.replies.get(&id).is_some_and(|reply| reply.is_complete))?;
        let reply = self.replies.remove(&id)?;
        let end = reply.trailers.map_or_else(String::new, |trailers| format!(" end={trailers}"));
        Some(format!("{} {}{end}", reply.status, String::from_utf8_lossy(&reply.body)))
    }

    fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Option<()> {
        while !is_so(self) {
            if self.end.is_some() {
                return None;
            }
            self.next();
        }
        Some(())
    }

    fn next(&mut self) {
        (self.before)(self.session);
        match self.session.take_evt().expect("it ends by the last event") {
            Evt::Closed { reason } => self.end = Some(reason),
            Evt::Pong { .. } => self.has_pong = true,
            Evt::RecvHeaders { stream_identifier, headers, kind, is_end_stream } => {
                self.headers(stream_identifier, &headers, kind, is_end_stream);
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                if let Some(reply) = self.replies.get_mut(&stream_identifier) {
                    reply.body.extend_from_slice(&data);
                    reply.is_complete = is_end_stream;
                } else {
                    self.put(Act::SendData { stream_identifier, data, is_end_stream });
                }
            }
            _ => {}
        }
    }

    fn headers(&mut self, id: StreamId, headers: &Headers, kind: HeadersKind, is_end: bool) {
        match kind {
            HeadersKind::Request => {
                let answer = headers!(":status" => "200");
                let head = Act::SendHeaders {
                    stream_identifier: id,
                    headers: answer,
                    is_end_stream: false,
                };
                if self.put(head).is_some() && is_end {
                    self.send(id, b"hello", true);
                }
            }
            HeadersKind::Trailers if !self.replies.contains_key(&id) => {
                let headers = headers.clone();
                self.put(Act::SendHeaders { stream_identifier: id, headers, is_end_stream: true });
            }
            HeadersKind::Trailers => {
                let reply = self.replies.entry(id).or_default();
                reply.trailers = headers.get("end").map(str::to_owned);
                reply.is_complete = is_end;
            }
            HeadersKind::Informational => {}
            HeadersKind::Response => {
                let status = headers.get(":status").unwrap().to_owned();
                let reply = Reply { status, is_complete: is_end, ..Reply::default() };
                self.replies.insert(id, reply);
            }
        }
    }
}
