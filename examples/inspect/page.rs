//! The page and its events.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use h2_sync::BoxError;
use h2_sync::server::{Request, Response};

use crate::hub::Hub;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const STATE: &str = include_str!("state.js");
const SCRIPT: &str = include_str!("page.js");

/// The longest time without an event to a page: sending one finds out whether the page is gone.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Nothing is loaded from elsewhere.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:";

pub(crate) fn handler(
    hub: Arc<Hub>,
) -> impl Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync {
    move |request, response| {
        let (kind, text) = match request.path() {
            "/" => ("text/html", PAGE),
            "/page.css" => ("text/css", STYLE),
            "/state.js" => ("text/javascript", STATE),
            "/page.js" => ("text/javascript", SCRIPT),
            "/events" => return events(&hub, response),
            _ => return Ok(response.set_status(404)?),
        };
        response.set_header("content-type", format!("{kind}; charset=utf-8"))?;
        response.set_header("content-security-policy", POLICY)?;
        response.set_header("cache-control", "no-store")?;
        Ok(response.send(text.replace("{upstream}", hub.upstream()))?)
    }
}

/// Sends all events that are kept, and new ones as they come, until the page is closed.
fn events(hub: &Hub, response: &mut Response) -> Result<(), BoxError> {
    response.set_header("content-type", "text/event-stream")?;
    response.set_header("cache-control", "no-store")?;
    response.flush()?;
    let mut next = 0;
    loop {
        let batch = hub.after(next, HEARTBEAT);
        for event in &batch.events {
            write!(response, "data: {event}\n\n")?;
        }
        // The page draws streams that wait up to this time. Fails if the page is gone.
        write!(response, "event: now\ndata: {}\n\n", hub.now())?;
        response.flush()?;
        next = batch.next;
    }
}
