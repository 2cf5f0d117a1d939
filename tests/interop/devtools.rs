//! Chromium without a window, driven by its DevTools protocol over a pair of pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::peer::{self, Guard, PATIENCE};

/// One tab of a browser, which ends when this is dropped.
pub(crate) struct Browser {
    commands: ChildStdin,
    messages: mpsc::Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    _guard: Guard,
}

impl Browser {
    /// Starts Chromium with its profile in a folder. `None` if it is not installed.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub(crate) fn start(profile: &Path) -> Option<Self> {
        let chromium = peer::find("chromium")?;
        // Chromium takes commands on descriptor 3 and answers on 4; each message ends with a zero.
        let redirect = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;
        let mut command = Command::new("sh");
        command.args(["-c", redirect]).arg(chromium);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ]);
        command.args(["--ignore-certificate-errors", "--remote-debugging-pipe"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = Guard(command.spawn().unwrap());
        let commands = guard.0.stdin.take().unwrap();
        let messages = read_messages(guard.0.stdout.take().unwrap());
        let mut browser = Self { commands, messages, last_id: 0, session: None, _guard: guard };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let parameters = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", parameters);
        browser.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        Some(browser)
    }

    /// Leaves the page for this one, and returns as soon as its document begins to arrive.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub(crate) fn open(&mut self, url: &str) {
        let result = self.call("Page.navigate", json!({ "url": url }));
        assert_eq!(result.get("errorText"), None, "{url}: {result}");
    }

    /// The value of an expression in the page, or the value of its promise.
    ///
    /// # Panics
    ///
    /// If it throws.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let mut result = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        assert_eq!(result.get("exceptionDetails"), None, "{expression}");
        result["result"]["value"].take()
    }

    /// Lets the page believe in a window of this size, and in a user who prefers `scheme`.
    pub(crate) fn emulate(&mut self, scheme: &str, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Returns what the window shows, as PNG.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        STANDARD.decode(shot["data"].as_str().expect("an image")).expect("base64")
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let message = format!("{message}\0");
        self.commands.write_all(message.as_bytes()).unwrap();
        loop {
            let mut answer = self.messages.recv_timeout(PATIENCE).expect("the browser answers");
            // Messages without the identifier are events.
            if answer["id"] == self.last_id {
                assert_eq!(answer.get("error"), None, "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }
}

fn read_messages(pipe: ChildStdout) -> mpsc::Receiver<Value> {
    let (sender, messages) = mpsc::channel();
    thread::spawn(move || {
        for message in BufReader::new(pipe).split(0) {
            let value = serde_json::from_slice(&message.unwrap()).expect("JSON");
            if sender.send(value).is_err() {
                return;
            }
        }
    });
    messages
}
