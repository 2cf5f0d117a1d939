//! The body of a request under construction.

use std::fmt;

use http::header::{CONTENT_TYPE, EXPECT, HeaderValue};

use super::body::Body;
use super::multipart::Multipart;
use super::request::{RequestBuilder, urlencoded};
use crate::error::Error;

impl RequestBuilder<'_> {
    /// Sets the body.
    ///
    /// ```no_run
    /// use h2_sync::client::{Body, Client};
    ///
    /// let client = Client::new()?;
    /// let text = client.post("https://example.com/").body("hello").send()?;
    /// let piped = client.post("https://example.com/").body(Body::from_reader(std::io::stdin()));
    /// piped.send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a body of form fields, and `content-type: application/x-www-form-urlencoded`.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// client.post("https://example.com/login").form([("user", "a"), ("remember", "yes")]).send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn form<N: AsRef<str>, V: fmt::Display>(
        self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let text = urlencoded(fields);
        self.content("application/x-www-form-urlencoded").body(text)
    }

    /// Sets a multipart body, and its `content-type`.
    ///
    /// ```no_run
    /// use h2_sync::client::{Client, Multipart};
    ///
    /// let client = Client::new()?;
    /// let form = Multipart::new().text("title", "A cat").file("photo", "cat.jpg", "image/jpeg")?;
    /// client.post("https://example.com/upload").multipart(form).send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn multipart(self, form: Multipart) -> Self {
        let kind = form.content_type();
        self.content(&kind).body(form.into_body())
    }

    /// Sets a JSON body, and its `content-type`.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    /// use serde_json::json;
    ///
    /// let client = Client::new()?;
    /// client.post("https://example.com/items").json(&json!({ "name": "tea" })).send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(octets) => self.content("application/json").body(octets),
            Err(error) => {
                self.with(|_| Err(Error::usage(format!("the value does not serialize: {error}"))))
            }
        }
    }

    /// Lets the server check the header section before the body is sent (RFC 9110, Section 10.1.1).
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// // A server that rejects it responds before the file is sent.
    /// let file = std::fs::File::open("large.iso")?;
    /// let request = client.put("https://example.com/large.iso").expect_continue().body(file);
    /// println!("{}", request.send()?.status());
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn expect_continue(self) -> Self {
        self.with(|parts| {
            parts.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            Ok(())
        })
    }

    /// Sets `content-type` unless it is set already.
    fn content(self, kind: &str) -> Self {
        self.with(|parts| {
            let kind = HeaderValue::from_str(kind);
            let kind = kind.map_err(|_| Error::usage("invalid content type"))?;
            parts.headers.entry(CONTENT_TYPE).or_insert(kind);
            Ok(())
        })
    }
}
