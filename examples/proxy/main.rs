//! A reverse proxy. It streams request and response at the same time, and handles clients and upstreams
//! that answer early, are slow, or disconnect.
//!
//! ```text
//! cargo run --release --example proxy -- [ADDRESS] [UPSTREAM] [SECONDS] [UPLOAD] [--tls [CERT KEY]]
//!
//! cargo run --release --example kitchen_sink -- 127.0.0.1:8081
//! cargo run --release --example proxy -- 127.0.0.1:8080 h2c://127.0.0.1:8081
//! curl --data-binary @README.md http://127.0.0.1:8080/echo
//! ```
//!
//! It serves HTTP/2 and HTTP/1.1 and forwards in either: `http://` is HTTP/1.1, `h2c://` HTTP/2, and
//! over `https://` both ends choose.
//!
//! # Threads
//!
//! The handler's thread opens the request, waits for the response, and copies it. A second thread
//! copies the body of the request meanwhile, so an upstream may answer before it has read the body,
//! or in turns with it. One more thread, for all requests, notices clients that have gone.
//!
//! ```text
//!            ┌── take_body ──▶ upload thread ──▶ SendHalf ────┐
//!   client ──┤                                                ├── upstream
//!            └── Response ◀─── handler's thread ◀─ ResponseHalf ┘
//! ```
//!
//! # Every wait ends
//!
//! | wait | ended by |
//! | --- | --- |
//! | for the upstream's response, or more of it | SECONDS after the upload, then 504; a reset or close, then 502 |
//! | for the client's body | the server's `read_timeout` for each part and UPLOAD for the whole, then 408; the end of the client |
//! | for room, at either end | `stall_timeout` |
//! | for a client that has gone | the watch, which cancels the request upstream |
//! | for a message of a WebSocket | a PING that is not answered: SECONDS without input, and once more |

#[path = "../shared/args.rs"]
mod args;
mod fields;
mod sockets;
mod upload;
mod watch;

use std::time::{Duration, Instant};

use args::Args;
use h2_sync::Error;
use h2_sync::client::{self, Client, RequestBuilder, ResponseHalf};
use h2_sync::http::Method;
use h2_sync::http::header::{CONTENT_LENGTH, HeaderMap};
use h2_sync::server::{self, Request, Response};
use upload::Upload;
use watch::Watch;

const HELP: &str = "\
Forwards all requests to a server, the upstream.

usage: proxy [ADDRESS] [UPSTREAM] [SECONDS] [UPLOAD] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    UPSTREAM         http://, h2c:// (HTTP/2 in cleartext) or https://; default http://127.0.0.1:8081
    SECONDS          how long the upstream may take for each part of a response, once it has the
                     body of the request, and either end for a PING of a WebSocket; default 60
    UPLOAD           how many seconds the client may take for the whole body of a request, during
                     which the upstream may wait for the rest; default 3600
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)
";

struct Proxy {
    client: Client,
    /// Scheme and authority.
    upstream: String,
    /// How long it may take for each part of a response.
    patience: Duration,
    watch: Watch,
}

/// The reason why a request is not answered by the upstream.
enum Failure {
    /// The upstream has failed: the client is told, if that is still possible.
    Upstream(Error),
    /// The client is gone, or the response cannot be passed on.
    Client(Error),
    /// The request cannot be passed on without the length of its body.
    LengthRequired,
}

fn main() {
    env_logger::init();
    let (args, [upstream, seconds, upload]) =
        Args::parse(HELP, ["http://127.0.0.1:8081", "60", "3600"]);
    let (Ok(seconds @ 1..), Ok(upload @ 1..)) = (seconds.parse(), upload.parse()) else {
        eprint!("{HELP}");
        std::process::exit(2);
    };
    let patience = Duration::from_secs(seconds);
    let proxy = Proxy::new(&upstream, patience).unwrap_or_else(|error| {
        eprintln!("{upstream}: {error}");
        std::process::exit(1);
    });
    let mut config = server::Config::default();
    // Browsers may open WebSockets over HTTP/2.
    config.websockets = true;
    // An upstream that never answers might otherwise get a body that never ends.
    config.body_timeout = Some(Duration::from_secs(upload));
    // Responses have the `server` of the upstream, or none.
    config.server_name = None;
    let handler =
        move |request: &mut Request, response: &mut Response| proxy.handle(request, response);
    args.serve(config, handler).wait();
}

impl Proxy {
    fn new(upstream: &str, patience: Duration) -> Result<Self, Error> {
        let mut config = client::Config::default();
        // Redirects, codings and cookies are for the client at the other end.
        config.max_redirects = 0;
        config.gzip = false;
        config.user_agent = None;
        // `http_proxy` in the environment is meant for clients of this machine.
        config.proxies = client::Proxies::Never;
        config.response_timeout = Some(patience);
        config.read_timeout = Some(patience);
        let upstream = match upstream.strip_prefix("h2c://") {
            Some(authority) => {
                config.prior_knowledge = true;
                format!("http://{authority}")
            }
            None => upstream.trim_end_matches('/').to_owned(),
        };
        let client = Client::with_config(config)?;
        client.get(&upstream).url()?;
        Ok(Proxy { client, upstream, patience, watch: Watch::start() })
    }

