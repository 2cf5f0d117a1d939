//! The settings of both sides (RFC 9113, Section 6.5): in force, and on their way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::config::{Config, Role};
use super::error::CommandError;
use crate::frame::{Setting, DEFAULT_HEADER_TABLE_SIZE, DEFAULT_MAX_FRAME_SIZE, DEFAULT_WINDOW};

/// Until the peer's first SETTINGS says otherwise, so many streams are opened at most. RFC 9113,
/// Section 6.5.2 recommends that nobody announces less.
const CONCURRENT_STREAMS_AT_FIRST: u32 = 100;

/// Frames of ours that may wait for their acknowledgement.
const MAX_UNACKNOWLEDGED: usize = 16;

/// What the peer has told us.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// Octets of HPACK table that the peer keeps for us.
    pub header_table_size: u32,
    /// Whether the peer takes pushed streams.
    pub enable_push: bool,
    /// How many streams we may have open at once.
    pub max_concurrent_streams: u32,
    /// The window that a new stream of ours starts with.
    pub initial_window_size: u32,
    /// The largest payload that the peer takes.
    pub max_frame_size: u32,
    /// The largest field section that the peer takes, where it says so.
    pub max_header_list_size: Option<u32>,
    /// Whether the server takes extended CONNECT (RFC 8441).
    pub enable_connect_protocol: bool,
    /// Whether the peer has said that it ignores the priorities of RFC 7540 (RFC 9218).
    pub no_rfc7540_priorities: bool,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        RemoteSettings {
            header_table_size: DEFAULT_HEADER_TABLE_SIZE,
            enable_push: true,
            max_concurrent_streams: CONCURRENT_STREAMS_AT_FIRST,
            initial_window_size: DEFAULT_WINDOW,
            max_frame_size: DEFAULT_MAX_FRAME_SIZE,
            max_header_list_size: None,
            enable_connect_protocol: false,
            no_rfc7540_priorities: false,
        }
    }
}

/// What we have told the peer: in force once acknowledged.
#[derive(Debug)]
pub(crate) struct LocalSettings {
    /// In force, for new streams.
    pub(crate) initial_window_size: u32,
    /// In force.
    pub(crate) max_frame_size: u32,
    /// Announced: enforced at once, since a refused stream can be tried again.
    pub(crate) max_concurrent_streams: u32,
    /// Announced. See `push_forbidden` for when it is a rule.
    pub(crate) enable_push: bool,
    /// The peer has acknowledged that we take no pushed streams.
    pub(crate) push_forbidden: bool,
    /// Announced: a peer that uses it early does no harm.
    pub(crate) enable_connect_protocol: bool,
    /// In force.
    pub(crate) max_header_list_size: u32,
    sent: VecDeque<(Vec<Setting>, Instant)>,
}

impl LocalSettings {
    pub(crate) fn new(config: &Config) -> Self {
        LocalSettings {
            initial_window_size: DEFAULT_WINDOW,
            // A larger frame is harmless before the acknowledgement arrives.
            max_frame_size: config.max_frame_size,
            max_concurrent_streams: config.max_concurrent_streams,
            enable_push: config.enable_push,
            push_forbidden: false,
            enable_connect_protocol: config.enable_connect_protocol,
            max_header_list_size: config.max_header_list_size,
            sent: VecDeque::new(),
        }
    }

    /// Remembers a SETTINGS frame that goes out.
    pub(crate) fn announce(&mut self, settings: Vec<Setting>, now: Instant) {
        for setting in &settings {
            match *setting {
                Setting::MaxConcurrentStreams(n) => self.max_concurrent_streams = n,
                Setting::EnablePush(enable) => self.enable_push = enable,
                Setting::EnableConnectProtocol(enable) => self.enable_connect_protocol |= enable,
                Setting::MaxFrameSize(n) => self.max_frame_size = self.max_frame_size.max(n),
                Setting::MaxHeaderListSize(n) => {
                    self.max_header_list_size = self.max_header_list_size.max(n);
                }
                _ => {}
            }
        }
        self.sent.push_back((settings, now));
    }

