//! Validation of a [`Config`].

use std::fmt;
use std::time::Duration;

use super::config::Config;
use super::settings;
use crate::budget::Budget;
use crate::frame::MAX_WINDOW;

/// Maximum size of an HPACK table.
const MAX_TABLE: usize = 1 << 20;

/// Maximum streams remembered: each takes up to eight octets, on both sides.
const MAX_REMEMBERED: u32 = 1 << 20;

const AT_MOST_MAX_WINDOW: &str = "must be at most 2^31-1 (RFC 9113, Section 6.9.1)";

/// A value in a [`Config`] that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    rule: &'static str,
}

impl ConfigError {
    /// Returns an error for a field with the rule it violates, which starts with "must".
    pub(crate) const fn new(field: &'static str, rule: &'static str) -> Self {
        ConfigError { field, rule }
    }

    /// Returns the name of the field.
    pub fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config: `{}` {}", self.field, self.rule)
    }
}

impl std::error::Error for ConfigError {}

/// Returns an error for the first rule that does not hold. A rule consists of whether it holds, the
/// field, and what its value must be.
pub(crate) fn check(
    rules: impl IntoIterator<Item = (bool, &'static str, &'static str)>,
) -> Result<(), ConfigError> {
    match rules.into_iter().find(|(holds, ..)| !holds) {
        Some((_, field, rule)) => Err(ConfigError::new(field, rule)),
        None => Ok(()),
    }
}

/// The rule for timeouts.
pub(crate) const ABOVE_ZERO: &str = "must be greater than zero";

/// Whether a timeout is longer than zero or disabled.
pub(crate) fn leaves_time(deadline: impl Into<Option<Duration>>) -> bool {
    deadline.into() != Some(Duration::ZERO)
}

impl Config {
    /// Checks every field. The constructors of connections, servers and clients call it.
    ///
    /// # Errors
    ///
    /// The first field that is out of its range, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_settings()?;
        self.check_counts()?;
        self.check_budgets()?;
        self.check_deadlines()
    }

    fn check_settings(&self) -> Result<(), ConfigError> {
        for (field, setting) in settings::configured(self) {
            settings::own_range(setting).map_err(|rule| ConfigError::new(field, rule))?;
        }
        check([
            (
                (65_535..=MAX_WINDOW).contains(&self.connection_window_size),
                "connection_window_size",
                "must be 65,535 to 2^31-1: a connection starts with 65,535 and can only grow \
                 (RFC 9113, Section 6.9.2)",
            ),
            (self.max_window_size <= MAX_WINDOW, "max_window_size", AT_MOST_MAX_WINDOW),
            (self.window_budget <= MAX_WINDOW, "window_budget", AT_MOST_MAX_WINDOW),
            (
                self.max_header_list_size >= 1_024,
                "max_header_list_size",
                "must be at least 1,024: less refuses ordinary requests",
            ),
        ])
    }

    fn check_counts(&self) -> Result<(), ConfigError> {
        let least = "must be at least 1";
        check([
            (self.max_fields >= 8, "max_fields", "must be at least 8"),
            (
                self.max_continuations >= 1,
                "max_continuations",
                "must be at least 1: a large field section does not fit into one frame",
            ),
            (
                self.encoder_table_cap <= MAX_TABLE,
                "encoder_table_cap",
                "must be at most 1 MiB: every connection may hold that much",
            ),
            (self.max_settings_entries >= 1, "max_settings_entries", least),
            (self.max_pending_acks >= 1, "max_pending_acks", least),
            (self.max_informational >= 1, "max_informational", least),
            (
                (1..=MAX_REMEMBERED).contains(&self.remembered_streams),
                "remembered_streams",
                "must be 1 to 2^20: every connection may hold eight octets for each, twice",
            ),
            (self.max_send_buffer >= 1, "max_send_buffer", least),
            (self.max_stream_send_buffer >= 1, "max_stream_send_buffer", least),
        ])
    }

    fn check_budgets(&self) -> Result<(), ConfigError> {
        let rule = "must have a burst of at least 1";
        let allows_one = |budget: Budget| budget.burst >= 1;
        check([
            (allows_one(self.resets_received), "resets_received", rule),
            (allows_one(self.resets_provoked), "resets_provoked", rule),
            (allows_one(self.glitches), "glitches", rule),
            (allows_one(self.pings_received), "pings_received", rule),
            (
                self.settings_received.burst >= 2,
                "settings_received",
                "must have a burst of at least 2: the peer's SETTINGS, and its acknowledgement of ours",
            ),
        ])
    }

    fn check_deadlines(&self) -> Result<(), ConfigError> {
        let rule = ABOVE_ZERO;
        check([
            (leaves_time(self.handshake_timeout), "handshake_timeout", rule),
            (leaves_time(self.settings_timeout), "settings_timeout", rule),
            (leaves_time(self.header_timeout), "header_timeout", rule),
            (leaves_time(self.idle_timeout), "idle_timeout", rule),
            (leaves_time(self.stall_timeout), "stall_timeout", rule),
            (leaves_time(self.keepalive_interval), "keepalive_interval", rule),
            (leaves_time(self.keepalive_timeout), "keepalive_timeout", rule),
        ])
    }
}
