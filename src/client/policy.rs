//! What the caller has to say about redirects.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode, Uri};

/// A redirect that is about to be followed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Redirect<'a> {
    /// The URL that was asked for.
    pub from: &'a Uri,
    /// The URL that the response leads to.
    pub to: &'a Uri,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
    /// The header fields of the response.
    pub headers: &'a HeaderMap,
    /// How many redirects of this request have been followed before.
    pub count: u32,
}

/// What becomes of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectAction {
    /// It is followed.
    Follow,
    /// It is not followed; the redirect itself is the response.
    Stop,
    /// The request fails with this text ([`Error::is_redirect`](crate::Error::is_redirect)).
    Fail(String),
}

/// A function that decides about each redirect, for
/// [`Config::on_redirect`](super::Config::on_redirect).
///
/// It is called before the next request is sent, on the thread that sends it. Redirects that
/// [`max_redirects`](super::Config::max_redirects) or [`https_only`](super::Config::https_only) forbid
/// are refused in any case.
///
/// ```
/// use h2_sync::client::{Client, Config, RedirectAction, RedirectPolicy};
///
/// let mut config = Config::default();
/// config.on_redirect = Some(RedirectPolicy::new(|redirect| {
///     match redirect.to.host() == redirect.from.host() {
///         true => RedirectAction::Follow,
///         false => RedirectAction::Stop,
///     }
/// }));
/// let client = Client::with_config(config)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone)]
pub struct RedirectPolicy {
    decide: Arc<dyn Fn(&Redirect<'_>) -> RedirectAction + Send + Sync>,
}

impl RedirectPolicy {
    /// A policy by a function.
    pub fn new(decide: impl Fn(&Redirect<'_>) -> RedirectAction + Send + Sync + 'static) -> Self {
        RedirectPolicy { decide: Arc::new(decide) }
    }

    pub(super) fn decide(&self, redirect: &Redirect<'_>) -> RedirectAction {
        (self.decide)(redirect)
    }
}

impl fmt::Debug for RedirectPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectPolicy").finish_non_exhaustive()
    }
}
