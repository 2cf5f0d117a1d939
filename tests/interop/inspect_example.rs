//! The example `inspect`: what its page shows of the traffic of our client, how it looks, and that
//! the proxy passes everything on.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use h2_sync::client::{self, Client, Connection, Versions};
use h2_sync::http;
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::tls::Connector;
use h2_sync::{BoxError, ErrorCode};

use crate::devtools::Browser;
use crate::files::Folder;
use crate::inspect_hub::Hub;
use crate::inspect_windows::Windows;
use crate::server_examples::{Example, start};

const LONG: Duration = Duration::from_secs(60);

/// The windows of a client that lets the server wait.
const WINDOW: u32 = 40_000;

/// Fails with the texts whose contrast to their background is below that of WCAG 2.2, 1.4.3.
const UNREADABLE: &str = r#"(() => {
  const channels = text => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * x + .7152 * y + .0722 * z; };
  const back = element => { for (; element; element = element.parentElement) { const c = channels(getComputedStyle(element).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll("body *")].filter(it => [...it.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && it.getClientRects().length > 0 && it.tagName !== "SCRIPT").map(it => {
    const style = getComputedStyle(it), ink = channels(it instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(back(it))].sort((a, b) => b - a), ratio = (a + .05) / (b + .05);
    return ratio < 4.5 ? `${it.tagName}.${it.className} ${it.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}` : null;
  }).filter(Boolean);
})()"#;

fn upstream() -> Handle {
    let handler = |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
        match request.path() {
            "/download" => response.send(vec![b'x'; 300_000])?,
            "/waits" => drop(request.wait_cancelled(LONG)),
            "/upload" => {
                let octets = std::io::copy(request, &mut std::io::sink())?;
                response.send(format!("{octets} octets"))?;
            }
            path => response.send(format!("hello from {path}"))?,
        }
        Ok(())
    };
    Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap()
}

/// Starts the proxy, and returns it with the URL of its page.
fn inspect(upstream: &Handle) -> Option<(Example, String)> {
    let url = format!("http://{}", upstream.local_addr().unwrap());
    let mut proxy = start("inspect", &[&url, "127.0.0.1:0"])?;
    let line = proxy.next_line();
    let page = line.strip_prefix("page at ").expect("the URL of the page").to_owned();
    Some((proxy, page))
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://example.com{path}")).body(()).unwrap()
}

/// Waits until an expression is true in the page.
fn until(browser: &mut Browser, expression: &str) {
    let wait = format!(
        "new Promise((done, fail) => {{ const end = Date.now() + {}; const look = () => \
         ({expression}) ? done(true) : Date.now() > end ? fail(document.body.innerText) : setTimeout(look, 50); look(); }})",
        LONG.as_millis()
    );
    browser.evaluate(&wait);
}

/// A connection with a stream of each kind: ended, waiting for a response, stalled, reset, and an
/// upload whose end is to come.
fn busy_connection(proxy: &Example) -> (Connection, Vec<Box<dyn std::any::Any>>) {
    let mut config = h2_sync::Config::default();
    config.initial_window_size = WINDOW;
    config.max_window_size = WINDOW;
    let stream = TcpStream::connect(proxy.address()).unwrap();
    let connection = Connection::start(stream, config).unwrap();
    for path in ["/", "/style.css", "/logo.svg"] {
        let mut response = connection.send(&get(path)).unwrap();
        assert_eq!(response.response().unwrap().status(), 200);
        while response.next_chunk().unwrap().is_some() {}
    }
    let download = connection.send(&get("/download")).unwrap();
    let waits = connection.send(&get("/waits")).unwrap();
    let upload = http::Request::post("http://example.com/upload").body(()).unwrap();
    let (mut send, response) = connection.open(&upload).unwrap();
    send.write_all(&vec![7; 30_000]).unwrap();
    send.flush().unwrap();
    let (mut reset, _gone) = connection.open(&upload).unwrap();
    reset.reset(ErrorCode::Cancel);
    // Reads what the server has sent meanwhile.
    connection.ping(LONG).unwrap();
    (connection, vec![Box::new(download), Box::new(waits), Box::new(send), Box::new(response)])
}

