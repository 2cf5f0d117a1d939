//! Connections that start as HTTP/1.1: the `Upgrade` to `h2c` of RFC 7540, Section 3.2, which RFC
//! 9113, Section 3.1, has deprecated and which curl and others still use.
//!
//! The HTTP/1.1 request becomes stream 1, half-closed by its sender, and the response is sent on
//! that stream. The client's SETTINGS are sent twice: in the request, where `101 Switching
//! Protocols` acknowledges them, and in its preface, as by any client.
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
//! These are commands for a fresh connection. The caller reads and writes the HTTP/1.1 messages;
//! `h2_sync::upgrade` does so.

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
use crate::frame::{Flags, Frame, Head, Kind, PREFACE, Setting, Settings, StreamId};
use crate::hpack::Headers;
use crate::logging;

/// Maximum entries in HTTP2-Settings. Not part of [`Config`], so that a check before the connection
/// exists agrees with that of the connection.
const MAX_ENTRIES: usize = 32;

/// RFC 7540, Section 3.2: the upgrade request has stream identifier 1.
const UPGRADED: StreamId = StreamId::from_wire(1);

impl Config {
    /// Returns the payload of the first SETTINGS of a client with this configuration, which the
    /// `HTTP2-Settings` field of its request contains in base64url (RFC 7540, Section 3.2.1).
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
    /// Checks what [`accept_upgrade`](Self::accept_upgrade) would reject in a request, before a
    /// connection exists, so that a server can still answer in HTTP/1.1.
    ///
    /// `body_len` is the length of the request's body, if known.
    ///
    /// # Errors
    ///
    /// [`Malformed`](CommandError::Malformed) for the request (CONNECT cannot upgrade),
    /// [`ContentLength`](CommandError::ContentLength) if it contradicts the body, and
    /// [`InvalidSetting`](CommandError::InvalidSetting) if the payload is not that of a SETTINGS
    /// frame.
    pub fn check_upgrade(
        request: &Headers,
        body_len: Option<usize>,
        settings_payload: &[u8],
    ) -> Result<(), CommandError> {
        check_request(request, body_len)?;
        decode_settings(settings_payload).map(drop)
    }

    /// Accepts an upgrade: the request received over HTTP/1.1 becomes stream 1, half-closed
    /// (remote). It must be a server's first command, before anything is received.
    ///
    /// `settings_payload` is the content of `HTTP2-Settings`, decoded from base64url. It takes
    /// effect like a SETTINGS frame, without an acknowledgment, which is the 101 response (RFC
    /// 7540, Section 3.2.1). The request is reported as [`Event::Headers`] and its body as
    /// [`Event::Data`], to be [released](Self::release) like any other, although it is not subject
    /// to flow control.
    ///
    /// The request is treated like any other: if its field section exceeds
    /// [`max_header_list_size`](Config::max_header_list_size) it is answered with 431, without an
    /// event.
    ///
    /// SETTINGS are the first frame sent, before any response. The client still sends its preface,
    /// so [`skip_preface`](Config::skip_preface) must be `false`.
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
        // Both have been checked. If they failed anyway, the connection would end with GOAWAY, as
        // for anything the peer sends.
        let result = self
            .apply_upgrade_settings(entries, now)
            .and_then(|()| self.receive_section(section, now));
        match result {
            Ok(()) => self.receive_upgrade_body(body),
            Err(error) => drop(self.fail(error)),
        }
        Ok(())
    }

    /// Starts a connection with an upgraded request: the request sent over HTTP/1.1 becomes stream
    /// 1, half-closed (local), and the response arrives on it. It must be a client's first command
    /// after `101 Switching Protocols`, before anything is received or opened. The next stream is
    /// 3.
    ///
    /// This client's settings are in force for the server from now on, without an acknowledgment.
    /// They are sent again in the preface, which must follow the request, so
    /// [`skip_preface`](Config::skip_preface) must be `false`.
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

    /// Returns the payload of the `HTTP2-Settings` field, to be encoded in base64url: that of
    /// [`Config::upgrade_settings`] for this connection's configuration.
    pub fn upgrade_settings(&self) -> Vec<u8> {
        self.config.upgrade_settings()
    }

    /// Checks that the connection has not been used yet.
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

    /// Applies the settings of the request like a SETTINGS frame, without an acknowledgment (RFC
    /// 7540, Section 3.2.1). The preface must still follow.
    fn apply_upgrade_settings(
        &mut self,
        entries: Vec<Setting>,
        now: Instant,
    ) -> Result<(), super::ConnectionError> {
        // Replaces the conservative assumption with the initial value.
        self.remote.max_concurrent_streams = u32::MAX;
        self.apply_all(&entries, now)?;
        self.events.push_loose(Event::SettingsChanged { settings: entries });
        Ok(())
    }

    fn receive_upgrade_body(&mut self, body: Bytes) {
        // The stream does not exist if it was refused or answered at once.
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
