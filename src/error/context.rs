//! What an error says of the request that it belongs to.

use std::io;

use http::Uri;

use super::{Cause, Error, Phase};

impl Error {
    /// The same error with the step in which it came up. The first one that is given stays.
    #[must_use]
    pub(crate) fn in_phase(mut self, phase: Phase) -> Self {
        self.context.get_or_insert_default().phase.get_or_insert(phase);
        self
    }

    /// The same error with the URL of the request, from which user and password are taken.
    #[must_use]
    pub(crate) fn with_url(mut self, url: &Uri) -> Self {
        self.context.get_or_insert_default().url.get_or_insert_with(|| without_userinfo(url));
        self
    }

    /// The same end of a connection, which came before the peer's SETTINGS. Tells so if the peer was
    /// the one that closed.
    #[must_use]
    pub(crate) fn before_settings(mut self) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let is_closed_by_peer = match &*self.cause {
            Cause::ClosedByPeer(None) => true,
            Cause::Transport(error) => matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ),
            _ => false,
        };
        if is_closed_by_peer {
            self.context.get_or_insert_default().is_before_settings = true;
        }
        self
    }

    /// The same error for a request of which nothing was sent, nor will be.
    #[must_use]
    pub(crate) fn unsent(mut self) -> Self {
        self.context.get_or_insert_default().is_unsent = true;
        self
    }

    /// The step of a client's request in which it came up; `None` for errors that do not belong to
    /// one. With [`is_timeout`](Self::is_timeout), what took too long.
    pub fn phase(&self) -> Option<Phase> {
        self.context.as_ref()?.phase
    }

    /// The URL of the request, without user, password and fragment, where it was an error of one.
    pub fn url(&self) -> Option<&str> {
        self.context.as_ref()?.url.as_deref()
    }

    /// The same error without its URL, for logs that must not have query strings in them.
    #[must_use]
    pub fn without_url(mut self) -> Self {
        if let Some(context) = &mut self.context {
            context.url = None;
        }
        self
    }
}

/// A URL that can be shown.
fn without_userinfo(url: &Uri) -> String {
    let text = url.to_string();
    match url.authority().and_then(|authority| authority.as_str().rsplit_once('@')) {
        Some((userinfo, _)) => text.replacen(&format!("{userinfo}@"), "", 1),
        None => text,
    }
}