#[test]
fn page_shows_streams_windows_and_waits_in_both_schemes() {
    let server = upstream();
    let Some((proxy, page)) = inspect(&server) else { return };
    let folder = Folder::new("inspect");
    let Some(mut browser) = Browser::start(folder.path()) else { return };
    browser.emulate("light", 1440, 1000);
    browser.open(&page);
    until(&mut browser, "document.readyState === 'complete'");
    let protocols = "performance.getEntriesByType('resource').map(it => it.nextHopProtocol)";
    let protocols = browser.evaluate(protocols);
    assert!(protocols.as_array().unwrap().iter().all(|it| it == "h2"), "{protocols}");

    let (connection, open) = busy_connection(&proxy);
    let waits = "document.getElementById('waits').innerText";
    until(&mut browser, &format!("{waits}.includes('server waits for WINDOW_UPDATE of stream')"));
    until(&mut browser, &format!("{waits}.includes('client waits for the response on stream')"));
    until(&mut browser, &format!("{waits}.includes('server waits for the rest of the request')"));
    let rows = "document.getElementById('rows').innerText";
    for shown in ["GET /style.css", "GET /download", "GET /waits", "POST /upload", "CANCEL"] {
        until(&mut browser, &format!("{rows}.includes('{shown}')"));
    }
    // The fields of the request that is chosen.
    let choose = "act([...document.querySelectorAll('.row')].find(row => row.title === 'GET /download')); \
                  document.getElementById('detail').innerText";
    browser.evaluate(choose);
    until(&mut browser, "document.querySelector('#list .HEADERS') !== null");
    let last = "act([...document.querySelectorAll('#list tr')].at(-1)); \
                document.getElementById('detail').innerText";
    let detail = browser.evaluate(last);
    assert!(detail.as_str().unwrap().contains(":path\t/download"), "{detail}");

    let mut shots = Vec::new();
    for scheme in ["light", "dark"] {
        for (width, height) in [(1440, 1000), (900, 1200), (390, 844)] {
            browser.emulate(scheme, width, height);
            until(&mut browser, "document.querySelectorAll('.row').length > 5");
            let unreadable = browser.evaluate(UNREADABLE);
            assert_eq!(unreadable, serde_json::json!([]), "{scheme} {width}");
            let is_narrow = "document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.evaluate(is_narrow), true, "{scheme} {width}");
            let shot = browser.screenshot();
            // An empty page has a tenth of that.
            assert!(shot.len() > 30_000, "{scheme} {width}: {} octets", shot.len());
            keep(&shot, &format!("inspect-{scheme}-{width}.png"));
            shots.push(shot);
        }
    }
    assert!(shots[0] != shots[3], "light and dark look the same");
    drop((open, connection));
    until(&mut browser, &format!("{waits}.includes('The connection has ended')"));
}

/// Keeps a screenshot for people, in the folder that the environment names.
fn keep(shot: &[u8], name: &str) {
    if let Some(folder) = env::var_os("H2_SYNC_SCREENSHOTS") {
        fs::write(Path::new(&folder).join(name), shot).unwrap();
    }
}

