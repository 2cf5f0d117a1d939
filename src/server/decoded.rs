//! Parts of a request, decoded: path, query, cookies, and bodies of forms and JSON.

use std::borrow::Cow;
use std::io::Read;

use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::request::Request;
use crate::error::Error;

const FORM: &str = "application/x-www-form-urlencoded";

impl Request {
    /// Returns the path, percent-decoded. `None` if it is not UTF-8 then.
    ///
    /// An encoded slash (`%2F`) becomes a slash too; [`path_segments`](Self::path_segments) keeps it
    /// within its segment.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     match request.decoded_path().as_deref() {
    ///         Some("/café") => response.send("open"), // requested as /caf%C3%A9
    ///         _ => response.set_status(404),
    ///     }
    /// }
    /// ```
    pub fn decoded_path(&self) -> Option<Cow<'_, str>> {
        percent_decode_str(self.path()).decode_utf8().ok()
    }

    /// Returns the segments of the path, each percent-decoded: those of `/notes/a%2Fb` are `notes`
    /// and `a/b`. Octets that are not UTF-8 become U+FFFD. The path `/` has one segment, which is
    /// empty, as is the last one of a path that ends in a slash.
    ///
    /// ```
    /// use std::borrow::Cow;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn route(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let segments: Vec<String> = request.path_segments().map(Cow::into_owned).collect();
    ///     let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    ///     match (request.method().as_str(), &segments[..]) {
    ///         ("GET" | "HEAD", ["authors", author, "books"]) => response.send(format!("books by {author}")),
    ///         _ => response.set_status(404),
    ///     }
    /// }
    ///
    /// let response = Request::builder().uri("/authors/L%C3%B6we%2FBerg/books").send_to(route)?;
    /// assert_eq!(response.text(), "books by Löwe/Berg");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn path_segments(&self) -> impl Iterator<Item = Cow<'_, str>> + '_ {
        let path = self.path();
        let segments = path.strip_prefix('/').unwrap_or(path).split('/');
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy())
    }

    /// Returns the parameters of the query in their order, decoded as HTML forms encode them: `+`
    /// is a space. Octets that are not UTF-8 become U+FFFD.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn search(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     for (name, value) in request.query_pairs() {
    ///         println!("{name} = {value}");
    ///     }
    ///     let words = request.query_value("q").unwrap_or_default().into_owned();
    ///     response.send(format!("searching for {words}"))
    /// }
    /// ```
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> + '_ {
        form_urlencoded::parse(self.query().unwrap_or_default().as_bytes())
    }

    /// Returns the first parameter of this name in the query, decoded like those of
    /// [`query_pairs`](Self::query_pairs).
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn page(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let number = request.query_value("page").and_then(|text| text.parse::<u32>().ok());
    ///     response.send(format!("page {}", number.unwrap_or(1)))
    /// }
    ///
    /// assert_eq!(Request::builder().uri("/?page=7").send_to(page)?.text(), "page 7");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Returns the names and values of the cookies, in their order (RFC 6265, Section 4.2). Values
    /// are as received; a pair without `=` is left out.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     match request.cookie("user").map(str::to_owned) {
    ///         Some(user) => response.send(format!("welcome back, {user}")),
    ///         None => {
    ///             response.append_header("set-cookie", "user=ada; HttpOnly; SameSite=Lax")?;
    ///             response.send("welcome")
    ///         }
    ///     }
    /// }
    /// ```
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        let pairs = self.field("cookie").unwrap_or_default().split(';');
        pairs.filter_map(|pair| pair.trim().split_once('='))
    }

    /// Returns the value of the first cookie of this name.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn language(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let language = request.cookie("lang").unwrap_or("en").to_owned();
    ///     response.send(language)
    /// }
    ///
    /// let request = Request::builder().header("cookie", "theme=dark; lang=fr");
    /// assert_eq!(request.send_to(language)?.text(), "fr");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Reads the body as the fields of an HTML form, in their order. Forms with files use another
    /// encoding: see [`multipart`](Self::multipart).
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn log_in(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let form = request.form()?;
    ///     let user = form.iter().find(|(name, _)| name == "user");
    ///     match user {
    ///         Some((_, user)) => response.send(format!("hello, {user}")),
    ///         None => response.set_status(422),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If `content-type` is not `application/x-www-form-urlencoded`; a handler that returns this
    /// error is answered with 415. And those of [`next_chunk`](Self::next_chunk), or if the body is
    /// larger than [`max_body`](super::Config::max_body), which is answered with 413.
    pub fn form(&mut self) -> Result<Vec<(String, String)>, Error> {
        let media_type = self.field("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(FORM) {
            let what = format!("the content-type of the request is {media_type:?}, not {FORM:?}");
            return Err(Error::content(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        let mut octets = Vec::new();
        self.read_to_end(&mut octets)?;
        Ok(form_urlencoded::parse(&octets).into_owned().collect())
    }

    /// Reads the body as JSON, whatever `content-type` says.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    /// use serde_json::{json, Value};
    ///
    /// fn sum(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let numbers: Vec<i64> = request.json()?;
    ///     response.json(&json!({ "sum": numbers.iter().sum::<i64>() }))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the body does not deserialize into `T`; a handler that returns this error is answered
    /// with 400. And those of [`next_chunk`](Self::next_chunk), or if the body is larger than
    /// [`max_body`](super::Config::max_body), which is answered with 413.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        let mut octets = Vec::new();
        self.read_to_end(&mut octets)?;
        serde_json::from_slice(&octets).map_err(|error| {
            let what = format!("the body is not the expected JSON: {error}");
            Error::content(StatusCode::BAD_REQUEST, what)
        })
    }
}
