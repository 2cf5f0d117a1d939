//! Routing with the crate `matchit`: the server has no router of its own.
//! It shows how routes, captured parts of paths and shared state reach a handler.
//!
//! ```text
//! cargo run --example router -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge --data 'buy milk' http://127.0.0.1:8080/notes
//! curl --http2-prior-knowledge http://127.0.0.1:8080/notes/1
//! curl --http2-prior-knowledge -X DELETE http://127.0.0.1:8080/notes/1
//! ```

#[path = "shared/args.rs"]
mod args;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};

use args::Args;
use h2_sync::server::{Config, Request, Response};
use http::Method;
use matchit::{Params, Router};

const HELP: &str = "\
Keeps notes: POST /notes, GET /notes, GET and DELETE /notes/ID.

usage: router [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)
";

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// A handler that also gets the parameters that the router found in the path.
type Handler = fn(&Notes, &Params<'_, '_>, &mut Request, &mut Response) -> Result;

/// The state shared by the handlers, which run on many threads.
#[derive(Default)]
struct Notes(Mutex<BTreeMap<u64, String>>);

fn main() -> Result {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);

    // The methods of each path.
    let mut routes: Router<&[(Method, Handler)]> = Router::new();
    routes.insert("/notes", &[(Method::GET, list), (Method::POST, add)])?;
    routes.insert("/notes/{id}", &[(Method::GET, show), (Method::DELETE, remove)])?;

    let notes = Notes::default();
    let handler = move |request: &mut Request, response: &mut Response| {
        let path = request.path().to_owned();
        let Ok(route) = routes.at(&path) else { return Ok(response.set_status(404)?) };
        let method = request.method().clone();
        // RFC 9110, Section 9.3.2: HEAD is GET without the body, which the server omits.
        let wanted = if method == Method::HEAD { &Method::GET } else { &method };
        match route.value.iter().find(|(method, _)| method == wanted) {
            Some((_, handler)) => handler(&notes, &route.params, request, response),
            None => {
                let allowed: Vec<_> =
                    route.value.iter().map(|(method, _)| method.as_str()).collect();
                response.set_header("allow", allowed.join(", "))?;
                Ok(response.set_status(405)?)
            }
        }
    };
    args.serve(Config::default(), handler).wait();
    Ok(())
}

fn list(notes: &Notes, _: &Params<'_, '_>, _: &mut Request, response: &mut Response) -> Result {
    response.set_header("content-type", "text/plain; charset=utf-8")?;
    for (id, note) in &*notes.lock() {
        writeln!(response, "{id}: {note}")?;
    }
    Ok(())
}

fn add(
    notes: &Notes,
    _: &Params<'_, '_>,
    request: &mut Request,
    response: &mut Response,
) -> Result {
    let mut note = String::new();
    // A body over `max_body` is an error, which the server answers with 413.
    request.read_to_string(&mut note)?;
    let mut notes = notes.lock();
    let id = notes.last_key_value().map_or(1, |(id, _)| id + 1);
    notes.insert(id, note);
    response.set_status(201)?;
    response.set_header("location", format!("/notes/{id}"))?;
    Ok(())
}

fn show(
    notes: &Notes,
    params: &Params<'_, '_>,
    _: &mut Request,
    response: &mut Response,
) -> Result {
    let note = id(params).and_then(|id| notes.lock().get(&id).cloned());
    let Some(note) = note else { return Ok(response.set_status(404)?) };
    response.set_header("content-type", "text/plain; charset=utf-8")?;
    writeln!(response, "{note}")?;
    Ok(())
}

fn remove(
    notes: &Notes,
    params: &Params<'_, '_>,
    _: &mut Request,
    response: &mut Response,
) -> Result {
    let removed = id(params).and_then(|id| notes.lock().remove(&id));
    Ok(response.set_status(if removed.is_some() { 204 } else { 404 })?)
}

fn id(params: &Params<'_, '_>) -> Option<u64> {
    params.get("id")?.parse().ok()
}

impl Notes {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
