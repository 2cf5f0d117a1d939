//! Chromium in the example `chat`: over TLS each WebSocket is a stream of the page's connection, in
//! clear text a connection of HTTP/1.1. Both are compressed.

use std::fs;
use std::thread;

use h2_sync::client::{Client, Versions};
use h2_sync::websocket::{self, CloseCode};

use crate::client_support::config_for;
use crate::devtools::Browser;
use crate::files::Folder;
use crate::server_examples::{Example, start_logged};
use crate::tls::Identity;
use crate::websocket::client;
use crate::websocket_chat::line_of;

/// The field of extended CONNECT in the log of frames (RFC 8441, Section 4).
const PROTOCOL: &str = ":protocol: websocket";

/// Joins a room with the page's form, once it has loaded. The value is the first line shown.
const JOIN: &str = "(async () => {
    if (document.readyState !== 'complete') {
        await new Promise(done => addEventListener('load', done));
    }
    document.querySelector('#join [name=name]').value = 'ada';
    document.querySelector('#join button').click();
    return await new Promise((found) => setInterval(() => {
        const line = document.querySelector('#lines li');
        if (line) found(line.textContent);
    }, 20));
})()";

/// Sends a line. The value is the next line of another member.
const SAY: &str = "(async () => {
    document.querySelector('#say [name=text]').value = 'hello from the page ' + '🦀'.repeat(200);
    document.querySelector('#say button').click();
    return await new Promise((found) => setInterval(() => {
        const lines = [...document.querySelectorAll('#lines li')].map((line) => line.textContent);
        const line = lines.find((line) => line.startsWith('brian: '));
        if (line) found(line);
    }, 20));
})()";

/// Ada uses the page, Brian our client, on the same server.
#[track_caller]
fn assert_talk(folder: &Folder, server: &Example, client: &Client) {
    let Some(mut browser) = Browser::start(&folder.join("profile")) else { return };
    browser.open(&server.url("/"));
    let first = browser.evaluate(JOIN);
    assert_eq!(first, "connected to lobby, with compression");
    let url = server.url("/rooms/lobby?name=brian").replacen("http", "ws", 1);
    let mut brian = websocket::connect(client, &url).unwrap();
    line_of(&mut brian, "* brian joined");
    let talk = thread::spawn(move || {
        let said = line_of(&mut brian, "ada: ");
        brian.send("hello from the client").unwrap();
        // The line comes back, since all members of the room get it.
        line_of(&mut brian, "brian: ");
        brian.close(CloseCode::NORMAL, "").unwrap();
        said
    });
    assert_eq!(browser.evaluate(SAY), "brian: hello from the client");
    let said = talk.join().unwrap();
    assert_eq!(said, format!("ada: hello from the page {}", "🦀".repeat(200)));
}

#[test]
fn page_chats_over_a_stream_of_its_http_2_connection() {
    let (folder, identity) = (Folder::new("chat-2"), Identity::new());
    let (certificate, key) = identity.write_to(&folder);
    let args = ["--tls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let Some(server) = start_logged("chat", &args, &folder.join("log")) else { return };
    assert_talk(&folder, &server, &Client::with_config(config_for(&identity)).unwrap());
    let log = fs::read_to_string(folder.join("log")).unwrap();
    // Both members used extended CONNECT.
    assert_eq!(log.matches(PROTOCOL).count(), 2, "{log}");
}

#[test]
fn page_chats_over_http_1() {
    let folder = Folder::new("chat-1");
    let Some(server) = start_logged("chat", &[], &folder.join("log")) else { return };
    assert_talk(&folder, &server, &client(Versions::Http1));
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert_eq!(log.matches(PROTOCOL).count(), 0, "{log}");
}