    fn handle(&self, request: &mut Request, response: &mut Response) -> Result<(), Error> {
        let forwarded = match *request.method() {
            _ if request.asks_to_upgrade("websocket") => sockets::forward(self, request, response),
            // A tunnel to any address is not what a reverse proxy is for.
            Method::CONNECT => return response.set_status(501),
            // Another protocol: without `upgrade`, the upstream answers in HTTP.
            _ => self.forward(request, response),
        };
        match forwarded {
            Ok(()) => Ok(()),
            Err(Failure::Client(error)) => Err(error),
            Err(Failure::LengthRequired) => response.set_status(411),
            Err(Failure::Upstream(error)) => {
                log::info!("{} {}: {error}", request.method(), request.path());
                let status = if error.is_timeout() { 504 } else { 502 };
                // Too late after a part of the response: then the error resets the stream.
                response.set_status(status).map_err(|_| error)?;
                response.headers_mut()?.clear();
                response.send("the server behind this proxy does not answer\n")
            }
        }
    }

    /// Forwards a request, and copies its response.
    fn forward(&self, request: &mut Request, response: &mut Response) -> Result<(), Failure> {
        let (upload, mut answer) = self.open(request)?;
        while let Some(interim) = self.wait(&upload, &mut answer, ResponseHalf::informational)? {
            match interim.status().as_u16() {
                100 => upload.go_on(),
                status => {
                    let fields = fields::of_response(&interim);
                    response.send_informational(status, &fields).map_err(Failure::Client)?;
                }
            }
        }
        let head = answer.response().map_err(Failure::Upstream)?;
        upload.is_answered();
        response.set_status(head.status()).map_err(Failure::Client)?;
        *response.headers_mut().map_err(Failure::Client)? = fields::of_response(&head);
        if !head.headers().contains_key(CONTENT_LENGTH) {
            // The body may be endless, as that of server-sent events: the client gets what there is.
            flush(response)?;
        }
        while let Some(chunk) = self.wait(&upload, &mut answer, ResponseHalf::next_chunk)? {
            response.send(chunk).map_err(Failure::Client)?;
            flush(response)?;
        }
        if let Some(trailers) = answer.trailers().map_err(Failure::Upstream)? {
            response.set_trailers(trailers);
        }
        Ok(())
    }

    /// Waits for a part of the response. The upstream's time begins when it has the body of the request:
    /// until then, it may need the rest, and the client may be slow.
    fn wait<T>(
        &self,
        upload: &Upload,
        answer: &mut ResponseHalf,
        next: impl Fn(&mut ResponseHalf) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let mut wait = self.patience;
        loop {
            answer.set_read_timeout(Some(wait));
            let began = Instant::now();
            match next(answer) {
                // Not where the connection has failed, for example by a PING without an answer.
                Err(error) if error.is_timeout() && began.elapsed() >= wait => {
                    let since = upload.ended().map_or(Duration::ZERO, |ended| ended.elapsed());
                    wait = self.patience.saturating_sub(since);
                    if wait.is_zero() {
                        return Err(Failure::Upstream(error));
                    }
                }
                Ok(part) => return Ok(part),
                // The stream is reset where the client's body is not complete.
                Err(error) => {
                    let failure = upload.failure().map(Failure::Client);
                    return Err(failure.unwrap_or(Failure::Upstream(error)));
                }
            }
        }
    }

    /// Opens the request at the upstream, and starts to upload its body.
    fn open(&self, request: &mut Request) -> Result<(Upload, ResponseHalf), Failure> {
        let mut fields = fields::of_request(request);
        let mut may_repeat = !request.has_body();
        let begun = upload::begin(request, &mut fields)?;
        loop {
            let mut out = self.request(request, &fields);
            let cancel = out.cancel_handle();
            match out.open() {
                Ok((send, answer)) => {
                    let watched = self.watch.add(request.caller(), cancel);
                    let upload = Upload::start(request, begun, send, watched);
                    return Ok((upload.map_err(Failure::Upstream)?, answer));
                }
                // The upstream has closed an idle connection at the same time.
                Err(error) if may_repeat && error.is_retry_safe() => may_repeat = false,
                Err(error) => return Err(Failure::Upstream(error)),
            }
        }
    }

    /// The request to the upstream, without a body.
    fn request(&self, request: &Request, fields: &HeaderMap) -> RequestBuilder<'_> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        // `*` is the target of a request without a path.
        let target = if target == "*" { "" } else { target };
        let url = format!("{}{target}", self.upstream);
        self.client.request(request.method().clone(), url).headers(fields.clone())
    }
}

fn flush(response: &mut Response) -> Result<(), Failure> {
    std::io::Write::flush(response).map_err(|error| Failure::Client(error.into()))
}
