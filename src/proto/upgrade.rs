//! Connections that begin as HTTP/1.1: the `Upgrade` to `h2c` of RFC 7540, Section 3.2, which
//! RFC 9113, Section 3.1 has retired and which curl and others still speak.
//!
//! The request of HTTP/1.1 becomes stream 1, which its sender has closed already, and the response
//! comes on that stream. The client's SETTINGS travel twice: in the request, where the
//! `101 Switching Protocols` acknowledges them, and in its preface, like those of any client.
//!
//! ```text
//!   client                                                     server
//!   GET / HTTP/1.1, Upgrade: h2c, HTTP2-Settings: …  ──────▶
//!                        ◀──────  HTTP/1.1 101 Switching Protocols
//!   start_upgraded(request)                                    accept_upgrade(request, settings)
//!   preface, SETTINGS    ──────▶
//!                        ◀──────  SETTINGS, HEADERS and DATA on stream 1
//! ```
//!
//! These are commands to a fresh connection. Reading and writing the messages of HTTP/1.1 is up to
//! whoever calls them; `h2_sync::upgrade` does.

use std::time::Instant;

use bytes::Bytes;

use super::config::{Config, Role};
use super::connection::Connection;
use super::content::Content;
use super::error::{CommandError, Malformed};
use super::event::Event;
use super::headers::{self, RequestFacts, RequestKind};
use super::outgoing::Outgoing;
use super::receive_message::Section;
use super::settings::{self, SettingValues};
use super::slots::SlotKind;
use super::stream::Phase;
use crate::frame::{Flags, Frame, Head, Kind, Setting, Settings, StreamId, PREFACE};
use crate::hpack::Headers;
use crate::logging;

/// Entries in HTTP2-Settings. Whoever checks them before there is a connection is to come to the
/// same as the connection does later, so it is not a matter of its [`Config`].
const MAX_ENTRIES: usize = 32;

/// RFC 7540, Section 3.2: the request that upgrades has stream identifier 1.
const UPGRADED: StreamId = StreamId::from_wire(1);

impl Config {
    /// The payload of the first SETTINGS that a client with this configuration sends: what the
    /// `HTTP2-Settings` field of its request holds, in base64url (RFC 7540, Section 3.2.1).
    ///
    /// # Examples
    ///
    /// ```
    /// use h2_sync::Config;
    ///
    /// // Six octets for each setting.
    /// assert_eq!(Config::default().upgrade_settings().len() % 6, 0);
    /// ```
    pub fn upgrade_settings(&self) -> Vec<u8> {
        let entries = settings::opening(Role::Client, self);
        let mut payload = Vec::with_capacity(6 * entries.len());
        Settings { ack: false, entries }.encode_payload(&mut payload);
        payload
    }
}

impl Connection {
    /// Says what [`accept_upgrade`](Self::accept_upgrade) would object to in a request, before
    /// there is a connection: a server answers it in HTTP/1.1 then.
    ///
    /// `body_len` is the length of the request's body, where it is known already.
    ///
    /// # Errors
    ///
    /// [`Malformed`](CommandError::Malformed) for the request (CONNECT cannot upgrade),
    /// [`ContentLength`](CommandError::ContentLength) if it does not agree with the body, and
    /// [`InvalidSetting`](CommandError::InvalidSetting) for a payload that is not that of a
    /// SETTINGS frame.
    pub fn check_upgrade(
        request: &Headers,
        body_len: Option<usize>,
        settings_payload: &[u8],
    ) -> Result<(), CommandError> {
        check_request(request, body_len)?;
        decode_settings(settings_payload).map(drop)
    }

