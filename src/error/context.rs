//! The request that an error belongs to.

use std::io;

use http::Uri;

use super::{Cause, Error, Phase};

impl Error {
    /// Adds the step of the request in which the error occurred, unless there is one already.
    #[must_use]
    pub(crate) fn in_phase(mut self, phase: Phase) -> Self {
        self.context.get_or_insert_default().phase.get_or_insert(phase);
        self
    }

    /// Adds the URL of the request, without user and password.
    #[must_use]
    pub(crate) fn with_url(mut self, url: &Uri) -> Self {
        self.context.get_or_insert_default().url.get_or_insert_with(|| without_userinfo(url));
        self
    }

    /// Adds the step and the URL of a request. Without a URL, the caller of this half adds both.
    #[must_use]
    pub(crate) fn of_request(self, phase: Phase, url: Option<&Uri>) -> Self {
        match url {
            Some(url) => self.in_phase(phase).with_url(url),
            None => self,
        }
    }

    /// Marks the end of a connection as earlier than the peer's SETTINGS. The text says so if the
    /// peer has closed it.
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

    /// Marks the error as one of a request of which nothing was or will be sent.
    #[must_use]
    pub(crate) fn unsent(mut self) -> Self {
        self.context.get_or_insert_default().is_unsent = true;
        self
    }

    /// Returns the step of a client's request in which the error occurred; `None` for other errors.
    /// With [`is_timeout`](Self::is_timeout), it is the step that took too long.
    pub fn phase(&self) -> Option<Phase> {
        self.context.as_ref()?.phase
    }

    /// Returns the URL of the request, without user, password and fragment, for an error of one.
    pub fn url(&self) -> Option<&str> {
        self.context.as_ref()?.url.as_deref()
    }

    /// Removes the URL, for logs that must not contain query strings.
    #[must_use]
    pub fn without_url(mut self) -> Self {
        if let Some(context) = &mut self.context {
            context.url = None;
        }
        self
    }
}

/// Formats a URL without user and password.
fn without_userinfo(url: &Uri) -> String {
    let text = url.to_string();
    match url.authority().and_then(|authority| authority.as_str().rsplit_once('@')) {
        Some((userinfo, _)) => text.replacen(&format!("{userinfo}@"), "", 1),
        None => text,
    }
}
