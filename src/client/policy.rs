//! The caller's decisions about redirects.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode, Uri};

/// A redirect that the client is about to follow.
///
/// [`RedirectAction`] has an example.
#[derive(Debug)]
#[non_exhaustive]
pub struct Redirect<'a> {
    /// The URL of the request.
    pub from: &'a Uri,
    /// The URL in `location`, resolved.
    pub to: &'a Uri,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
    /// The header fields of the response.
    pub headers: &'a HeaderMap,
    /// The number of redirects followed so far for this request.
    pub count: u32,
}

/// A decision about a redirect.
///
/// ```
/// use h2_sync::client::{Redirect, RedirectAction, RedirectPolicy};
///
/// fn decide(redirect: &Redirect<'_>) -> RedirectAction {
///     println!("{} {} → {}", redirect.status, redirect.from, redirect.to);
///     match redirect.to.path() {
///         _ if redirect.count >= 3 => RedirectAction::Stop,
///         "/login" => RedirectAction::Fail("the session has expired".to_owned()),
///         _ => RedirectAction::Follow,
///     }
/// }
///
/// let policy = RedirectPolicy::new(decide);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectAction {
    /// Follow it.
    Follow,
    /// Do not follow it, and return the redirect itself as the response.
    Stop,
    /// Fail the request with this text ([`Error::is_redirect`](crate::Error::is_redirect)).
    Fail(String),
}

/// A function that decides about each redirect, for
/// [`Config::on_redirect`](super::Config::on_redirect).
///
/// It is called before the next request is sent, on the thread that sends it. It cannot allow
/// redirects that [`max_redirects`](super::Config::max_redirects) or
/// [`https_only`](super::Config::https_only) forbid.
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
    /// Returns a policy that calls a function.
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