    /// A server's first command, on a connection that has received nothing yet: the request that
    /// came over HTTP/1.1 is stream 1, half-closed (remote).
    ///
    /// `settings_payload` is what `HTTP2-Settings` held, out of its base64url. It is in force from
    /// now on, as if it had been received in a SETTINGS frame, but for the acknowledgement: the
    /// 101 response is that (RFC 7540, Section 3.2.1). The request comes as
    /// [`Event::Headers`], and its body as [`Event::Data`], to be
    /// [released](Self::release) like any other, though no window has counted it.
    ///
    /// The request gets the treatment of any other: if its field section is over
    /// [`max_header_list_size`](Config::max_header_list_size) it is answered with 431, and there is
    /// no event.
    ///
    /// SETTINGS are the first frame that goes out, before any response. The client still sends its
    /// preface, so [`skip_preface`](Config::skip_preface) is to be `false`: it speaks of 24 octets
    /// that somebody else has consumed already.
    ///
    /// # Errors
    ///
    /// [`AlreadyStarted`](CommandError::AlreadyStarted), [`ServerOnly`](CommandError::ServerOnly),
    /// and those of [`check_upgrade`](Self::check_upgrade).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    ///
    /// use h2_sync::headers;
    /// use h2_sync::proto::{Config, Connection, Event, Role};
    ///
    /// let now = Instant::now();
    /// let mut server = Connection::new(Role::Server, Config::default(), now)?;
    /// let request = headers!(
    ///     ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => "/",
    /// );
    /// let settings = Config::default().upgrade_settings();
    /// server.accept_upgrade(&request, "".into(), &settings, now)?;
    ///
    /// let requests = std::iter::from_fn(|| server.poll_event())
    ///     .filter(|event| matches!(event, Event::Headers { end_stream: true, .. }));
    /// assert_eq!(requests.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_upgrade(
        &mut self,
        request: &Headers,
        body: Bytes,
        settings_payload: &[u8],
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        if self.role == Role::Client {
            return Err(CommandError::ServerOnly);
        }
        self.check_fresh()?;
        check_request(request, Some(body.len()))?;
        let entries = decode_settings(settings_payload)?;
        self.input.has_upgraded = true;
        logging::debug!("server: stream 1 began in HTTP/1.1, with {} octets of body", body.len());
        let section = Section {
            id: UPGRADED,
            headers: request.clone(),
            truncated: request.section_size() > self.local.max_header_list_size() as usize
                || request.len() > self.config.max_fields,
            end_stream: body.is_empty(),
            depends_on_itself: false,
        };
        // What these two could object to has been checked; should they, then the connection ends
        // with GOAWAY, as for anything that the peer sends.
        let result = self
            .apply_upgrade_settings(entries, now)
            .and_then(|()| self.receive_section(section, now));
        match result {
            Ok(()) => self.receive_upgrade_body(body),
            Err(error) => drop(self.fail(error)),
        }
        Ok(())
    }

    /// A client's first command, after it has got `101 Switching Protocols`, on a connection that
    /// has received and opened nothing yet: the request that went out over HTTP/1.1 is stream 1,
    /// half-closed (local), and the response comes on it. The next stream is 3.
    ///
    /// Our settings are in force for the server from now on, without an acknowledgement. They go
    /// out in the preface once more, which has to follow the request, so
    /// [`skip_preface`](Config::skip_preface) is to be `false`.
    ///
    /// # Errors
    ///
    /// [`AlreadyStarted`](CommandError::AlreadyStarted), [`ClientOnly`](CommandError::ClientOnly),
    /// [`Malformed`](CommandError::Malformed).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    ///
    /// use h2_sync::headers;
    /// use h2_sync::proto::{Config, Connection, Role};
    ///
    /// let now = Instant::now();
    /// let mut client = Connection::new(Role::Client, Config::default(), now)?;
    /// let request = headers!(
    ///     ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => "/",
    /// );
    /// assert_eq!(client.start_upgraded(&request, now)?.get(), 1);
    /// assert_eq!(client.open(&request, true, now)?.get(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_upgraded(
        &mut self,
        request: &Headers,
        now: Instant,
    ) -> Result<StreamId, CommandError> {
        self.check_open()?;
        if self.role == Role::Server {
            return Err(CommandError::ClientOnly);
        }
        self.check_fresh()?;
        let facts = check_request(request, None)?;
        let id = self.reserve_stream_id(now)?;
        debug_assert_eq!(id, UPGRADED, "nothing has been reserved before");
        self.opener.take(id);
        self.input.has_upgraded = true;
        logging::debug!("client: stream 1 began in HTTP/1.1");
        // RFC 7540, Section 3.2.1: the 101 response acknowledges what HTTP2-Settings said.
        self.put_in_force(&settings::opening(Role::Client, &self.config), now);

        let mut stream = self.new_stream(id, facts.priority);
        stream.request = facts.kind;
        stream.slot = Some(self.slots.take(SlotKind::Own));
        stream.send.phase = Phase::Done;
        Outgoing::open_and_end(&mut stream.send.queue);
        let allowed = stream.state.send_headers(true);
        debug_assert!(allowed.is_ok(), "the stream was idle");
        self.streams.use_id(id);
        self.outgoing.note_upgraded(id);
        self.stats.streams_opened += 1;
        self.streams.insert(stream);
        Ok(id)
    }

    /// What the `HTTP2-Settings` field has to hold, in base64url: the same as
    /// [`Config::upgrade_settings`] of the configuration that it was made with.
    pub fn upgrade_settings(&self) -> Vec<u8> {
        self.config.upgrade_settings()
    }

    /// The upgrade comes before everything else.
    fn check_fresh(&self) -> Result<(), CommandError> {
        let is_first = match self.role {
            Role::Client => self.opener.next_id() == Some(UPGRADED),
            Role::Server => self.config.skip_preface || self.input.preface_left == PREFACE.len(),
        };
        if !is_first
            || self.input.greeted
            || self.input.has_upgraded
            || self.ending.goaway_sent.is_some()
        {
            return Err(CommandError::AlreadyStarted);
        }
        Ok(())
    }

    /// RFC 7540, Section 3.2.1: they are interpreted like those of a SETTINGS frame, and need no
    /// acknowledgement. The preface has to come all the same, so nobody has been greeted yet.
    fn apply_upgrade_settings(
        &mut self,
        entries: Vec<Setting>,
        now: Instant,
    ) -> Result<(), super::ConnectionError> {
        // In place of the cautious guess: the peer has spoken.
        self.remote.max_concurrent_streams = u32::MAX;
        self.apply_all(&entries, now)?;
        self.events.push_loose(Event::SettingsChanged { settings: entries });
        Ok(())
    }

    fn receive_upgrade_body(&mut self, body: Bytes) {
        // The stream is not there if it was refused, or answered at once.
        let Some(stream) = self.streams.get_mut(UPGRADED).filter(|_| !body.is_empty()) else {
            return;
        };
        let ended = stream.state.recv_data(true);
        debug_assert!(ended.is_ok(), "the request did not end the stream");
        stream.recv.phase = Phase::Done;
        stream.recv.content = Content::Unknown;
        stream.recv.window.receive_uncounted(u32::try_from(body.len()).unwrap_or(u32::MAX));
        stream.recv.last_data = Some(self.events.push_data(UPGRADED, body, true, None));
    }
}