#[test]
fn page_forgets_the_oldest_connections_and_streams() {
    let server = upstream();
    let Some((_proxy, page)) = inspect(&server) else { return };
    let folder = Folder::new("inspect-long");
    let Some(mut browser) = Browser::start(folder.path()) else { return };
    browser.open(&page);
    until(&mut browser, "document.readyState === 'complete' && source.readyState === 1");
    // Events as the server sends them. Stream 1 is open all the time.
    let fill = "(() => {
      clear(); isPicked = true; choose(1);
      const headers = (id, end) => ({ k: 'frame', c: 1, t: id, from: 'client', type: 'HEADERS', id, len: 9,
        flags: end ? ['END_STREAM'] : [], fields: [[':method', 'GET'], [':path', '/' + id]] });
      take({ k: 'open', c: 1, t: 0, client: 'a', tls: false });
      take(headers(1, false));
      for (let id = 3; id < 6001; id += 2) {
        take(headers(id, true));
        take({ ...headers(id, true), from: 'server', fields: [[':status', '200']] });
      }
      for (let c = 2; c < 500; c++) {
        take({ k: 'open', c, t: 6001, client: 'b', tls: false });
        take({ k: 'close', c, t: 6001, why: 'closed' });
      }
      draw();
      const { streams, open, streamCount } = connections.get(1);
      return [connections.size, totals.connections, streams.size, open.size, streamCount, streams.has(1), streams.has(3)];
    })()";
    let kept = browser.evaluate(fill);
    assert_eq!(kept, serde_json::json!([100, 499, 1000, 1, 3000, true, false]));
}

#[test]
fn hub_keeps_the_newest_events_within_its_bounds() {
    let hub = Hub::new("http://a.example:80");
    let text = "x".repeat(64 << 10);
    for n in 0..1_000 {
        hub.push(serde_json::json!({ "n": n, "text": text }));
    }
    let kept = hub.after(0, Duration::ZERO);
    let octets: usize = kept.events.iter().map(|event| event.len()).sum();
    assert!(octets <= 32 << 20 && octets > 31 << 20, "{octets} octets");
    assert_eq!(kept.next, 1_000);
    assert!(kept.events.last().unwrap().contains("\"n\":999,"));
    for n in 0..10_000 {
        hub.push(serde_json::json!({ "n": n }));
    }
    let kept = hub.after(0, Duration::ZERO);
    assert_eq!((kept.events.len(), kept.next), (5_000, 11_000));
}

#[test]
fn windows_are_right_after_ten_thousand_streams() {
    let mut windows = Windows::new();
    for id in (1..30_000).step_by(2) {
        windows.sent(id, 10);
        windows.updated(0, 10);
        assert_eq!((windows.stream(id), windows.connection()), (65_525, 65_535), "stream {id}");
    }
}

#[test]
fn everything_passes_in_cleartext_and_over_tls() {
    let server = upstream();
    let Some((proxy, _)) = inspect(&server) else { return };
    for scheme in ["http", "https"] {
        let mut config = client::Config::default();
        config.versions = Versions::Http2;
        config.prior_knowledge = true;
        config.tls = Some(Connector::new().unwrap().danger_accept_invalid_certificates());
        let client = Client::with_config(config).unwrap();
        let url = |path: &str| format!("{scheme}://{}{path}", proxy.address());
        assert_eq!(client.get(url("/a")).send().unwrap().text().unwrap(), "hello from /a");
        assert_eq!(client.get(url("/download")).send().unwrap().bytes().unwrap().len(), 300_000);
        let upload = client.post(url("/upload")).body(vec![7; 5 << 20]).timeout(LONG);
        assert_eq!(upload.send().unwrap().text().unwrap(), "5242880 octets");
    }
}

/// Begins HTTP/2 on a new connection. Returns whether the server does so too.
pub(crate) fn begin(address: impl ToSocketAddrs) -> (TcpStream, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    // The preface, and SETTINGS without entries.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let has_begun = stream.write_all(preface).and_then(|()| stream.read(&mut [0]));
    (stream, has_begun.is_ok_and(|octets| octets == 1))
}

#[test]
fn connections_beyond_the_limit_are_refused_until_another_ends() {
    let server = upstream();
    let Some((proxy, _)) = inspect(&server) else { return };
    let mut open = Vec::new();
    for _ in 0..200 {
        let (stream, has_begun) = begin(proxy.address());
        assert!(has_begun, "connection {}", open.len());
        open.push(stream);
    }
    let (_refused, has_begun) = begin(proxy.address());
    assert!(!has_begun);
    drop(open.pop());
    let until = Instant::now() + LONG;
    while !begin(proxy.address()).1 {
        assert!(Instant::now() < until, "there is room for another connection");
        std::thread::yield_now();
    }
}
