//! The client: requests by URL, over connections that are kept.

use std::fmt;
use std::sync::Arc;

use http::{Method, Request};

use super::body::Body;
use super::config::Config;
use super::connection::Connection;
use super::engine::Engine;
use super::request::{set_url, RequestBuilder};
use super::response::Response;
use super::response_body::ResponseBody;
use super::url::IntoUrl;
use crate::error::Error;

/// Sends requests, from any number of threads, over connections that it keeps.
///
/// Cheap to clone; clones share the connections. When the last one is dropped, the connections go
/// away gracefully: responses whose bodies are still being read can be read to their end.
///
/// ```
/// use std::io::Write;
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
///
/// let server = Server::bind("127.0.0.1:0")?
///     .serve(|_: &mut Request, response: &mut Response| response.write_all(b"hello"))?;
/// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let response = client.get(&*url).timeout(Duration::from_secs(10)).send()?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.text()?, "hello");
///
/// let again = client.get(&*url).send()?;
/// assert!(again.facts().is_reused());
/// # drop((again, client));
/// # server.shutdown(Duration::from_secs(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
}

impl Client {
    /// A client with the defaults of [`Config`].
    ///
    /// # Errors
    ///
    /// None today: a variable that does not name a proxy fails the requests that would use it.
    pub fn new() -> Result<Self, Error> {
        Client::with_config(Config::default())
    }

    /// A client with settings of your own.
    ///
    /// # Errors
    ///
    /// A value of `config` is out of its range.
    pub fn with_config(config: Config) -> Result<Self, Error> {
        Ok(Client { engine: Arc::new(Engine::new(config)?) })
    }

    /// A GET request.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::GET, url)
    }

    /// A HEAD request.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::HEAD, url)
    }

    /// A POST request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::PUT, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::DELETE, url)
    }

    /// A PATCH request (RFC 5789).
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::PATCH, url)
    }

    /// An OPTIONS request. If the URL has no path, not even `/`, it is about the server as a whole
    /// (`*`; RFC 9110, Section 9.3.7).
    pub fn options(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::OPTIONS, url)
    }

    /// A request with any method. `url` is absolute: `http://…`, where HTTP/2 is spoken by prior
    /// knowledge (RFC 9113, Section 3.3), or `https://…`.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder<'_> {
        RequestBuilder::new(&self.engine, method, url)
    }

    /// Sends a request in the types of the `http` crate. The response has
    /// [`Facts`](super::Facts) among its extensions.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let request = http::Request::get("https://example.com/").body(()).unwrap();
    /// let response = Client::new()?.run(request)?;
    /// println!("{} {}", response.status(), response.into_body().text()?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RequestBuilder::send`].
    pub fn run<B: Into<Body>>(
        &self,
        request: Request<B>,
    ) -> Result<http::Response<ResponseBody>, Error> {
        let (mut parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        set_url(&mut parts, &url)?;
        self.engine.execute(parts, body.into(), None).map(Response::into_http)
    }

    /// What it was made with.
    pub fn config(&self) -> &Config {
        &self.engine.config
    }

    /// The connections that are open now, to all origins.
    pub fn connections(&self) -> Vec<Connection> {
        self.engine.pool.connections()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
