//! The settings of both sides (RFC 9113, Section 6.5): their values, which may be announced, and
//! which are in force.
//!
//! Each setting appears in four places here, and its effect on the connection elsewhere:
//! [`SettingValues`] stores it, [`configured`] takes it from the configuration, `own_range` limits
//! what this side announces, and [`check_sender`] has the rules of both sides. Decoding the frame
//! has checked the ranges of the RFCs.

use std::collections::VecDeque;
use std::time::Instant;

use super::config::{Config, Role};
use super::error::CommandError;
use crate::frame::{
    DEFAULT_HEADER_TABLE_SIZE, DEFAULT_MAX_FRAME_SIZE, DEFAULT_WINDOW, MAX_MAX_FRAME_SIZE,
    MAX_WINDOW, Setting,
};

/// Maximum streams opened before the peer's first SETTINGS. RFC 9113, Section 6.5.2, recommends
/// announcing at least this many.
const CONCURRENT_STREAMS_AT_FIRST: u32 = 100;

/// Maximum unacknowledged SETTINGS frames of this side.
const MAX_UNACKNOWLEDGED: usize = 16;

/// Maximum size of an HPACK table.
const MAX_TABLE: u32 = 1 << 20;

/// Maximum size of a field section: it is held as a whole, and limits are multiples of it.
const MAX_SECTION: u32 = 64 << 20;

/// The settings that one side has announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingValues {
    /// Size in octets of the HPACK table that this side decodes with.
    pub header_table_size: u32,
    /// Whether this side accepts pushed streams.
    pub enable_push: bool,
    /// How many streams the other side may have open; 100 until the peer has announced its limit.
    pub max_concurrent_streams: u32,
    /// The initial window of a stream.
    pub initial_window_size: u32,
    /// The largest payload that this side accepts.
    pub max_frame_size: u32,
    /// The largest field section that this side accepts, if it has announced a limit.
    pub max_header_list_size: Option<u32>,
    /// Whether a server supports extended CONNECT (RFC 8441).
    pub enable_connect_protocol: bool,
    /// Whether this side has announced that it ignores the priorities of RFC 7540 (RFC 9218).
    pub no_rfc7540_priorities: bool,
}

