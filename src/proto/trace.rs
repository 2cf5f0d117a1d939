//! Logs every frame, sent and received, as one readable line at `trace` level.

use std::fmt;

use super::config::Role;
use crate::frame::Head;
use crate::hpack::Headers;
use crate::logging::{self, FRAMES};

/// The direction of a frame.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Sent,
    Received,
}

/// The source of the log lines of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tracer {
    role: Role,
}

impl Tracer {
    pub(crate) fn new(role: Role) -> Self {
        Tracer { role }
    }

    pub(crate) fn frame(self, way: Way, frame: &dyn fmt::Display) {
        if logging::shows_frames() {
            logging::trace!(target: FRAMES, "{} {} {frame}", self.role.name(), way.name());
        }
    }

    /// Logs a received frame that is invalid, by its header.
    pub(crate) fn rejected(self, head: &Head, reason: &str) {
        if logging::shows_frames() {
            logging::trace!(target: FRAMES, "{} recv {head} invalid: {reason}", self.role.name());
        }
    }

    /// Logs a frame that ends a field block, with the fields.
    pub(crate) fn frame_with_fields(self, way: Way, frame: &dyn fmt::Display, headers: &Headers) {
        if logging::shows_frames() {
            let fields = Fields(headers);
            logging::trace!(target: FRAMES, "{} {} {frame} {fields}", self.role.name(), way.name());
        }
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Sent => "send",
            Way::Received => "recv",
        }
    }
}

/// Formats `{:method: GET, :path: /}`, with secrets masked whether or not they are marked.
struct Fields<'a>(&'a Headers);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, mut field) in self.0.iter().enumerate() {
            field.sensitive |= matches!(
                field.name,
                b"authorization" | b"proxy-authorization" | b"cookie" | b"set-cookie"
            );
            write!(f, "{}{field}", if index > 0 { ", " } else { "" })?;
        }
        f.write_str("}")
    }
}