fn check_request(request: &Headers, body_len: Option<usize>) -> Result<RequestFacts, CommandError> {
    let facts = headers::check_request(request, false)?;
    if facts.kind == RequestKind::Connect {
        // A tunnel needs a stream that both sides can send on.
        return Err(Malformed::InvalidPseudo(":method").into());
    }
    if let Some(len) = body_len {
        let content = Content::of_request(&facts);
        content.after_data(len, true).map_err(|error| error.on(UPGRADED))?;
    }
    Ok(facts)
}

fn decode_settings(payload: &[u8]) -> Result<Vec<Setting>, CommandError> {
    let invalid = |what: &'static str| CommandError::InvalidSetting(what.into());
    let length = u32::try_from(payload.len()).map_err(|_| invalid("too many entries"))?;
    let head = Head {
        length,
        kind: Kind::SETTINGS,
        flags: Flags::default(),
        stream_id: StreamId::CONNECTION,
    };
    match Frame::decode_payload(head, Bytes::copy_from_slice(payload)) {
        Ok(Frame::Settings(Settings { entries, .. })) => {
            if entries.len() > MAX_ENTRIES {
                return Err(invalid("too many entries in HTTP2-Settings"));
            }
            let mut before = SettingValues::default();
            for &entry in &entries {
                settings::check_sender(Role::Client, entry, &before, true).map_err(|rule| {
                    CommandError::InvalidSetting(format!("{entry} {rule}").into())
                })?;
                before.set(entry);
            }
            Ok(entries)
        }
        Ok(_) => Err(invalid("not the payload of SETTINGS")),
        Err(error) => Err(invalid(error.reason())),
    }
}
