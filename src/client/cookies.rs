//! Cookies (RFC 6265).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::{CookieStore, RawCookie};
use http::Uri;
use http::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// A cookie store for [`Config::cookies`](super::Config::cookies). Clones share it.
///
/// Cookies are sent to the hosts and paths they were set for, and `secure` ones only over
/// `https://`. A request that sets `cookie` itself gets none from the jar. The jar has no public
/// suffix list: a host below `example.co.uk` can set a cookie for all of `co.uk`.
///
/// ```
/// use h2_sync::client::{Client, Config, CookieJar};
///
/// let jar = CookieJar::new();
/// let mut config = Config::default();
/// config.cookies = Some(jar.clone());
/// let client = Client::with_config(config)?;
/// assert_eq!(jar.get("https://example.com/", "session"), None);
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CookieJar {
    store: Arc<Mutex<CookieStore>>,
}

impl CookieJar {
    /// Returns an empty jar.
    pub fn new() -> Self {
        CookieJar::default()
    }

    /// Returns the value of the cookie `name` in a request to `url`.
    pub fn get(&self, url: &str, name: &str) -> Option<String> {
        let url = Url::parse(url).ok()?;
        let store = self.lock();
        let mut cookies = store.get_request_values(&url);
        cookies.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
    }

    /// Removes all cookies.
    ///
    /// ```
    /// use h2_sync::client::CookieJar;
    ///
    /// let jar = CookieJar::new();
    /// jar.clear(); // to log out, for example
    /// ```
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the `cookie` field of a request.
    pub(super) fn field(&self, url: &Uri) -> Option<String> {
        let url = Url::parse(&url.to_string()).ok()?;
        let store = self.lock();
        let pairs = store.get_request_values(&url).map(|(name, value)| format!("{name}={value}"));
        let field = pairs.collect::<Vec<_>>().join("; ");
        Some(field).filter(|field| !field.is_empty())
    }

    /// Stores the cookies that a response sets.
    pub(super) fn keep(&self, headers: &HeaderMap, url: &Uri) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let Ok(url) = Url::parse(&url.to_string()) else { return };
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.filter_map(|text| RawCookie::parse(text.to_owned()).ok());
        self.lock().store_response_cookies(cookies, &url);
    }

    fn lock(&self) -> MutexGuard<'_, CookieStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hides the values.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar").field("len", &self.lock().iter_any().count()).finish()
    }
}