impl Default for SettingValues {
    /// Returns the initial values of the RFCs.
    fn default() -> Self {
        SettingValues {
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

impl SettingValues {
    /// Applies a setting. Unknown settings are ignored (RFC 9113, Section 6.5.2).
    pub(super) fn set(&mut self, setting: Setting) {
        match setting {
            Setting::HeaderTableSize(size) => self.header_table_size = size,
            Setting::EnablePush(enable) => self.enable_push = enable,
            Setting::MaxConcurrentStreams(max) => self.max_concurrent_streams = max,
            Setting::InitialWindowSize(size) => self.initial_window_size = size,
            Setting::MaxFrameSize(size) => self.max_frame_size = size,
            Setting::MaxHeaderListSize(size) => self.max_header_list_size = Some(size),
            Setting::EnableConnectProtocol(enable) => self.enable_connect_protocol = enable,
            Setting::NoRfc7540Priorities(ignored) => self.no_rfc7540_priorities = ignored,
            Setting::Unknown { .. } => {}
        }
    }
}

/// Checks that `sender` may announce this after `before`. The error completes "must not".
pub(super) fn check_sender(
    sender: Role,
    setting: Setting,
    before: &SettingValues,
    is_first_frame: bool,
) -> Result<(), &'static str> {
    match setting {
        // RFC 9113, Section 6.5.2: a server must not set it to a value other than 0.
        Setting::EnablePush(true) if sender == Role::Server => Err("must not come from a server"),
        // RFC 8441, Section 3: never 0 after 1.
        Setting::EnableConnectProtocol(false) if before.enable_connect_protocol => {
            Err("must not follow 1")
        }
        // RFC 9218, Section 2.1: it must not change after the first SETTINGS frame.
        Setting::NoRfc7540Priorities(ignored)
            if !is_first_frame && ignored != before.no_rfc7540_priorities =>
        {
            Err("must not change after the first SETTINGS")
        }
        _ => Ok(()),
    }
}

/// Returns all settings of a configuration with the names of their fields.
pub(super) fn configured(config: &Config) -> [(&'static str, Setting); 8] {
    [
        ("header_table_size", Setting::HeaderTableSize(config.header_table_size)),
        ("enable_push", Setting::EnablePush(config.enable_push)),
        ("max_concurrent_streams", Setting::MaxConcurrentStreams(config.max_concurrent_streams)),
        ("initial_window_size", Setting::InitialWindowSize(config.initial_window_size)),
        ("max_frame_size", Setting::MaxFrameSize(config.max_frame_size)),
        ("max_header_list_size", Setting::MaxHeaderListSize(config.max_header_list_size)),
        ("enable_connect_protocol", Setting::EnableConnectProtocol(config.enable_connect_protocol)),
        // RFC 9218, Section 2.1: the priorities of RFC 7540 are not used, which is announced at
        // once.
        ("", Setting::NoRfc7540Priorities(true)),
    ]
}

/// Returns the first SETTINGS frame of a side: what differs from the RFC's initial values.
pub(super) fn opening(role: Role, config: &Config) -> Vec<Setting> {
    let differs = |setting| {
        let mut values = SettingValues::default();
        values.set(setting);
        values != SettingValues::default()
    };
    let is_told = |setting: &Setting| match *setting {
        // Always, since some servers push without it.
        Setting::EnablePush(_) => role == Role::Client,
        // The initial value is unlimited.
        Setting::MaxConcurrentStreams(_) => role == Role::Server || config.enable_push,
        Setting::EnableConnectProtocol(enable) => role == Role::Server && enable,
        setting => differs(setting),
    };
    configured(config).into_iter().map(|(_, setting)| setting).filter(is_told).collect()
}

/// Checks the range of a value that this side announces. The error completes "must be".
pub(super) fn own_range(setting: Setting) -> Result<(), &'static str> {
    match setting {
        Setting::HeaderTableSize(size) if size > MAX_TABLE => {
            Err("must be at most 1 MiB: every connection may hold that much")
        }
        Setting::InitialWindowSize(size) if !(1..=MAX_WINDOW).contains(&size) => Err(
            "must be 1 to 2^31-1 (RFC 9113, Section 6.5.2): with 0 no stream could ever receive",
        ),
        Setting::MaxFrameSize(size)
            if !(DEFAULT_MAX_FRAME_SIZE..=MAX_MAX_FRAME_SIZE).contains(&size) =>
        {
            Err("must be 2^14 to 2^24-1 (RFC 9113, Section 6.5.2)")
        }
        Setting::MaxHeaderListSize(size) if size > MAX_SECTION => Err("must be at most 64 MiB"),
        // As `Unknown`, a known setting would bypass its rules.
        Setting::Unknown { id: 0x1..=0x6 | 0x8 | 0x9, .. } => {
            Err("must not have the number of a known setting")
        }
        _ => Ok(()),
    }
}

/// Checks that the application may announce these on a running connection.
pub(super) fn check(
    role: Role,
    settings: &[Setting],
    config: &Config,
    local: &LocalSettings,
) -> Result<(), CommandError> {
    if settings.len() > config.max_settings_entries {
        return Err(CommandError::InvalidSetting("too many entries in one frame".into()));
    }
    let mut before = local.announced.clone();
    for &setting in settings {
        let made_for = match setting {
            Setting::MaxHeaderListSize(size) if size > config.max_header_list_size => {
                Err("must be at most what the connection was made with")
            }
            _ => Ok(()),
        };
        own_range(setting)
            .and(made_for)
            .and_then(|()| check_sender(role, setting, &before, false))
            .map_err(|rule| CommandError::InvalidSetting(format!("{setting} {rule}").into()))?;
        // The entries of one frame apply one after the other.
        before.set(setting);
    }
    Ok(())
}

/// The settings of this side.
#[derive(Debug)]
pub(crate) struct LocalSettings {
    announced: SettingValues,
    /// The acknowledged values.
    in_force: SettingValues,
    sent: VecDeque<(Vec<Setting>, Instant)>,
}

impl LocalSettings {
    pub(crate) fn new(config: &Config) -> Self {
        let mut announced = SettingValues::default();
        configured(config).into_iter().for_each(|(_, setting)| announced.set(setting));
        LocalSettings { announced, in_force: SettingValues::default(), sent: VecDeque::new() }
    }

    /// Returns the initial window of streams.
    pub(crate) fn initial_window_size(&self) -> u32 {
        self.in_force.initial_window_size
    }

    /// Effective before the acknowledgment: a larger frame is harmless.
    pub(crate) fn max_frame_size(&self) -> u32 {
        self.in_force.max_frame_size.max(self.announced.max_frame_size)
    }

    /// Enforced before the acknowledgment: a refused stream can be retried.
    pub(crate) fn max_concurrent_streams(&self) -> usize {
        self.announced.max_concurrent_streams as usize
    }

    /// Whether promises are accepted. If not, one is an error only if
    /// [`push_forbidden`](Self::push_forbidden) is `true`.
    pub(crate) fn enable_push(&self) -> bool {
        self.announced.enable_push
    }

    /// Whether the peer has acknowledged that push is disabled.
    pub(crate) fn push_forbidden(&self) -> bool {
        !self.in_force.enable_push
    }

    /// Effective before the acknowledgment: using it early is harmless.
    pub(crate) fn enable_connect_protocol(&self) -> bool {
        self.announced.enable_connect_protocol
    }

    /// A lower limit takes effect with the acknowledgment.
    pub(crate) fn max_header_list_size(&self) -> u32 {
        self.in_force
            .max_header_list_size
            .max(self.announced.max_header_list_size)
            .unwrap_or(u32::MAX)
    }

    /// Records a SETTINGS frame being sent.
    pub(crate) fn announce(&mut self, settings: Vec<Setting>, now: Instant) {
        settings.iter().for_each(|&setting| self.announced.set(setting));
        self.sent.push_back((settings, now));
    }

    /// Removes and returns the oldest unacknowledged frame, which the peer has acknowledged, and
    /// when it was queued.
    pub(crate) fn acknowledged(&mut self) -> Option<(Vec<Setting>, Instant)> {
        self.sent.pop_front()
    }

    /// Applies a setting that the peer knows.
    pub(crate) fn put_in_force(&mut self, setting: Setting) {
        self.in_force.set(setting);
    }

    pub(crate) fn can_announce(&self) -> bool {
        self.sent.len() < MAX_UNACKNOWLEDGED
    }

    /// Returns when the oldest unacknowledged frame was queued.
    pub(crate) fn unacknowledged_since(&self) -> Option<Instant> {
        self.sent.front().map(|&(_, at)| at)
    }
}