    /// The oldest frame that waits for its acknowledgement has been acknowledged.
    pub(crate) fn acknowledged(&mut self) -> Option<Vec<Setting>> {
        self.sent.pop_front().map(|(settings, _)| settings)
    }

    pub(crate) fn can_announce(&self) -> bool {
        self.sent.len() < MAX_UNACKNOWLEDGED
    }

    /// When the oldest acknowledgement is overdue.
    pub(crate) fn deadline(&self, timeout: Option<Duration>) -> Option<Instant> {
        self.sent.front().and_then(|(_, at)| at.checked_add(timeout?))
    }
}

/// The first SETTINGS frame of a side: what differs from the RFC's initial values.
pub(crate) fn opening(role: Role, config: &Config) -> Vec<Setting> {
    let mut settings = Vec::with_capacity(8);
    if config.header_table_size != DEFAULT_HEADER_TABLE_SIZE {
        settings.push(Setting::HeaderTableSize(config.header_table_size));
    }
    match role {
        Role::Client => settings.push(Setting::EnablePush(config.enable_push)),
        Role::Server => {}
    }
    if role == Role::Server || config.enable_push {
        settings.push(Setting::MaxConcurrentStreams(config.max_concurrent_streams));
    }
    settings.push(Setting::InitialWindowSize(config.initial_window_size));
    if config.max_frame_size != DEFAULT_MAX_FRAME_SIZE {
        settings.push(Setting::MaxFrameSize(config.max_frame_size));
    }
    settings.push(Setting::MaxHeaderListSize(config.max_header_list_size));
    if role == Role::Server && config.enable_connect_protocol {
        settings.push(Setting::EnableConnectProtocol(true));
    }
    // RFC 9218, Section 2.1: we do not use the priorities of RFC 7540, and say so at once.
    settings.push(Setting::NoRfc7540Priorities(true));
    settings
}

/// Whether the application may announce these while the connection runs.
pub(crate) fn check(
    role: Role,
    settings: &[Setting],
    config: &Config,
    current: &LocalSettings,
) -> Result<(), CommandError> {
    if settings.len() > config.max_settings_entries {
        return Err(CommandError::InvalidSetting("too many entries in one frame"));
    }
    let mut connect_protocol = current.enable_connect_protocol;
    for setting in settings {
        let problem = match *setting {
            Setting::InitialWindowSize(n) if n > crate::frame::MAX_WINDOW => {
                Some("INITIAL_WINDOW_SIZE over 2^31-1")
            }
            Setting::MaxFrameSize(n)
                if !(DEFAULT_MAX_FRAME_SIZE..=crate::frame::MAX_MAX_FRAME_SIZE).contains(&n) =>
            {
                Some("MAX_FRAME_SIZE outside 2^14 to 2^24-1")
            }
            Setting::HeaderTableSize(n) if n > 1 << 20 => Some("HEADER_TABLE_SIZE over 1 MiB"),
            // The decoder was made for that much.
            Setting::MaxHeaderListSize(n) if n > config.max_header_list_size => {
                Some("MAX_HEADER_LIST_SIZE over what the connection was made with")
            }
            // RFC 9113, Section 6.5.2: a server must not send ENABLE_PUSH 1.
            Setting::EnablePush(true) if role == Role::Server => {
                Some("ENABLE_PUSH may only be switched on by a client")
            }
            // RFC 8441, Section 3: never back to 0.
            Setting::EnableConnectProtocol(false) if connect_protocol => {
                Some("ENABLE_CONNECT_PROTOCOL cannot be taken back")
            }
            Setting::EnableConnectProtocol(enable) => {
                // Also not within one frame, whose entries count one after the other.
                connect_protocol = enable;
                None
            }
            // Written as another, a known setting would slip past its rules.
            Setting::Unknown { id: 0x1..=0x6 | 0x8 | 0x9, .. } => {
                Some("a known setting in the shape of an unknown one")
            }
            // RFC 9218, Section 2.1: only in the first SETTINGS frame.
            Setting::NoRfc7540Priorities(false) => Some("NO_RFC7540_PRIORITIES cannot be changed"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(CommandError::InvalidSetting(problem));
        }
    }
    Ok(())
}
